"""What each augmentation does to the pixels of inputs and targets, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from crispen.errors import Cancelled, UsageError
from crispen.lab.checkpoint import CHECKPOINT, load_checkpoint
from crispen.lab.data.augmentation import Augment, augmented
from crispen.lab.degradations.pipeline import Pair
from crispen.lab.learner import make_pair
from crispen.lab.recipe import Recipe
from crispen.lab.training import Trainer
from crispen.progress import Progress

Make = Callable[..., Recipe]
Stop = Callable[[int], Progress]


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(count: int, scale: int, side: int = 10) -> Pair:
    """Crops of one value each: crop i is i, in input and target."""
    values = torch.arange(count).float()[:, None, None, None]
    return Pair(
        values.expand(-1, 3, side, side).contiguous(),
        values.expand(-1, 3, side * scale, side * scale).contiguous(),
    )


def test_the_shares_the_seed_and_the_originals() -> None:
    pair = numbered(200, 2)
    kept = pair.input.clone(), pair.target.clone()
    made = augmented(pair, Augment(mixup=0.25), generator())
    assert torch.equal(pair.input, kept[0])
    assert torch.equal(pair.target, kept[1])
    changed = int((made.input != pair.input).flatten(1).any(1).sum())
    assert 30 < changed < 70
    again = augmented(pair, Augment(mixup=0.25), generator())
    assert torch.equal(made.input, again.input)
    other = augmented(pair, Augment(mixup=0.25), generator(2))
    assert not torch.equal(made.input, other.input)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_mixup_blends_input_and_target_with_one_weight(scale: int) -> None:
    count = 60
    pair = numbered(count, scale)
    made = augmented(pair, Augment(mixup=1), generator())
    values = made.input.amax((1, 2, 3))
    # Constant crops stay constant, and target and input have the same value.
    torch.testing.assert_close(made.input.amin((1, 2, 3)), values)
    torch.testing.assert_close(made.target.amin((1, 2, 3)), values)
    torch.testing.assert_close(made.target.amax((1, 2, 3)), values)
    assert int((values != pair.input[:, 0, 0, 0]).sum()) == count


def test_mixups_weights_are_a_beta_distribution() -> None:
    # Of two crops, 0 and 1, each is the other's partner: the values are the weights, whose
    # variance is 1 / (4 (2 alpha + 1)).
    values = torch.cat(
        [
            augmented(numbered(2, 1, 1), Augment(mixup=1, mixup_alpha=1.2), generator(i)).input
            for i in range(1000)
        ]
    )
    assert float(values.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(values.var()) == pytest.approx(1 / (4 * 3.4), rel=0.1)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_cutmix_replaces_the_same_square_in_both(scale: int) -> None:
    pair = numbered(40, scale)
    made = augmented(pair, Augment(cutmix=1, cut=0.4), generator())
    places = set()
    for i in range(40):
        inside = made.input[i, 0] != i
        # A square of 4 of 10 pixels, from one other crop.
        assert int(inside.sum()) == 16
        rows, columns = inside.any(1).nonzero()[:, 0], inside.any(0).nonzero()[:, 0]
        assert (len(rows), len(columns)) == (4, 4)
        places.add((int(rows[0]), int(columns[0])))
        assert len(made.input[i][:, inside].unique()) == 1
        large = made.input[i].repeat_interleave(scale, 1).repeat_interleave(scale, 2)
        assert torch.equal(made.target[i], large)
    assert len(places) > 15


def test_cutblur_swaps_a_square_between_input_and_target() -> None:
    count = 200
    pair = Pair(torch.zeros(count, 3, 10, 10), torch.ones(count, 3, 10, 10))
    made = augmented(pair, Augment(cutblur=1, cut=0.4), generator())
    assert torch.equal(made.target, pair.target)
    sharp = made.input[:, 0].sum((1, 2))
    # 16 of 100 pixels are the target's, or all the others are.
    assert set(sharp.tolist()) == {16.0, 84.0}
    assert 70 < int((sharp == 16).sum()) < 130


def test_channel_shuffle_moves_channels_alike() -> None:
    low = torch.rand(30, 3, 6, 6, generator=generator())
    high = low.repeat_interleave(2, 2).repeat_interleave(2, 3)
    made = augmented(Pair(low, high), Augment(channel_shuffle=1), generator())
    assert torch.equal(made.target[..., ::2, ::2], made.input)
    assert (made.input != low).flatten(1).any(1).all()
    assert torch.equal(made.input.sort(1).values, low.sort(1).values)


def test_a_crop_gets_at_most_one_of_the_three() -> None:
    # Where mixed, crops of one value stay so with mixup, have two values with the others.
    pair = numbered(300, 1)
    made = augmented(pair, Augment(mixup=0.4, cutmix=0.6), generator())
    kinds = [len(x.unique()) for x in made.input]
    assert set(kinds) == {1, 2}
    assert 80 < kinds.count(1) < 160
    for x in made.input:
        if len(x.unique()) == 2:
            assert torch.equal(x.unique(), x.unique().round())


CUTBLUR = (
    "network.unshuffle=2",
    'degradation=[{kind="pixelate", size=0.5, down="bicubic", up="bicubic"}]',
    "scale=1",
    "task=restore",
    "augment.cutblur=0.5",
)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["augment.mixup=0.6", "augment.cutmix=0.6"], r"augment: .* 1\.2 together"),
        (["augment.mixup=2"], r"augment\.mixup"),
        (["augment.cutout=0.5"], r"augment\.cutout: no such key"),
        (["augment.channel_shuffle=0.5"], 'needs data.color = "rgb"'),
        (["augment.cutblur=0.5"], r"scale = 1 with .*size = 0\.5.*unshuffle = 2"),
        (["augment.cutmix=0.5", "data.batch=1"], "augment.cutmix: needs data.batch = 2"),
        (["augment.mixup=0.5", "network.dials=true"], "augment.mixup: the network has dials"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(
    recipe: Make, tmp_path: Path, changes: list[str], told: str
) -> None:
    with pytest.raises(UsageError, match=told) as error:
        Trainer(recipe("upscale", *changes), tmp_path / "run")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        ("data.color=rgb", "augment.mixup=0.3", "augment.cutmix=0.3", "augment.channel_shuffle=1"),
        CUTBLUR,
    ],
)
def test_a_resumed_run_sees_the_same_crops(
    recipe: Make, stop_at: Stop, tmp_path: Path, changes: tuple[str, ...]
) -> None:
    made = recipe("upscale", "train.steps=8", *changes)
    Trainer(made, tmp_path / "whole").fit()
    with pytest.raises(Cancelled):
        Trainer(made, tmp_path / "broken").fit(stop_at(3))
    Trainer(made, tmp_path / "broken", resume=True).fit()
    a, b = (load_checkpoint(tmp_path / n / CHECKPOINT)["network"] for n in ("whole", "broken"))
    assert all(torch.equal(a[k], b[k]) for k in a)
    Trainer(recipe("upscale", "train.steps=8", *changes[:-1]), tmp_path / "without").fit()
    without = load_checkpoint(tmp_path / "without" / CHECKPOINT)["network"]
    assert not all(torch.equal(a[k], without[k]) for k in a)
    with pytest.raises(UsageError, match=r"another recipe .augment differs"):
        Trainer(recipe("upscale", "train.steps=8", *changes[:-1]), tmp_path / "whole")


def test_validation_is_not_augmented(recipe: Make, tmp_path: Path) -> None:
    changed = Trainer(recipe("upscale", "augment.cutmix=1"), tmp_path / "a")
    plain = Trainer(recipe("upscale"), tmp_path / "b")
    pairs = [make_pair(t.batches, None, t.learner.pipeline, t.recipe, 0) for t in (changed, plain)]
    assert torch.equal(pairs[0].input, pairs[1].input)
    assert torch.equal(pairs[0].target, pairs[1].target)
