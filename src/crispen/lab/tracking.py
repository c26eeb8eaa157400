"""Sends the log of a run to TensorBoard, Weights & Biases or MLflow, through Lightning's loggers.

Nothing is sent unless the recipe has a ``[tracker]`` table or ``--tracker`` is given.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.errors import UsageError, needs_extra
from crispen.lab.recipe import Recipe

if TYPE_CHECKING:
    from lightning.fabric.loggers.logger import Logger

# What each kind imports; the extra that installs it has the kind's name.
_PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}
_HINTS = {
    "tensorboard": "choose another folder with -o",
    "wandb": "log in with 'wandb login', or set WANDB_MODE=offline",
    "mlflow": "check MLFLOW_TRACKING_URI",
}
# A run's log goes where it was asked to; what these packages report to their makers does not.
_SILENCE = {
    "wandb": ("WANDB_ERROR_REPORTING", "false"),
    "mlflow": ("MLFLOW_DISABLE_TELEMETRY", "true"),
}
# How MLflow calls what happened to a run.
_MLFLOW_STATUS = {"done": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
_log = logging.getLogger(__name__)


def check_tracker(recipe: Recipe) -> None:
    """Finds out before any work whether the recipe's tracker can be imported.

    Raises:
        MissingExtra: It is not installed; the text has the line that installs it.
    """
    kind = recipe.tracker.kind if recipe.tracker else "none"
    if kind != "none":
        from importlib import import_module

        if kind in _SILENCE:
            os.environ.setdefault(*_SILENCE[kind])
        with needs_extra(f"--tracker {kind}", kind):
            import_module(_PACKAGES[kind])


class Tracker:
    """The record of one run at a tracker; continues it if the run is continued.

    Args:
        recipe: The recipe, whose `tracker` is set.
        folder: The run's folder.
        step: The step at which the run starts or continues.
        before: `about` of the same run before it was interrupted, if it was.

    Raises:
        MissingExtra: The tracker is not installed.
        UsageError: It refuses, or cannot be reached.
    """

    def __init__(
        self, recipe: Recipe, folder: Path, step: int, before: Mapping[str, Any] | None = None
    ) -> None:
        assert recipe.tracker
        check_tracker(recipe)
        self.kind = recipe.tracker.kind
        self.error = ""
        known = before or {}
        same = step > 0 and known.get("kind") == self.kind
        id = str(known.get("id") or "") if same else ""
        try:
            self._logger = _OPEN[self.kind](recipe, folder.resolve(), step, id)
            if self.kind != "tensorboard":  # which has no id, and no place for a recipe
                _ = self._logger.experiment  # type: ignore[attr-defined]  # connects
                if not id:
                    table = recipe.model_dump(mode="json", exclude_none=True)
                    self._logger.log_hyperparams(table)
                id = str(self._logger.version or self._logger.experiment.id)  # type: ignore[attr-defined]
            self.id = id
        except Exception as error:  # each service has its own kinds
            raise UsageError(
                f"--tracker {self.kind}: {_first_line(error)}; {_HINTS[self.kind]}"
            ) from error

    @property
    def about(self) -> dict[str, str]:
        """For ``run.json``: the kind, the id by which the run is continued, what went wrong."""
        facts = {"kind": self.kind, "id": self.id, "error": self.error}
        return {key: value for key, value in facts.items() if value}

    def log(self, row: Mapping[str, float], step: int) -> None:
        """Sends one line of the log.

        A tracker that fails is not asked again, and the training goes on: the run's folder has the
        same log.
        """
        figures = {k: v for k, v in row.items() if k not in ("step", "seconds")}
        self._try(lambda: self._logger.log_metrics(figures, step))

    def close(self, status: str) -> None:
        """Ends the record.

        Args:
            status: ``done``, ``failed`` or ``stopped``; a stopped one can be continued.
        """
        self._try(lambda: self._close(status))

    def _close(self, status: str) -> None:
        if self.kind == "wandb":
            # Lightning leaves it open until the process ends.
            self._logger.experiment.finish(exit_code=int(status == "failed"))  # type: ignore[attr-defined]
        else:
            self._logger.finalize(_MLFLOW_STATUS.get(status, "FINISHED"))

    def _try(self, send: Callable[[], None]) -> None:
        if self.error:
            return
        try:
            send()
        except Exception as error:  # each service has its own kinds
            self.error = _first_line(error)
            _log.warning("%s failed and is not used any more: %s", self.kind, self.error)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _tensorboard(recipe: Recipe, folder: Path, step: int, id: str) -> Logger:
    from lightning.fabric.loggers.tensorboard import TensorBoardLogger

    # purge_step removes what a killed run recorded for later steps.
    return TensorBoardLogger(folder, name="tensorboard", version="", purge_step=step + 1)


def _wandb(recipe: Recipe, folder: Path, step: int, id: str) -> Logger:
    from lightning.pytorch.loggers.wandb import WandbLogger

    assert recipe.tracker
    return WandbLogger(
        name=folder.name, project=recipe.tracker.project, save_dir=folder, version=id or None
    )


def _mlflow(recipe: Recipe, folder: Path, step: int, id: str) -> Logger:
    from lightning.pytorch.loggers.mlflow import MLFlowLogger

    assert recipe.tracker
    # MLflow gave up recording in plain files.
    beside = f"sqlite:///{(folder.parent / 'mlflow.db').as_posix()}"
    return MLFlowLogger(
        recipe.tracker.project,
        run_name=folder.name,
        tracking_uri=os.environ.get("MLFLOW_TRACKING_URI") or beside,
        run_id=id or None,
    )


_OPEN: dict[str, Callable[[Recipe, Path, int, str], Logger]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
}
