"""Soft crops, drawn pages and patterns take their share of a batch."""

from __future__ import annotations

import pytest
import torch

from crispen.errors import UsageError
from crispen.lab.data.mixing import with_pages, with_patterns, with_soft
from crispen.lab.degradations.pipeline import Pair
from crispen.lab.learner import make_pipeline
from crispen.lab.recipe import read_recipe


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def changed(after: torch.Tensor, before: torch.Tensor) -> int:
    return int((after != before).flatten(1).any(1).sum())


def test_a_share_of_the_crops_becomes_pages_the_same_for_the_same_seed() -> None:
    crops = torch.rand(60, 3, 32, 32, generator=generator())
    kept = crops.clone()
    mixed = with_pages(crops, 0.25, generator())
    assert torch.equal(crops, kept)
    assert 5 < changed(mixed, crops) < 28
    assert torch.equal(mixed, with_pages(crops, 0.25, generator()))
    assert with_pages(crops, 0.0, generator()) is crops


@pytest.mark.parametrize("channels", [1, 3])
def test_a_share_of_the_crops_becomes_soft_and_keeps_its_mean(channels: int) -> None:
    crops = torch.rand(60, channels, 48, 48, generator=generator())
    kept = crops.clone()
    mixed = with_soft(crops, 0.5, generator())
    assert torch.equal(crops, kept)
    soft = (mixed != crops).flatten(1).any(1)
    assert 18 < int(soft.sum()) < 42
    # White noise loses most of its steps from pixel to pixel, and nothing of its mean.
    steps = [x[soft].diff(dim=-1).square().mean((1, 2, 3)) for x in (mixed, crops)]
    assert (steps[0] < 0.7 * steps[1]).all()
    assert (mixed - crops).mean((1, 2, 3)).abs().max() < 0.02
    assert torch.equal(mixed, with_soft(crops, 0.5, generator()))
    assert with_soft(crops, 0.0, generator()) is crops


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_pattern_keeps_its_mean_and_is_told_to_be_clean(scale: int, channels: int) -> None:
    low = torch.rand(40, channels, 24, 24, generator=generator())
    high = torch.rand(40, channels, 24 * scale, 24 * scale, generator=generator())
    mixed = with_patterns(Pair(low, high, torch.full((40, 6), 0.5)), 0.5, generator())
    patterns = (mixed.input != low).flatten(1).any(1)
    assert torch.equal(patterns, (mixed.target != high).flatten(1).any(1))
    assert 8 < int(patterns.sum()) < 32
    assert mixed.dials is not None
    assert (mixed.dials[patterns] == torch.tensor([0, 0.5, 0, 0.5, 0, 0.5])).all()
    assert (mixed.dials[~patterns] == 0.5).all()
    if scale == 1:
        assert torch.equal(mixed.target[patterns], mixed.input[patterns])
    shift = mixed.target[patterns].mean((1, 2, 3)) - mixed.input[patterns].mean((1, 2, 3))
    assert shift.abs().max() < 0.03


def test_patterns_of_luma_are_those_of_grey() -> None:
    """From its black to its white, over the same photograph."""
    grey = torch.rand(40, 1, 24, 24, generator=generator()).mul(255).round().div(255)
    luma = (16 + 219 * grey) / 255
    mixed = with_patterns(Pair(luma, luma), 0.5, generator()).input
    expected = with_patterns(
        Pair(grey.expand(-1, 3, -1, -1), grey.expand(-1, 3, -1, -1)), 0.5, generator()
    ).input[:, :1]
    chosen = (mixed != luma).flatten(1).any(1)
    assert 8 < int(chosen.sum()) < 32
    assert mixed[chosen].min() == pytest.approx(16 / 255)
    assert mixed[chosen].max() == pytest.approx(235 / 255)
    assert torch.allclose(mixed[chosen], (16 + 219 * expected[chosen]) / 255, atol=1e-6)


PAIRS = {"kind": "named", "name": "unsplash-pairs"}


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("pages", PAIRS),
        ("patterns", PAIRS),
        ("pages", {"kind": "folder", "color": "luma"}),
        ("pages", {"kind": "folder", "color": "yuv"}),
        ("patterns", {"kind": "folder", "color": "yuv"}),
    ],
)
def test_for_neither_pairs_nor_other_colors(key: str, data: dict[str, object]) -> None:
    table = {
        "name": "x",
        "scale": 2,
        "network": {"kind": "plain"},
        "data": data | {key: 0.1},
        "loss": [{"kind": "l1"}],
    }
    with pytest.raises(UsageError, match=rf"data\.{key}"):
        make_pipeline(read_recipe(table, "here"), torch.device("cpu"))
