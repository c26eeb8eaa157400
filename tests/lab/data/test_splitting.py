"""Splits are seeded, disjoint and of the right size."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.lab.data.splitting import LISTED, Split, draw, left_out

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


@EXAMPLES
@given(
    st.integers(1, 60),
    st.floats(0, 0.99),
    st.integers(0, 5),
    st.integers(0, 70),
    st.integers(1, 9),
)
def test_both_parts_together_are_what_there_is(
    count: int, share: float, seed: int, limit: int, members: int
) -> None:
    groups = [i // members for i in range(count)]
    split = draw(range(count), share=share, seed=seed, limit=limit, groups=groups)
    assert split == draw(range(count), share=share, seed=seed, limit=limit, groups=groups)
    both = split.train + split.valid
    assert len(set(both)) == len(both)
    total = len(set(groups))
    assert len({groups[i] for i in both}) == (min(limit, total) if limit else total)
    assert split.train
    assert not {groups[i] for i in split.train} & {groups[i] for i in split.valid}


@EXAMPLES
@given(st.integers(1, 40), st.floats(0, 0.99), st.integers(0, 5), st.integers(0, 50))
def test_left_out_is_what_no_draw_uses(count: int, share: float, seed: int, limit: int) -> None:
    groups = [i // 2 for i in range(count)]
    for some in (None, groups):
        split = draw(range(count), share=share, seed=seed, limit=limit, groups=some)
        unused = set(range(count)).difference(split.train, split.valid)
        assert left_out(count, limit, seed, some) == unused


@pytest.mark.parametrize(
    ("count", "share", "held"), [(100, 0.1, 10), (10, 0.25, 2), (3, 0.1, 1), (1, 0.5, 0), (9, 0, 0)]
)
def test_shares_by_hand(count: int, share: float, held: int) -> None:
    split = draw(range(count), share=share, seed=0)
    assert (len(split.train), len(split.valid)) == (count - held, held)


def test_another_seed_holds_out_others() -> None:
    assert draw(range(50), share=0.1, seed=0).valid != draw(range(50), share=0.1, seed=1).valid


def test_a_record_lists_names_unless_they_are_many() -> None:
    names = [f"{i}.png" for i in range(LISTED + 2)]
    record = Split(list(range(1, LISTED + 2)), [0], 3).record(names)
    assert record["valid"] == ["0.png"]
    assert record["seed"] == 3
    assert record["train"] == {
        "pictures": LISTED + 1,
        "sha256": hashlib.sha256("\n".join(names[1:]).encode()).hexdigest(),
    }
