"""What a study's measuring function is handed: the trained runs, and the pictures to measure on."""

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

# Not those that the toy recipes learn from.
_UNSEEN = 1001
_QUICK_COUNT, _QUICK_PX = 4, 96


@dataclass(frozen=True)
class Bench:
    """The trained runs, and the pictures.

    Attributes:
        folder: Folder of the runs of the study, each in a folder named by its key.
        recipes: What was trained, by key.
        quick: Whether it is the small version, on pictures made by code.
        sets: Folders or names of the sets to measure on.
        limit: Maximum number of pictures to measure on; 0 for all.
        progress: For what takes long.
    """

    folder: Path
    recipes: Mapping[str, Recipe]
    quick: bool = False
    sets: Sequence[str] = ()
    limit: int = 0
    progress: Progress = field(default_factory=Progress)

    def run(self, key: str) -> Run:
        """What is known of a run."""
        return read_run(self.folder / key, id=key)

    def network(self, key: str, checkpoint: str = BEST) -> Network:
        """A trained network, ready to be used.

        Args:
            key: Of the run.
            checkpoint: Its file: ``best.ckpt``, ``last.ckpt``, or ``epoch-0001.ckpt`` where the
                recipe's `train.keep_epochs` asks for it.

        Raises:
            MissingInput: There is no such checkpoint.
        """
        path = self.folder / key / checkpoint
        content = load_checkpoint(path)
        network = make_network(content["recipe"])
        restore_weights(network, content["average"], path)
        return network.eval()

    def entry(self, key: str, name: str = "", checkpoint: str = BEST) -> Entry:
        """The same as what can be measured; see `network`."""
        color = self.recipes[key].data.color
        return of_network(name or key, self.network(key, checkpoint), color)

    @cached_property
    def targets(self) -> list[tuple[str, Bytes]]:
        """Names and pixels of the pictures to measure on: toys for the small version.

        Raises:
            MissingInput: A set is not there, or has no pictures.
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
        """Pictures that a run did not learn from, in R'G'B'.

        Args:
            key: Of the run.
            count: How many, or as many as there are.
            side: Of the square that is cut out of each.
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
