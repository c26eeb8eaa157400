"""A training with its options as one object, which the command line runs or SLURM gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crispen.lab.recipe import Recipe
from crispen.progress import Progress


@dataclass(frozen=True)
class Trained:
    """The result of a run.

    Attributes:
        checkpoint: Path of the best checkpoint.
        model: Path of the ONNX file; None if none was exported.
        steps: Total number of steps.
        best: Step and metrics of the best validation.
        held_out: Whether validation used pictures outside the training set.
        rank: Rank of this process; only rank 0 exports a model.
    """

    checkpoint: Path
    model: Path | None
    steps: int
    best: dict[str, float]
    held_out: bool = True
    rank: int = 0


@dataclass(frozen=True)
class TrainingJob:
    """A recipe and its training options; see `crispen.lab.training.Trainer`.

    Attributes:
        threads: Maximum number of CPU threads; None for PyTorch's own choice.
        export: Export the best checkpoint as a model at the end.
        callbacks: Lightning callbacks; see `crispen.lab.callbacks.Keeper.after_step`.
    """

    recipe: Recipe
    folder: Path
    device: str = "auto"
    devices: int = 1
    threads: int | None = None
    compile_network: bool = False
    resume: bool | None = None
    export: bool = True
    callbacks: Sequence[object] = ()

    def run(self, progress: Progress | None = None) -> Trained:
        """Trains to the end; see `Trainer.fit` for what it raises."""
        import torch

        from crispen.lab.checkpoint import BEST
        from crispen.lab.training import Trainer

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        trainer = Trainer(
            self.recipe,
            self.folder,
            device=self.device,
            devices=self.devices,
            compile_network=self.compile_network,
            resume=self.resume,
            progress=progress,
            callbacks=self.callbacks,
        )
        rank = trainer.fabric.global_rank
        best = trainer.fit(progress)
        checkpoint = self.folder / BEST
        model = None
        if self.export and rank == 0:
            from crispen.lab.export import export_checkpoint

            model = export_checkpoint(checkpoint, self.folder)
        held_out = bool(self.recipe.validation.path or trainer.batches.split["valid"])
        return Trained(checkpoint, model, trainer.step, best, held_out, rank)
