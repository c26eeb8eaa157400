"""Model: a card and its weights, called on pictures."""

from __future__ import annotations

import functools
import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.engines.base import Engine
from crispen.engines.opening import open_engine
from crispen.models.card import ModelCard
from crispen.models.dials import Dials
from crispen.models.store import find

if TYPE_CHECKING:
    from crispen.media.image import Image
    from crispen.progress import Progress


class Model:
    """A trained network, ready for pictures; its engine is opened when first needed.

    Attributes:
        path: The model file.
        card: What is known about it.
        dials: What its network is told about the pictures, if anything.
        device: What it is to run on.
    """

    def __init__(
        self,
        path: Path,
        card: ModelCard,
        *,
        dials: Dials | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.path = path
        self.card = card
        self.dials = dials
        self.device = device
        self._threads = threads
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Model({self.card.name!r}, device={self.device!r})"

    @property
    def engine(self) -> Engine:
        """The engine that runs it, opened at the first call."""
        with self._lock:
            if self._engine is None:
                self._engine = open_engine(
                    self.path,
                    self.card,
                    dials=self.dials,
                    device=self.device,
                    threads=self._threads,
                )
            return self._engine

    @functools.cached_property
    def sha256(self) -> str:
        """Of the model file: what tells one training's outcome from another's."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def __call__(
        self,
        image: Any,
        *,
        strength: float | None = None,
        memory_bytes: int | None = None,
        tile_px: int | None = None,
        progress: Progress | None = None,
    ) -> Image:
        """The picture after this network: ``card.scale`` times as large.

        Args:
            image: An `Image`, a path, bytes, a PIL image, or an array
                ``(height, width[, channels])`` of ``uint8``, ``uint16`` or floats in [0, 1].
            strength: How much of what it changes is kept, 0 to 1; for models of scale 1.
            memory_bytes: The budget for tiles.
            tile_px: Side of square tiles; chosen from the budget unless given.
            progress: Told how far it is.
        """
        from crispen.enhance.enhancer import Enhancer
        from crispen.enhance.target import Target

        enhancer = Enhancer([self], strength=strength, memory_bytes=memory_bytes, tile_px=tile_px)
        return enhancer.enhance(image, Target(scale=self.card.scale), progress)

    def close(self) -> None:
        """Give the engine's memory and threads back; a later call opens it anew."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None


def load(
    name: str | Path,
    *,
    dials: Dials | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Model:
    """The model of that name or file.

    Args:
        name: Such as ``photo-x2``, see `crispen.models`; or the path of a model file.
        dials: What its network is told about the pictures; only for a model that has dials.
        device: ``auto``, ``cpu``, ``cuda``, … as ``crispen doctor`` lists them.
        threads: Most CPU threads; all unless given.

    Raises:
        ModelError: No such model, or a broken file.
    """
    path, card = find(name)
    return Model(path, card, dials=dials, device=device, threads=threads)
