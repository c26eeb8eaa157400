"""The argument of a study's `measure`: its trained runs and the pictures to measure on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from crispen.errors import MissingInput
from crispen.evaluate.pairs import find_data
from crispen.evaluate.run_folders import Run, read_run
from crispen.lab.checkpoint import BEST, load_checkpoint, restore_weights
from crispen.lab.data import open_batches
from crispen.lab.data.toy import toy_pictures
from crispen.lab.learner import make_network
from crispen.lab.networks import Network
from crispen.lab.recipe import Recipe
from crispen.lab.studies.measuring import Bytes, Entry, of_network
from crispen.media.image import is_image_name, read_image
from crispen.progress import Progress

# Seed of the generated test pictures; the toy recipes train with other seeds.
_UNSEEN = 1001
_QUICK_COUNT, _QUICK_PX = 4, 96


@dataclass(frozen=True)
class Bench:
    """A study's trained runs and its test pictures.

    Attributes:
        folder: Folder of the study; each run is in the subfolder named by its key.
        recipes: Recipe of each run, by key.
        quick: Whether this is the quick version of the study, on generated pictures.
        sets: Folders or names of the test sets.
        limit: Maximum number of test pictures; 0 for all.
        progress: Receives progress events.
    """

    folder: Path
    recipes: Mapping[str, Recipe]
    quick: bool = False
    sets: Sequence[str] = ()
    limit: int = 0
    progress: Progress = field(default_factory=Progress)

    def run(self, key: str) -> Run:
        """The log, recipe and results of a run, read from its folder."""
        return read_run(self.folder / key, id=key)

    def network(self, key: str, checkpoint: str = BEST) -> Network:
        """A trained network with averaged weights, in evaluation mode.

        Args:
            key: Key of the run.
            checkpoint: File name: ``best.ckpt``, ``last.ckpt``, or ``epoch-0001.ckpt`` if the
                recipe's `train.keep_epochs` lists epoch 1.

        Raises:
            MissingInput: The run has no such checkpoint.
        """
        path = self.folder / key / checkpoint
        content = load_checkpoint(path)
        network = make_network(content["recipe"])
        restore_weights(network, content["average"], path)
        return network.eval()

    def entry(self, key: str, name: str = "", checkpoint: str = BEST) -> Entry:
        """`network`, wrapped as an `Entry` for `measure`.

        Args:
            key: Key of the run.
            name: Name of the entry in tables; the key if empty.
            checkpoint: File name, as for `network`.

        Raises:
            MissingInput: The run has no such checkpoint.
        """
        color = self.recipes[key].data.color
        return of_network(name or key, self.network(key, checkpoint), color)

    @cached_property
    def targets(self) -> list[tuple[str, Bytes]]:
        """Names and ``(H, W, 3)`` pixels of the test pictures; the quick version generates them.

        Raises:
            MissingInput: A test set does not exist or contains no pictures.
        """
        if self.quick:
            drawn = toy_pictures(_QUICK_COUNT, _QUICK_PX, _UNSEEN)
            return [(f"toy {i}", pixels) for i, pixels in enumerate(drawn, 1)]
        found: list[tuple[str, Bytes]] = []
        for name in self.sets:
            folder = find_data(name)
            folder = folder / "HR" if (folder / "HR").is_dir() else folder
            files = sorted(f for f in folder.iterdir() if f.is_file() and is_image_name(f))
            if not files:
                raise MissingInput(f"{folder}: no pictures in it; give others with --valid DIR")
            found += [(file.stem, read_image(file).as_rgb8()) for file in files]
        return found[: self.limit or None]

    def held_out(self, key: str, count: int, side: int) -> list[tuple[str, Bytes]]:
        """Names and ``(side, side, 3)`` R'G'B' crops of a run's validation pictures.

        Args:
            key: Key of the run.
            count: Maximum number of crops.
            side: Side of a crop in pixels.
        """
        recipe = self.recipes[key]
        table = recipe.data.model_copy(update={"color": "rgb"})
        batches = open_batches(
            table, seed=recipe.train.seed, split="valid", size=side, progress=self.progress
        )
        try:
            pixels = batches.fixed(min(count, self.limit or count), side).target.numpy()
        finally:
            batches.close()
        return [
            (f"held out {i}", np.ascontiguousarray(one.transpose(1, 2, 0)))
            for i, one in enumerate(pixels, 1)
        ]
