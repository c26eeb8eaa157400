"""Training learns, resumes bit for bit, stops on NaN, and exports."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from crispen.errors import Cancelled, InputError, TrainingError, UsageError
from crispen.lab.data.pixels import PixelSet
from crispen.lab.export import export_checkpoint
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.training import CHECKPOINT, Trainer, schedule
from crispen.models.card import read_card
from crispen.progress import Event, Progress

TINY = ["network.width=8", "network.depth=2", "data.patch=12", "data.batch=4", "train.warmup=2"]


@pytest.fixture(scope="module")
def pixels() -> PixelSet:
    from skimage.data import astronaut

    return PixelSet([astronaut()[:256, :256, :1]], digest="0" * 64)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def recipe(*overrides: str) -> Recipe:
    return load_recipe("photo-x2", [*TINY, *overrides])


def weights(folder: Path) -> dict[str, torch.Tensor]:
    content = torch.load(folder / CHECKPOINT, weights_only=True)
    return {f"{part}.{k}": v for part in ("network", "average") for k, v in content[part].items()}


def test_schedule_by_hand() -> None:
    train = recipe("train.steps=100", "train.warmup=10", "train.decay=0.2").train
    assert schedule(4, train) == pytest.approx(0.5)
    assert schedule(50, train) == 1.0
    assert schedule(90, train) == pytest.approx(0.5)
    assert schedule(99, train) == pytest.approx(0.05)


def test_it_learns(tmp_path: Path, pixels: PixelSet) -> None:
    trainer = Trainer(
        recipe("train.steps=300", "train.learning_rate=3e-3"), tmp_path, pixels=pixels
    )
    history = trainer.fit().history
    assert history is not None
    assert [row["step"] for row in history] == [100, 200, 300]
    generator = torch.Generator().manual_seed(5)
    lr, hr = trainer.down(pixels.crops(64, trainer.down.crop, generator).float())
    with torch.no_grad():
        trained = trainer.state.average(lr / 255)
        bicubic = trainer.state.average.compose(lr / 255, torch.zeros(64, 4, 12, 12))
    error = torch.nn.functional.mse_loss(trained, hr / 255)
    baseline = torch.nn.functional.mse_loss(bicubic, hr / 255)
    assert float(error) < 0.95 * float(baseline)


def test_resumed_run_ends_with_the_same_weights(tmp_path: Path, pixels: PixelSet) -> None:
    plan = recipe("train.steps=24", "train.save_every=10")
    Trainer(plan, tmp_path / "whole", pixels=pixels).fit()

    def stop_at_13(event: Event) -> None:
        if event.done == 13:
            progress.cancel()

    progress = Progress(stop_at_13)
    broken = Trainer(plan, tmp_path / "broken", pixels=pixels)
    with pytest.raises(Cancelled):
        broken.fit(progress)
    resumed = Trainer(plan, tmp_path / "broken", pixels=pixels)
    assert resumed.state.step == 13
    resumed.fit()
    whole, broken_weights = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    assert whole.keys() == broken_weights.keys()
    for key, value in whole.items():
        assert torch.equal(value, broken_weights[key]), key


def test_resume_refuses_another_network(tmp_path: Path, pixels: PixelSet) -> None:
    Trainer(recipe("train.steps=2"), tmp_path, pixels=pixels).fit()
    with pytest.raises(UsageError, match="another recipe"):
        Trainer(recipe("network.width=16"), tmp_path, pixels=pixels)


def test_nan_stops_with_the_step_and_the_checkpoint(tmp_path: Path, pixels: PixelSet) -> None:
    trainer = Trainer(recipe("train.steps=3"), tmp_path, pixels=pixels)
    with torch.no_grad():
        trainer.state.network.head.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"step 3: the loss is nan.*last\.pt"):
        trainer.fit()


def test_start_copies_what_fits(tmp_path: Path, pixels: PixelSet) -> None:
    Trainer(recipe("train.steps=5"), tmp_path / "x2", pixels=pixels).fit()
    start = f'train.start="{tmp_path / "x2" / CHECKPOINT}"'
    x3 = load_recipe("photo-x3", [*TINY, "train.steps=5", start])
    trainer = Trainer(x3, tmp_path / "x3", pixels=pixels)
    source = weights(tmp_path / "x2")
    assert torch.equal(trainer.state.network.head.weight, source["average.head.weight"])
    assert trainer.state.network.tail.weight.shape[0] == 9
    trainer.fit()
    path = export_checkpoint(tmp_path / "x3" / CHECKPOINT, tmp_path)
    training = read_card(path).training
    assert (training.steps, training.started_from) == (10, "photo-x2")


def test_export_writes_three_files(tmp_path: Path, pixels: PixelSet) -> None:
    from safetensors.numpy import load_file

    Trainer(recipe("train.steps=5"), tmp_path / "run", pixels=pixels).fit()
    path = export_checkpoint(tmp_path / "run" / CHECKPOINT, tmp_path / "out", name="mine-x2")
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "mine-x2.md",
        "mine-x2.onnx",
        "mine-x2.safetensors",
    ]
    card = read_card(path)
    assert (card.name, card.scale, card.halo, card.base) == ("mine-x2", 2, 4, "bicubic")
    assert card.training.data_sha256 == "0" * 64
    tensors = load_file(path.with_suffix(".safetensors"))
    assert sum(t.size for t in tensors.values()) == card.parameters
    assert all(np.isfinite(t).all() for t in tensors.values())
    run = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert run["train"]["steps"] == 5


def test_export_refuses_other_files(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pt"
    junk.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="not a Crispen checkpoint"):
        export_checkpoint(junk, tmp_path)
