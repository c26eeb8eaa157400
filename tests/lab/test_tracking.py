"""Trackers: off unless asked; each gets what log.csv has, and a continued run is one record."""

from __future__ import annotations

import csv
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crispen.errors import UsageError
from crispen.evaluate.run_folders import read_run
from crispen.lab import tracking
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.training import Trainer

Make = Callable[..., Recipe]
SHORT = ("train.steps=4", "train.validate_every=2", "train.log_every=1")


def about(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text())["tracker"]


def logged(folder: Path, name: str) -> list[tuple[int, float]]:
    """What ``log.csv`` has."""
    with (folder / "log.csv").open() as file:
        return [(int(row["step"]), float(row[name])) for row in csv.DictReader(file) if row[name]]


@pytest.mark.parametrize("overrides", [(), ("tracker.kind=none",)])
def test_off_unless_asked(recipe: Make, tmp_path: Path, overrides: tuple[str, ...]) -> None:
    Trainer(recipe("upscale", *SHORT, *overrides), tmp_path).fit()
    assert not (tmp_path / "tensorboard").exists()
    assert about(tmp_path) is None


def test_the_recipe_is_strict(recipe: Make) -> None:
    with pytest.raises(UsageError, match=r"tracker\.kind"):
        recipe("upscale", "tracker.kind=tensorbored")
    with pytest.raises(UsageError, match=r"tracker\.projekt: no such key; did you mean project"):
        recipe("upscale", "tracker.kind=wandb", "tracker.projekt=a")


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("mlflow", "MLFLOW_DISABLE_TELEMETRY", "true"),
        ("wandb", "WANDB_ERROR_REPORTING", "false"),
    ],
)
def test_makers_of_trackers_are_told_nothing(
    recipe: Make, monkeypatch: pytest.MonkeyPatch, kind: str, name: str, value: str
) -> None:
    pytest.importorskip(kind)
    monkeypatch.delenv(name, raising=False)
    tracking.check_tracker(recipe("upscale", f"tracker.kind={kind}"))
    assert os.environ[name] == value
    monkeypatch.setenv(name, "")  # so that it is removed again


def test_tensorboard_has_the_log(recipe: Make, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    kind = "tracker.kind=tensorboard"
    Trainer(recipe("upscale", *SHORT, kind), tmp_path).fit()
    # Continued: the recipe is the same but for its length.
    Trainer(recipe("upscale", *SHORT, kind, "train.steps=6"), tmp_path).fit()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    for name in ("loss", "val_psnr", "learning_rate"):
        there = [(e.step, e.value) for e in events.Scalars(name)]
        assert there == [(s, pytest.approx(v, rel=1e-5)) for s, v in logged(tmp_path, name)]
    assert [s for s, _ in logged(tmp_path, "val_psnr")] == [2, 4, 6]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of MLflow on this disk."""
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}"


# MLflow uses what SQLAlchemy no longer likes.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_mlflow_has_one_run_with_log_and_recipe(recipe: Make, tmp_path: Path, store: str) -> None:
    from mlflow.tracking import MlflowClient

    folder = tmp_path / "run"
    tracked = ("tracker.kind=mlflow", "tracker.project=tests")
    Trainer(recipe("upscale", *SHORT, *tracked), folder).fit()
    first = about(folder)
    Trainer(recipe("upscale", *SHORT, *tracked, "train.steps=6"), folder).fit()
    assert about(folder) == first == {"kind": "mlflow", "id": first["id"]}
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("tests")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_id, run.info.run_name) == (first["id"], "run")
    assert run.info.status == "FINISHED"
    assert run.data.params["train/learning_rate"] == "0.003"
    history = [(m.step, m.value) for m in client.get_metric_history(first["id"], "val_psnr")]
    assert history == [(s, pytest.approx(v, rel=1e-6)) for s, v in logged(folder, "val_psnr")]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Weights & Biases without a network or an account."""
    wandb = pytest.importorskip("wandb")
    for name, value in (("MODE", "offline"), ("SILENT", "true"), ("DIR", str(tmp_path))):
        monkeypatch.setenv(f"WANDB_{name}", value)
    yield wandb
    wandb.teardown()


def test_wandb_has_one_run_with_log_and_recipe(
    recipe: Make, tmp_path: Path, offline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightning.pytorch.loggers.wandb import WandbLogger

    sent: list[tuple[int, dict[str, float]]] = []
    opened: list[Any] = []
    plain = WandbLogger.log_metrics

    def log_metrics(self: WandbLogger, metrics: Any, step: int) -> None:
        plain(self, metrics, step)
        opened.append(self.experiment)
        sent.append((step, dict(metrics)))

    monkeypatch.setattr(WandbLogger, "log_metrics", log_metrics)
    folder = tmp_path / "run"
    tracked = ("tracker.kind=wandb", "tracker.project=tests")
    Trainer(recipe("upscale", *SHORT, *tracked), folder).fit()
    first = about(folder)
    assert first == {"kind": "wandb", "id": opened[0].id}
    assert (opened[0].project, opened[0].name) == ("tests", "run")
    assert opened[0].config["train"]["learning_rate"] == 3e-3
    assert offline.run is None  # closed
    Trainer(recipe("upscale", *SHORT, *tracked, "train.steps=6"), folder).fit()
    assert opened[-1] is not opened[0]
    assert opened[-1].id == first["id"]
    psnr = [(step, m["val_psnr"]) for step, m in sent if "val_psnr" in m]
    assert psnr == [(s, pytest.approx(v, rel=1e-6)) for s, v in logged(folder, "val_psnr")]
    assert list(folder.glob("wandb/offline-run-*"))


class Failing:
    """A tracker that refuses, or that breaks later."""

    version = "7"
    experiment = None

    def __init__(self, after: int) -> None:
        self.left = after

    def log_hyperparams(self, params: dict[str, Any]) -> None:
        if self.left < 0:
            raise RuntimeError("No API key configured.\nMore lines")

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise ConnectionError("no route")

    def finalize(self, status: str) -> None:
        raise AssertionError("it failed before")


def use(monkeypatch: pytest.MonkeyPatch, failing: Failing) -> None:
    """Takes it for MLflow, installed or not."""
    monkeypatch.setattr(tracking, "check_tracker", lambda _: None)
    monkeypatch.setattr("crispen.lab.training.check_tracker", lambda _: None)
    monkeypatch.setitem(tracking._OPEN, "mlflow", lambda *_: failing)


def test_a_tracker_that_fails_does_not_end_the_training(
    recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use(monkeypatch, Failing(1))
    with caplog.at_level(logging.WARNING, "crispen"):
        Trainer(recipe("upscale", *SHORT, "tracker.kind=mlflow"), tmp_path).fit()
    assert [r.message for r in caplog.records] == [
        "mlflow failed and is not used any more: no route"
    ]
    assert about(tmp_path) == {"kind": "mlflow", "id": "7", "error": "no route"}
    assert read_run(tmp_path).status == "done"
    assert load_recipe(str(tmp_path / "recipe.toml")).tracker is not None


def test_a_tracker_that_refuses_is_told_before_the_first_step(
    recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Failing(-1))
    told = r"^--tracker mlflow: No API key configured; check MLFLOW_TRACKING_URI$"
    with pytest.raises(UsageError, match=told):
        Trainer(recipe("upscale", *SHORT, "tracker.kind=mlflow"), tmp_path).fit()
    assert not (tmp_path / "log.csv").exists()
