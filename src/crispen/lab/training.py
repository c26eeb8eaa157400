"""A training run from setup to its end, including resuming.

All random numbers are a function of (seed, rank, step), and all other state is in the checkpoint.
So a run that was killed at any moment and resumed ends with the same weights as an uninterrupted
one, bit for bit on a CPU.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from crispen.errors import Cancelled, CrispenError, MissingInput, TrainingError, UsageError
from crispen.lab.callbacks import Keeper
from crispen.lab.checkpoint import (
    BEST,
    CHECKPOINT,
    check_same_run,
    load_checkpoint,
    no_lineage,
    restore_weights,
    save_checkpoint,
)
from crispen.lab.data import Batches, open_batches
from crispen.lab.learner import Learner, check_recipe, is_paired
from crispen.lab.networks import parameter_count
from crispen.lab.processes import Place, connect, disconnect, hardware, helpers
from crispen.lab.recipe import Recipe
from crispen.lab.run_folder import RunFolder, make_folder
from crispen.lab.schedule import Judge
from crispen.lab.start import begin
from crispen.lab.tracking import Tracker, check_tracker
from crispen.lab.validation import Validator, folder_cases, held_out_cases
from crispen.progress import Progress

_AGREE_EVERY = 10


class Trainer:
    """Trains a recipe in a run folder.

    Args:
        recipe: The recipe.
        folder: Folder for checkpoints, logs and pictures; see `crispen.lab.run_folder`.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        devices: Number of devices on this machine (per node under SLURM or ``torchrun``).
        compile_network: Let ``torch.compile`` fuse the layers (needs a C++ compiler on CPUs).
        resume: True: continue the run in the folder; False: move it aside and start again; None:
            continue if there is one.
        progress: Receives events while pictures are read.
        callbacks: Lightning callbacks of this process; see `Keeper.after_step` for their hook.

    Raises:
        UsageError: The recipe is inconsistent, or the folder contains a run of another recipe.
        MissingInput: A file or folder of the recipe does not exist, or there is no run to resume.
        InputError: The data is invalid.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        *,
        device: str = "auto",
        devices: int = 1,
        compile_network: bool = False,
        resume: bool | None = None,
        progress: Progress | None = None,
        callbacks: Sequence[object] = (),
    ) -> None:
        self.folder = folder
        self.step = 0
        self.wall_time_s = 0.0
        self.judge = Judge()
        self.lineage: dict[str, Any] = no_lineage()
        # All errors in a recipe are reported before anything is read.
        network, pipeline = check_recipe(recipe)
        check_tracker(recipe)
        place = Place.of_environment(devices)
        saved = None if place.rank and resume is False else self._saved(recipe, resume)
        if saved is None:
            # A resumed run has its weights; the file with its initial weights is not needed.
            self.lineage = begin(network, recipe)
        with contextlib.ExitStack() as self._stack:
            self._stack.callback(_remove_empty, folder)
            make_folder(folder)
            order = {
                "recipe": recipe.model_dump(mode="json", exclude_none=True),
                "folder": str(folder),
                "device": device,
                "compile_network": compile_network,
            }
            self._stack.enter_context(helpers(place, [json.dumps(order)], folder))
            self.fabric = connect(device, place, callbacks)
            self._stack.callback(disconnect)
            # TF32 would round the bicubic base to 10 bits of mantissa.
            torch.backends.cudnn.allow_tf32 = False
            size = pipeline.crop if pipeline else recipe.scale * recipe.data.patch
            self.batches = self._open(recipe, size, progress)
            self.recipe = self._resolved(recipe)
            self.learner = Learner(
                self.recipe, network, self.batches, self.fabric, compile_network=compile_network
            )
            if saved is not None:
                self._restore(saved)
            writes = self.fabric.is_global_zero
            validator = self._validator() if writes else None
            self.keeper = Keeper(
                self.learner,
                self.judge,
                RunFolder(folder, self.recipe) if writes else None,
                validator,
                self._save,
            )
            self.keeper.best = dict(saved["best"]) if saved else {}
            # Rank 0 must not write a checkpoint before all ranks have read theirs.
            self.fabric.barrier()
            self._stack = self._stack.pop_all()

    def _saved(self, recipe: Recipe, resume: bool | None) -> dict[str, Any] | None:
        """The checkpoint to resume from, if there is one and resuming is requested."""
        found = [p for p in (self.folder / CHECKPOINT, self.folder / BEST) if p.is_file()]
        if resume is False:
            if found:
                put_aside(self.folder)
            return None
        if not found:
            if resume:
                raise MissingInput(
                    f"{self.folder / CHECKPOINT}: nothing to resume; leave --resume out to start"
                )
            return None
        content = load_checkpoint(found[0])
        check_same_run(content["recipe"], recipe, found[0])
        return content

    def _open(self, recipe: Recipe, size: int, progress: Progress | None) -> Batches:
        fabric = self.fabric
        batches = open_batches(
            recipe.data,
            seed=recipe.train.seed,
            rank=fabric.global_rank,
            world=fabric.world_size,
            device=fabric.device,
            size=size,
            scale=recipe.scale if is_paired(recipe) else None,
            progress=progress,
        )
        self._stack.callback(batches.close)
        return batches

    def _resolved(self, recipe: Recipe) -> Recipe:
        """The recipe with epochs converted to steps."""
        train = recipe.train
        if not train.epochs:
            return recipe
        steps = -(-train.epochs * self.batches.steps_per_epoch // train.accumulate)
        return recipe.model_copy(update={"train": train.model_copy(update={"steps": steps})})

    def _validator(self) -> Validator:
        recipe, learner = self.recipe, self.learner
        if recipe.validation.path:
            cases = folder_cases(Path(recipe.validation.path), recipe, self.fabric.device)
        else:
            cases = held_out_cases(self.batches, learner.pipeline, recipe)
        return Validator(cases, learner.losses, recipe)

    def _restore(self, saved: dict[str, Any]) -> None:
        learner, path = self.learner, self.folder / CHECKPOINT
        if saved["data"]["digest"] != self.batches.digest:
            raise UsageError(
                f"{path}: the run began with other data (now {self.batches.description}); give "
                "it the same pictures, or start again with --no-resume"
            )
        restore_weights(learner.network, saved["network"], path)
        restore_weights(learner.average, saved["average"], path)
        learner.optimizer.load_state_dict(saved["optimizer"])
        if learner.opponent:
            learner.opponent.restore(saved["opponent"])
        self.step = saved["step"]
        self.wall_time_s = saved["wall_time_s"]
        self.lineage = saved["lineage"]
        self.judge = Judge(**saved["judge"])

    def _save(self, name: str) -> None:
        learner, batches = self.learner, self.batches
        content = {
            "network": learner.network.state_dict(),
            "average": learner.average.state_dict(),
            "optimizer": learner.optimizer.state_dict(),
            "opponent": learner.opponent.state() if learner.opponent else None,
            "step": self.step,
            "wall_time_s": self.wall_time_s,
            "judge": asdict(self.judge),
            "best": self.keeper.best,
            "lineage": self.lineage,
            "data": {
                "digest": batches.digest,
                "licence": batches.licence,
                "description": batches.description,
            },
            "hardware": hardware(self.fabric.device, self.fabric.world_size),
        }
        save_checkpoint(self.folder / name, content, self.recipe)

    def _begin(self) -> None:
        folder, batches = self.keeper.folder, self.batches
        if folder is None:
            return
        tracker = self._tracker(folder)
        folder.begin(
            self.step,
            tracker=tracker.about if tracker else None,
            wall_time_s=round(self.wall_time_s, 2),
            epoch=self.keeper.epoch(self.step),
            parameters=parameter_count(self.learner.average.merged()),
            device=hardware(self.fabric.device, self.fabric.world_size),
            precision="bf16" if self.learner.bf16 else "fp32",
            best=self.keeper.best,
            data={
                "digest": batches.digest,
                "description": batches.description,
                "licence": batches.licence,
                "samples": batches.samples,
                "split": batches.split,
            },
        )

    def _tracker(self, folder: RunFolder) -> Tracker | None:
        """What the log is sent to as well, opened at the step where the run starts."""
        table = self.recipe.tracker
        if table is None or table.kind == "none":
            return None
        before = folder.about.get("tracker")
        tracker = self.keeper.tracker = Tracker(self.recipe, folder.path, self.step, before)
        return tracker

    def fit(self, progress: Progress | None = None) -> dict[str, float]:
        """Trains to the last step, or until early stopping.

        Args:
            progress: Receives an event for each step; cancelling saves a checkpoint and stops.

        Returns:
            Step and figures of the best validation.

        Raises:
            Cancelled: The training was cancelled; a new `Trainer` continues it.
            TrainingError: The loss is not finite, or the device ran out of memory.
            OutputError: The disk is full; the best and the last checkpoint are unchanged.
        """
        with self._stack:
            self._fit(progress or Progress())
        return self.keeper.best

    def _fit(self, progress: Progress) -> None:
        try:
            self._begin()
            self._train(progress)
            self._end("done", stopped_early=self.judge.enough(self.recipe.train))
        except Cancelled:
            self.keeper.save(CHECKPOINT, self.step)
            self._end("stopped")
            raise
        except torch.OutOfMemoryError as error:
            message = "the device ran out of memory; make data.batch or data.patch smaller"
            self._failed(message)
            raise TrainingError(message) from error
        except KeyboardInterrupt:
            self._end("stopped")
            raise
        except Exception as error:
            self._failed(str(error))
            raise

    def _train(self, progress: Progress) -> None:
        recipe, keeper, learner = self.recipe, self.keeper, self.learner
        train = recipe.train
        began, before = time.monotonic(), self.wall_time_s
        # Does not check for cancellation, on which all ranks must agree; see `_cancelled`.
        quiet = Progress(progress.emit)
        with quiet.task(f"training {recipe.name}", train.steps, "steps") as task:
            task.advance(self.step)
            while self.step < train.steps and not self.judge.enough(train):
                rate = learner.rate(self.step, self.judge.cut)
                learner.step(self.step, rate)
                self.step += 1
                self.wall_time_s = before + time.monotonic() - began
                keeper.after_step(self.step, rate, self.wall_time_s)
                task.advance()
                if self._cancelled(progress):
                    raise Cancelled()

    def _cancelled(self, progress: Progress) -> bool:
        if self.fabric.world_size == 1:
            return progress.cancelled
        if self.step % _AGREE_EVERY:
            return False
        flag = torch.tensor(float(progress.cancelled), device=self.fabric.device)
        return bool(self.fabric.all_reduce(flag, reduce_op="sum"))

    def _end(self, status: str, **about: Any) -> None:
        keeper = self.keeper
        if status == "done":
            keeper.save(CHECKPOINT, self.step)
            keeper.sample(self.step)
        else:
            keeper.draw()
        keeper.end(status, self.step, self.wall_time_s, **about)

    def _failed(self, message: str) -> None:
        # An error while recording the failure must not hide the failure itself.
        with contextlib.suppress(CrispenError, OSError):
            self.keeper.end("failed", self.step, self.wall_time_s, error=message)


def put_aside(folder: Path) -> None:
    """Renames a run's folder, if it exists, so that a new run can use its name."""
    if not folder.is_dir():
        return
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    folder.rename(aside)


def _remove_empty(folder: Path) -> None:
    """Removes the folder of a run if it is empty."""
    with contextlib.suppress(OSError):
        folder.rmdir()
