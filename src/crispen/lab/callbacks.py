"""Work between training steps: logging, validation, sample sheets, checkpoints and curves.

Only rank 0 writes files; it broadcasts validation results, so that all ranks decide the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from crispen.errors import TrainingError
from crispen.evaluate.run_folders import read_run
from crispen.lab.checkpoint import BEST, CHECKPOINT
from crispen.lab.curves import draw_curves
from crispen.lab.learner import Learner
from crispen.lab.run_folder import RunFolder
from crispen.lab.sample_sheets import write_sheet
from crispen.lab.schedule import Judge
from crispen.lab.tracking import Tracker
from crispen.lab.validation import Validator


class Keeper:
    """Keeps the record of a run.

    Args:
        learner: The learner being trained.
        judge: Decides which validation was the best.
        folder: Folder to write to; None on ranks that do not write.
        validator: Measures the network, on the rank that writes.
        save: Writes a checkpoint of that name.
    """

    def __init__(
        self,
        learner: Learner,
        judge: Judge,
        folder: RunFolder | None,
        validator: Validator | None,
        save: Callable[[str], None],
    ) -> None:
        self.learner = learner
        self.recipe = learner.recipe
        self.judge = judge
        self.folder = folder
        self.validator = validator
        self.best: dict[str, float] = {}
        self._save = save
        self.tracker: Tracker | None = None
        train = self.recipe.train
        self._sampled = {self._step_of(epoch) for epoch in train.sample_epochs}
        self._kept = {self._step_of(epoch): epoch for epoch in train.keep_epochs}
        alone = learner.fabric.world_size == 1
        # Reading a number from a GPU, or agreeing on one, waits for all pending work.
        self._watches_every_step = alone and learner.device.type == "cpu"

    def _step_of(self, epoch: int) -> int:
        return math.ceil(epoch * self.learner.steps_per_epoch[0])

    def epoch(self, step: int) -> float:
        """Passes through the data so far."""
        return self.learner.epoch(step)

    def after_step(self, step: int, rate: float, seconds: float) -> None:
        """Logs, validates, samples and saves as scheduled after `step` steps.

        After each validation, once everything is written, the callbacks of the run have their
        ``on_validation_end(step, steps, figures)`` called: steps done, steps in all, and what was
        measured by name (``psnr`` …). One that raises `Cancelled` stops the run.

        Args:
            step: Steps done.
            rate: Factor of the last step's learning rate.
            seconds: Seconds of training so far.

        Raises:
            TrainingError: The loss or a weight is no longer a number.
        """
        train = self.recipe.train
        last = step == train.steps
        figures: dict[str, float] = {}
        if self._watches_every_step:
            self._check(step, self.learner.recent[-1][""].reshape(1))
        measures = last or step % train.validate_every == 0
        logs = last or measures or step % train.log_every == 0
        saves = last or step % train.save_every == 0
        if logs or saves or len(self.learner.recent) >= 100:
            losses = self._losses(step)
            if logs:
                figures = self._log(step, rate, seconds, losses, measures)
        if not last and (step in self._sampled or _due(step, train.sample_every)):
            self.sample(step)
        if step in self._kept:
            self.save(f"epoch-{self._kept[step]:04d}.ckpt", step)
        if saves and not last:
            self.save(CHECKPOINT, step)
        if measures:
            self.learner.fabric.call(
                "on_validation_end",
                step=step,
                steps=train.steps,
                figures={k.removeprefix("val_"): v for k, v in figures.items()},
            )

    def save(self, name: str, step: int) -> None:
        """Writes a checkpoint if all weights are finite.

        Raises:
            TrainingError: A weight is no longer a number.
        """
        if not self.learner.finite():
            raise TrainingError(self._told(step, "a weight is not finite"))
        if self.folder:
            self._save(name)

    def _told(self, step: int, what: str) -> str:
        folder = self.folder.path if self.folder else Path()
        kept = [str(p) for p in (folder / CHECKPOINT, folder / BEST) if p.is_file()]
        good = f"last good checkpoint: {kept[0]}" if kept else "no checkpoint was written yet"
        if len(kept) > 1:
            good += f", best: {kept[1]}"
        return f"step {step}: {what}; lower train.learning_rate or set train.clip ({good})"

    def _check(self, step: int, losses: torch.Tensor) -> None:
        """Checks that the losses of the last steps, up to `step`, are finite."""
        values = losses.tolist()
        for at, value in enumerate(values, step - len(values) + 1):
            if not math.isfinite(value):
                raise TrainingError(self._told(at, f"the loss is {value}"))

    def _losses(self, step: int) -> dict[str, float]:
        """Means since the last call, over all ranks."""
        recent, self.learner.recent = self.learner.recent, []
        if not recent:
            return {}
        total = torch.stack([terms[""] for terms in recent])
        if self.learner.fabric.world_size > 1:
            total = self.learner.fabric.all_reduce(total, reduce_op="mean")  # type: ignore[assignment]
        self._check(step, total)
        names = recent[-1].keys() - {""}
        means = {"loss": float(total.mean())}
        if len(names) > 1:
            for name in sorted(names):
                parts = [terms[name] for terms in recent if name in terms]
                means[f"loss_{name}"] = float(torch.stack(parts).mean())
        return means

    def _log(
        self, step: int, rate: float, seconds: float, losses: Mapping[str, float], measures: bool
    ) -> dict[str, float]:
        """Writes a line; returns what validation measured."""
        row: dict[str, float] = {
            "step": step,
            "epoch": self.epoch(step),
            "learning_rate": self.recipe.train.learning_rate * rate,
            **losses,
            "seconds": seconds,
        }
        figures = self._validate(step) if measures else {}
        row |= figures
        if self.folder:
            self.folder.log(row)
            if self.tracker is not None:
                self.tracker.log(row, step)
            self.folder.tell(
                step=step, epoch=row["epoch"], wall_time_s=round(seconds, 2), best=self.best
            )
        return figures

    def _validate(self, step: int) -> dict[str, float]:
        figures: dict[str, float] = {}
        if self.validator:
            figures = self.validator.measure(self.learner.average)
        if self.learner.fabric.world_size > 1:
            figures = self.learner.fabric.broadcast(figures)
        validation = self.recipe.validation
        monitor = validation.monitor
        value = figures.get(f"val_{monitor}")
        if value is None:
            raise TrainingError(
                f"validation.monitor: {monitor} cannot be measured here; use mse or psnr"
            )
        if not math.isfinite(value):
            raise TrainingError(self._told(step, f"the {monitor} of validation is {value}"))
        if self._fights(step) and not (validation.perceptual and self._fights(self.judge.step)):
            # Adversarial training worsens distortion metrics such as PSNR, so its checkpoints
            # are not compared by them, nor with those of pretraining.
            self.judge.best = None
        larger = validation.larger_is_better
        if self.judge.hear(value, step, self.recipe.train, larger=larger):
            self.best = {"step": step} | {k.removeprefix("val_"): v for k, v in figures.items()}
            self.save(BEST, step)
        return figures

    def _fights(self, step: int) -> bool:
        """Whether adversarial training has begun by this step."""
        table = self.recipe.adversarial
        return table is not None and step > table.pretrain_steps

    def sample(self, step: int) -> None:
        """Makes a sample sheet and plots the curves."""
        if not self.folder or not self.validator:
            return
        path = self.folder.path / "samples" / f"step-{step:08d}.png"
        write_sheet(self.learner.average, self.validator.cases, path)
        self.folder.add_sample(step, self.epoch(step), path)
        self.draw()

    def draw(self) -> None:
        """Plots the curves so far."""
        if self.folder:
            draw_curves([read_run(self.folder.path)], self.folder.path / "curves.png")

    def end(self, status: str, step: int, seconds: float, **about: Any) -> None:
        """Records how the run ended."""
        if not self.folder:
            return
        if self.tracker is not None:
            self.tracker.close(status)
            about["tracker"] = self.tracker.about
        self.folder.tell(
            status=status,
            step=step,
            epoch=self.epoch(step),
            wall_time_s=round(seconds, 2),
            best=self.best,
            **about,
        )


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
