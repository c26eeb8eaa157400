"""Pages and patterns are drawn, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.lab.data.drawn import fonts, page, pattern


def test_pages_differ_and_repeat():
    pages = [page(np.random.default_rng(n), 96) for n in range(8)]
    assert all(p.shape == (96, 96, 3) and p.dtype == np.uint8 for p in pages)
    assert len({p.tobytes() for p in pages}) == 8
    assert np.array_equal(pages[3], page(np.random.default_rng(3), 96))
    # Something stands on nearly all of them.
    assert sum(p.std() > 5 for p in pages) >= 6


def test_there_is_a_font():
    assert fonts()


@pytest.mark.parametrize("seed", range(12))
def test_patterns_have_two_levels_and_no_colour(seed):
    photo = np.linspace(0, 255, 48, dtype=np.uint8)[:, None, None].repeat(48, 1).repeat(3, 2)
    made = pattern(np.random.default_rng(seed), photo)
    assert made.shape == photo.shape
    assert (made[..., :1] == made).all()
    assert len(np.unique(made)) <= 2
