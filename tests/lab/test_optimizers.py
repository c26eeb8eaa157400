"""Each optimiser trains, goes on bit for bit, and is refused where it cannot work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import torch

from crispen.errors import Cancelled, UsageError
from crispen.lab.checkpoint import CHECKPOINT, load_checkpoint
from crispen.lab.learner import make_network
from crispen.lab.optimizers import copy_average, hidden_matrices, make_optimizer
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.train_table import OptimizerName, Train
from crispen.lab.training import Trainer
from crispen.lab.validation import run_whole
from crispen.progress import Progress

Make = Callable[..., Recipe]
Stop = Callable[[int], Progress]
NAMES = get_args(OptimizerName)
RATES = {"lion": 4e-4, "sgd": 2e-2}


def toy(name: str, *changes: str) -> Recipe:
    return load_recipe(
        "toy",
        [
            f"train.optimizer={name}",
            f"train.learning_rate={RATES.get(name, 3e-3)}",
            "train.weight_decay=0.01",
            "train.warmup=2",
            "train.steps=40",
            "train.validate_every=40",
            "train.sample_every=0",
            "network.depth=2",
            "network.width=8",
            "data.count=8",
            "validation.count=4",
            *changes,
        ],
    )


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_and_resumes_bit_for_bit(name: str, stop_at: Stop, tmp_path: Path) -> None:
    whole = Trainer(toy(name), tmp_path / "whole")
    cases = whole.keeper.validator
    assert cases is not None
    before = cases.measure(whole.learner.average)["val_psnr"]
    best = whole.fit()
    assert best["psnr"] > before + 0.05
    with pytest.raises(Cancelled):
        Trainer(toy(name), tmp_path / "broken").fit(stop_at(17))
    torch.rand(5)
    resumed = Trainer(toy(name), tmp_path / "broken", resume=True)
    assert resumed.step == 17
    resumed.fit()
    a, b = (load_checkpoint(tmp_path / n / CHECKPOINT) for n in ("whole", "broken"))
    for key in ("network", "average"):
        assert all(torch.equal(a[key][k], b[key][k]) for k in a[key]), key
    assert str(a["optimizer"]) == str(b["optimizer"])


def test_schedule_free_is_evaluated_by_the_mean_of_what_it_reached() -> None:
    # With a constant rate, x is the mean of z after each step (arXiv:2405.15682, equation 1).
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    weights = list(layer.parameters())
    optimizer = make_optimizer(layer, Train(optimizer="schedule-free", learning_rate=0.1))
    reached = []
    for _ in range(5):
        layer(torch.rand(4, 3)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        reached.append(optimizer.state[layer.weight]["z"].clone())
    trained = layer.weight.detach().clone()
    averages = [torch.empty_like(p) for p in weights]
    copy_average(optimizer, weights, averages)
    torch.testing.assert_close(averages[0], torch.stack(reached).mean(0))
    assert torch.equal(layer.weight, trained)
    # The package's own switch gives the same.
    optimizer.eval()  # type: ignore[attr-defined]
    torch.testing.assert_close(averages[0], layer.weight.detach())


def test_schedule_free_exports_its_average(tmp_path: Path) -> None:
    from crispen.lab.export import export_checkpoint

    made = toy("schedule-free", "train.precision=fp32")
    trainer = Trainer(made, tmp_path / "run")
    trainer.fit()
    learner, optimizer = trainer.learner, trainer.learner.optimizer
    saved = load_checkpoint(tmp_path / "run" / CHECKPOINT)
    assert not torch.equal(saved["average"]["tail.weight"], saved["network"]["tail.weight"])
    x = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        shown = run_whole(learner.average, x)
        optimizer.eval()  # type: ignore[attr-defined]
        torch.testing.assert_close(run_whole(learner.network.eval(), x), shown)
    path = export_checkpoint(tmp_path / "run" / CHECKPOINT, tmp_path / "out")
    from safetensors.torch import load_file

    exported = load_file(path.with_suffix(".safetensors"))
    assert torch.equal(exported["tail.weight"], saved["average"]["tail.weight"])


def test_muon_trains_the_hidden_matrices(recipe: Make) -> None:
    network = make_network(recipe("upscale", "network.depth=1"))
    names = {id(p): name for name, p in network.named_parameters()}
    hidden = hidden_matrices(network)
    assert {names[id(p)] for p in hidden} == {
        f"body.0.{part}" for part in ("weight", "point", "squeeze", "spread")
    }
    optimizer = make_optimizer(network, Train(optimizer="muon", learning_rate=0.01))
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(names)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    network.outputs(torch.rand(2, 1, 12, 12)).image.square().mean().backward()
    optimizer.step()
    moved = {name: p.detach() - before[name] for name, p in network.named_parameters()}
    # The update is a matrix whose singular values are all about 0.2 sqrt(longer side) times the
    # rate; five Newton-Schulz iterations reach 0.7 to 1.2 of that.
    kernel = moved["body.0.spread"].flatten(1)
    values = torch.linalg.svdvals(kernel) / (0.01 * 0.2 * max(kernel.shape) ** 0.5)
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.35
    # AdamW's first step is the rate, whatever the gradient.
    assert float(moved["head.weight"].abs().max()) == pytest.approx(0.01, rel=1e-3)


def test_schedule_free_does_not_suit_batch_normalisation(recipe: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not suit batch normalisation"):
        Trainer(recipe("denoise", "train.optimizer=schedule-free"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_muon_needs_a_hidden_layer() -> None:
    two = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Conv2d(4, 1, 3))
    with pytest.raises(UsageError, match="more than two layers"):
        make_optimizer(two, Train(optimizer="muon"))
