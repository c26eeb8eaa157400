"""Order, margins and grids of the pipeline; compositions; the blind chain."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Generator, Tensor

from crispen.errors import UsageError
from crispen.lab.degradations import (
    Bicubic,
    Blind,
    Brighten,
    Chain,
    ColorNoise,
    Darken,
    Decimate,
    GaussianBlur,
    GaussianNoise,
    Jpeg,
    MedianBlur,
    MotionBlur,
    OneOf,
    Pipeline,
    Resize,
    Shuffle,
    degrade,
)
from crispen.lab.degradations.pipeline import resolve


def test_shrinking_comes_behind_the_blurs_and_before_the_noise() -> None:
    tables = [GaussianBlur(), MotionBlur(), GaussianNoise(), Jpeg()]
    kinds = [table.kind for table in resolve(tables, 2)]
    assert kinds == ["gaussian-blur", "motion-blur", "bicubic", "gaussian-noise", "jpeg"]
    assert [table.kind for table in resolve([], 3)] == ["bicubic"]
    assert resolve(tables, 1) == tuple(tables)
    mixed = OneOf(parts=[GaussianBlur(), MotionBlur()])
    assert [table.kind for table in resolve([mixed, Jpeg()], 2)] == ["one-of", "bicubic", "jpeg"]


def test_what_the_recipe_shrinks_by_itself_stays() -> None:
    assert [t.kind for t in resolve([Jpeg(), Decimate()], 3)] == ["jpeg", "decimate"]
    assert [t.kind for t in resolve([Bicubic(factor=2), Decimate(factor=2)], 4)] == [
        "bicubic",
        "decimate",
    ]


@pytest.mark.parametrize(
    ("tables", "scale"),
    [([Bicubic(factor=3)], 2), ([Bicubic(), Decimate()], 2), ([Bicubic(factor=2)], 1)],
)
def test_factors_that_do_not_give_the_scale_are_refused(tables: list[Bicubic], scale: int) -> None:
    with pytest.raises(UsageError, match="make their factors give"):
        Pipeline(tables, scale=scale, patch=16)


def test_colour_is_needed_when_the_pipeline_is_built() -> None:
    for table in (ColorNoise(), OneOf(parts=[Jpeg(), ColorNoise()])):
        with pytest.raises(UsageError, match="needs colour"):
            Pipeline([table], scale=1, patch=16, channels=1)


@pytest.mark.parametrize(
    "tables",
    [
        [GaussianBlur(sigma=2)],
        [MotionBlur(length=9, angle=30), MedianBlur(size=5)],
        [GaussianBlur(sigma=1), Bicubic(factor=2), MedianBlur(size=3)],
        *([Resize(factor=2, method=m)] for m in ("area", "nearest", "bilinear", "lanczos")),
        [Decimate(factor=2, sigma=1.5), GaussianBlur(sigma=1)],
        [OneOf(parts=[GaussianBlur(sigma=1.5)])],
        [Chain(parts=[GaussianBlur(sigma=1), Decimate(factor=2)])],
    ],
)
def test_kept_pixels_are_those_of_the_whole_picture(
    tables: list[GaussianBlur], photo: Tensor, generator: Generator
) -> None:
    scale = 2 if resolve(tables, 2) == tuple(tables) else 1
    pipeline = Pipeline(tables, scale=scale, patch=12)
    pair = pipeline(photo[..., 16:, 20:][..., : pipeline.crop, : pipeline.crop], generator)
    x, target = pair.input, pair.target
    rim = (pipeline.crop // scale - 12) // 2
    top, left = 16 // scale + rim, 20 // scale + rim
    whole = degrade(photo, tables, generator, scale)
    torch.testing.assert_close(x, whole[..., top : top + 12, left : left + 12], atol=1e-5, rtol=0)
    side = 12 * scale
    kept = photo[..., top * scale :, left * scale :][..., :side, :side]
    assert torch.equal(target, kept)


def test_blocks_begin_anywhere(photo: Tensor, generator: Generator) -> None:
    jpeg = Jpeg(quality=30, chroma="4:4:4")
    pipeline = Pipeline([jpeg], scale=1, patch=24)
    # Room for each of the eight phases of a block.
    assert pipeline.crop == 31
    crop = photo[..., 20:51, 30:61]
    whole = jpeg(crop, generator)
    found = set()
    pair = pipeline(crop.expand(128, -1, -1, -1), generator)
    for x, target in zip(pair.input, pair.target, strict=True):
        (place,) = [
            (top, left)
            for top in range(8)
            for left in range(8)
            if torch.equal(x, whole[0, :, top : top + 24, left : left + 24])
        ]
        top, left = place
        assert torch.equal(target, crop[0, :, top : top + 24, left : left + 24])
        found.add(place)
    assert {top for top, _ in found} == {left for _, left in found} == set(range(8))


def test_nothing_is_learnt_or_rounded_by_autocast(photo: Tensor, generator: Generator) -> None:
    pipeline = Pipeline([], scale=2, patch=16)
    crop = photo[..., : pipeline.crop, : pipeline.crop]
    expected = pipeline(crop, generator).input
    with torch.autocast("cpu", torch.bfloat16):
        x = pipeline(crop.clone().requires_grad_(), generator).input
    assert torch.equal(x, expected)
    assert not x.requires_grad


def test_one_of_draws_by_weight(generator: Generator) -> None:
    x = torch.full((400, 1, 1, 1), 0.5)
    table = OneOf(parts=[Darken(proportion=0.5), Brighten(proportion=0.5)], weights=[3, 1])
    y = table(x, generator)
    assert set(y.unique().tolist()) == {0.25, 0.75}
    # Four standard errors of Binomial(400, 3/4).
    assert int((y == 0.25).sum()) == pytest.approx(300, abs=35)


def test_shuffle_takes_every_order(generator: Generator) -> None:
    # (x / 2 + 1) / 2 and (x + 1) / 4.
    x = torch.full((200, 1, 1, 1), 0.5)
    table = Shuffle(parts=[Darken(proportion=0.5), Brighten(proportion=0.5)])
    y = table(x, generator)
    assert set(y.unique().tolist()) == {0.625, 0.375}
    assert int((y == 0.625).sum()) == pytest.approx(100, abs=29)


def test_chain_takes_its_order(generator: Generator) -> None:
    table = Chain(parts=[Darken(proportion=0.5), Brighten(proportion=0.5)])
    assert float(table(torch.full((1, 1, 1, 1), 0.5), generator)) == 0.625


def test_parts_that_shrink_must_agree(generator: Generator) -> None:
    either = OneOf(parts=[Bicubic(), Decimate()])
    assert either(torch.rand(6, 3, 12, 12, generator=generator), generator, 3).shape[-1] == 4
    with pytest.raises(UsageError, match="different factors"):
        Pipeline([OneOf(parts=[Bicubic(factor=2), Bicubic(factor=3)])], scale=2, patch=8)
    with pytest.raises(ValidationError, match="either all of them shrink"):
        OneOf(parts=[Bicubic(), Jpeg()])
    with pytest.raises(ValidationError, match="keep the size"):
        Shuffle(parts=[Bicubic(), Jpeg()])
    with pytest.raises(ValidationError, match="expected 1"):
        Chain(parts=[Bicubic()], probability=0.5)
    with pytest.raises(ValidationError, match="a number of at least 0 for each of the 2 parts"):
        OneOf(parts=[Darken(), Jpeg()], weights=[1])


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_blind_gives_whole_levels_and_differs_from_picture_to_picture(
    photo: Tensor, generator: Generator, scale: int
) -> None:
    same = photo[..., :80, :96].expand(9, -1, -1, -1)
    y = Blind()(same, generator, scale)
    assert y.shape == (9, 3, 80 // scale, 96 // scale)
    torch.testing.assert_close(y * 255, (y * 255).round(), atol=1e-3, rtol=0)
    distance = (y[:, None] - y[None]).abs().mean(dim=(2, 3, 4))
    assert float((distance + torch.eye(9)).min()) > 0.005
    # Still the same picture: its mean colours are kept.
    means = y.mean(dim=(2, 3)) - photo[..., :80, :96].mean(dim=(2, 3))
    assert float(means.abs().max()) < 0.08


def test_blind_without_any_stage_but_resizing_keeps_the_picture(
    photo: Tensor, generator: Generator
) -> None:
    still = {
        "blur": 0, "up": 0, "down": 0, "noise": [0, 0], "poisson": 0, "quality": 100
    }  # fmt: skip
    blind = Blind(first=still, second=still, last_sinc=0)
    y = blind(photo, generator, 1)
    # Two passes through the best JPEG, colours at half the size, are all that is left.
    assert float((y - photo).square().mean().sqrt()) * 255 < 6
