"""A model file and the engine that runs it, opened when it is first needed."""

from __future__ import annotations

import functools
import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crispen.engines.base import Engine
from crispen.engines.opening import open_engine
from crispen.models.athand import AtHand
from crispen.models.card import ModelCard
from crispen.models.dials import Dials
from crispen.models.store import Known

if TYPE_CHECKING:
    from collections.abc import Callable

    from crispen.engines.curve import CurveEngine
    from crispen.models.curve import Overview

# Engines of one model with different dials, kept for the next picture.
_KEPT_DIALS = 4


class ModelFile:
    """A model file, its card and its engine.

    Attributes:
        path: The model file.
        card: What is known about it.
        dials: Dials for its network: how degraded the pictures are.
        device: Device to run on.
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
        return f"{type(self).__name__}({self.card.name!r}, device={self.device!r})"

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

    def engine_for(self, overview: Callable[[], Overview]) -> Engine:
        """The engine for one picture.

        Args:
            overview: Returns the overview of the whole picture, for a tone curve.
        """
        engine = self.engine
        return cast("CurveEngine", engine).showing(overview()) if self.card.curve else engine

    @functools.cached_property
    def sha256(self) -> str:
        """Hash of the model file, which identifies one training's result."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def close(self) -> None:
        """Release the engine's memory and threads; a later call opens it again."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None


class ModelFiles:
    """The available models with engines, each opened when it is first needed.

    Args:
        at_hand: The models.
        device: Device to run on.
        threads: Maximum number of CPU threads.
    """

    def __init__(
        self, at_hand: AtHand, *, device: str = "auto", threads: int | None = None
    ) -> None:
        self._at_hand = at_hand
        self._device = device
        self._threads = threads
        self._own: dict[str, ModelFile] = {}
        self._dialled: dict[tuple[str, Dials], ModelFile] = {}

    def __getitem__(self, name: str) -> ModelFile:
        model = self._at_hand[name]
        if isinstance(model, ModelFile):
            return model
        if name not in self._own:
            assert isinstance(model, Known)
            self._own[name] = ModelFile(
                model.path, model.card, device=self._device, threads=self._threads
            )
        return self._own[name]

    def with_dials(self, name: str, dials: Dials) -> ModelFile:
        """The model with its dials set; the model itself if it has no dials."""
        model = self[name]
        if not model.card.dials or dials == Dials():
            return model
        key = (name, dials)
        if key not in self._dialled:
            self._dialled[key] = ModelFile(
                model.path, model.card, dials=dials, device=self._device, threads=self._threads
            )
            if len(self._dialled) > _KEPT_DIALS:
                self._dialled.pop(next(iter(self._dialled))).close()
        self._dialled[key] = self._dialled.pop(key)
        return self._dialled[key]

    def close(self) -> None:
        """Release engines, except those of models passed in open: the caller owns them."""
        for model in (*self._own.values(), *self._dialled.values()):
            model.close()

    def __enter__(self) -> ModelFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
