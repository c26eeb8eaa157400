"""Crops in black and white."""

from __future__ import annotations

import pytest
import torch

from crispen.errors import UsageError
from crispen.lab.data.bilevel import make_bilevel
from crispen.lab.data.tables import Color
from crispen.lab.learner import make_pipeline
from crispen.lab.recipe import read_recipe


def crops(channels: int) -> torch.Tensor:
    return torch.rand(400, channels, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("color", "channels", "black", "white"),
    [("luma", 1, 16 / 255, 235 / 255), ("yuv", 1, 0.0, 1.0), ("rgb", 3, 0.0, 1.0)],
)
def test_a_share_becomes_black_and_white_and_the_rest_stays(
    color: Color, channels: int, black: float, white: float
) -> None:
    before = crops(channels)
    kept = before.clone()
    after = make_bilevel(before, 0.25, color, torch.Generator().manual_seed(2))
    assert torch.equal(before, kept)
    changed = (after != before).flatten(1).any(1)
    assert 60 < int(changed.sum()) < 140
    cut = after[changed]
    torch.testing.assert_close(cut.unique(), torch.tensor([black, white]))
    assert (cut == cut[:, :1]).all(), "no colour"
    grey = before[changed].mean(1, keepdim=True)
    assert torch.equal(cut[:, :1] > 0.5, grey > grey.mean((2, 3), keepdim=True))


def test_none_and_all() -> None:
    before = crops(1)
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(make_bilevel(before, 0.0, "luma", generator), before)
    assert len(make_bilevel(before, 1.0, "luma", generator).unique()) == 2


def test_pairs_have_none() -> None:
    table = {
        "name": "x",
        "scale": 2,
        "network": {"kind": "plain"},
        "data": {"kind": "named", "name": "unsplash-pairs", "bilevel": 0.1},
        "loss": [{"kind": "l1"}],
    }
    recipe = read_recipe(table, "here")
    with pytest.raises(UsageError, match=r"data\.bilevel"):
        make_pipeline(recipe, torch.device("cpu"))
