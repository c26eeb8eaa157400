"""What can be measured: a model, an interpolation, or a classic filter."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from crispen.engines.base import Engine, Pixels
from crispen.engines.opening import open_engine
from crispen.enhance.stages import ModelStage, Shape
from crispen.errors import UsageError
from crispen.evaluate.filters import FILTERS
from crispen.media.resample import Method, resize
from crispen.models.card import ModelCard
from crispen.models.store import find

BASELINES: tuple[str, ...] = get_args(Method)
BUILT_IN: tuple[str, ...] = (*BASELINES, *FILTERS)
_MEMORY_BYTES = 1 << 30


@dataclass(frozen=True, eq=False, slots=True)
class Contender:
    """One of those, ready to run.

    Attributes:
        name: For tables.
        scale: How many times larger each side becomes.
        luma: It operates on a luma plane as well as on colour.
        card: The model's; None for a baseline.
        run: From ``(height, width, 1 or 3)`` pixels to those of the result; one channel is
            studio luma, three are R'G'B'.
        precision: The engine and the number format, for tables; empty for a baseline.
    """

    name: str
    scale: int
    luma: bool
    card: ModelCard | None
    run: Callable[[Any], Any]
    precision: str = ""


@contextmanager
def open_contender(
    model: str | Path, scale: int, device: str = "auto", threads: int | None = None
) -> Iterator[Contender]:
    """Opens a model or a baseline.

    Args:
        model: A model's name or file, or one of `BUILT_IN`.
        scale: How many times larger each side becomes.
        device: Where a model runs.
        threads: Maximum number.

    Raises:
        UsageError: The model enlarges by another scale, or the filter cannot enlarge.
    """
    name = str(model)
    if name in BASELINES:
        yield Contender(name, scale, True, None, _interpolation(name, scale))
        return
    if name in FILTERS:
        if scale != 1:
            raise UsageError(
                f"{name} does not enlarge; compare it at --scale 1, or take "
                f"{', '.join(BASELINES)} as baselines"
            )
        yield Contender(name, 1, False, None, FILTERS[name])
        return
    path, card = find(model)
    with open_file(path, card, scale, device, threads) as contender:
        yield contender


@contextmanager
def open_file(
    path: Path, card: ModelCard, scale: int, device: str = "auto", threads: int | None = None
) -> Iterator[Contender]:
    """Opens a model's file; see `open_contender`."""
    if card.scale != scale:
        raise UsageError(
            f"{card.name} enlarges {card.scale} times, not {scale}; give --scale {card.scale}"
        )
    engine = open_engine(path, card, device=device, threads=threads)
    try:
        yield Contender(
            card.name,
            scale,
            card.color == "luma",
            card,
            _model(engine),
            f"{engine.name} {engine.precision}",
        )
    finally:
        engine.close()


def _model(engine: Engine) -> Callable[[Pixels], Pixels]:
    card = engine.card
    if card.halo is not None and card.multiple == 1 and card.window_px is None:
        return functools.partial(engine.run, studio=True)

    def run(pixels: Pixels) -> Pixels:
        # Only some sizes fit, or the receptive field is the whole picture: tiled, as in real use.
        height, width, channels = pixels.shape
        source = Shape(width, height, channels, pixels.dtype.itemsize)
        stage = ModelStage(engine, source, memory_bytes=_MEMORY_BYTES, studio=True)
        return np.concatenate(list(stage.frame(iter([pixels]), lambda _: None)))

    return run


def _interpolation(method: str, scale: int) -> Callable[[Pixels], Any]:
    def enlarge(pixels: Pixels) -> Any:
        height, width = (scale * n for n in pixels.shape[:2])
        return resize(pixels, height, width, method=method)  # type: ignore[arg-type]

    return enlarge
