"""Several processes train together as one: on this machine, and through a cluster's queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from crispen.errors import Cancelled, TrainingError, UsageError
from crispen.evaluate.run_folders import read_run
from crispen.lab.checkpoint import CHECKPOINT, load_checkpoint
from crispen.lab.data import open_batches
from crispen.lab.learner import make_network, make_pair, make_pipeline
from crispen.lab.losses import build_loss
from crispen.lab.processes import Place, connect, helpers, stream_seed
from crispen.lab.recipe import Recipe
from crispen.lab.training import Trainer
from crispen.progress import Event, Progress

Make = Callable[..., Recipe]


TWO = (
    "network={kind='plain', width=8, depth=2}",
    "train.optimizer=sgd",
    "train.learning_rate=0.1",
    "train.warmup=0",
    "train.schedule=constant",
    "train.precision=fp32",
    "train.ema=0",
)


def test_two_processes_take_the_mean_of_their_gradients(recipe: Make, tmp_path: Path) -> None:
    """One SGD step by hand: each rank's own crops and noise, the mean of both gradients."""
    made = recipe("denoise", *TWO, "train.steps=1")
    Trainer(made, tmp_path, device="cpu", devices=2).fit()
    cpu = torch.device("cpu")
    pipeline = make_pipeline(made, cpu)
    assert pipeline is not None
    network = make_network(made)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    losses = build_loss(made.loss)
    for rank in (0, 1):
        batches = open_batches(made.data, seed=0, rank=rank, world=2, size=pipeline.crop)
        seed = stream_seed(0, rank, 0, "degradation")
        pair = make_pair(batches, 0, pipeline, made, seed)
        x, target = pair.input, pair.target
        loss, _ = losses(network.train().outputs(x), target)
        (loss / 2).backward()
    after = load_checkpoint(tmp_path / CHECKPOINT)["network"]
    assert any(not torch.equal(after[k], before[k]) for k in before)
    for name, weight in network.named_parameters():
        assert weight.grad is not None
        torch.testing.assert_close(after[name], before[name] - 0.1 * weight.grad)


def test_two_processes_stop_and_go_on_exactly(recipe: Make, tmp_path: Path) -> None:
    made = recipe("denoise", "train.steps=24")

    def listen(event: Event) -> None:
        if event.done == 7:
            progress.cancel()

    progress = Progress(listen)
    Trainer(made, tmp_path / "whole", device="cpu", devices=2).fit()
    with pytest.raises(Cancelled):
        Trainer(made, tmp_path / "broken", device="cpu", devices=2).fit(progress)
    # They agree on stopping every ten steps.
    assert load_checkpoint(tmp_path / "broken" / CHECKPOINT)["step"] == 10
    Trainer(made, tmp_path / "broken", device="cpu", devices=2).fit()
    whole, broken = (load_checkpoint(tmp_path / n / CHECKPOINT) for n in ("whole", "broken"))
    for name, weight in whole["average"].items():
        assert torch.equal(weight, broken["average"][name]), name
    assert not torch.distributed.is_initialized()


def test_what_went_wrong_is_told_by_whoever_knows_it(recipe: Make, tmp_path: Path) -> None:
    made = recipe("denoise", *TWO, "train.learning_rate=9", "train.steps=60")
    with pytest.raises(TrainingError, match=r"^step \d+: the loss is"):
        Trainer(made, tmp_path, device="cpu", devices=2).fit()
    assert read_run(tmp_path).status == "failed"


def test_a_helper_that_fails_is_told(tmp_path: Path) -> None:
    place = Place(devices=2, port=1)

    def lose_the_other() -> None:
        with helpers(place, ["not json"], tmp_path):
            while "Error" not in (tmp_path / "rank-1.log").read_text():
                time.sleep(0.1)
            raise RuntimeError("connection closed by peer")

    with pytest.raises(TrainingError, match=r"device 1 ended: .*JSONDecodeError.*rank-1\.log"):
        lose_the_other()


@pytest.mark.parametrize(
    ("device", "told"),
    [("gpu", "give auto, cpu, cuda"), ("cuda:x", "give auto"), ("tpu:0", "give auto")],
)
def test_unknown_devices_are_refused(device: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        connect(device, Place())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no CUDA device here; give cpu"):
        connect("cuda", Place())
