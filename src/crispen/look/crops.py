"""Runs the network that estimates damage on a few crops of a picture.

Trained by `crispen.lab.look`; its six outputs are the three dials of `crispen.models.dials` and the
logarithms of their variances. Crops are weighted by their certainty: a piece of blue sky says much
about noise and nothing about blur.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.media.image import Image
from crispen.models.dials import NAMES

SIDE = 96
MOST = 24
MOST_BYTES = 48 << 20
"""Of a larger picture only the top is looked at, so that it need not be kept in memory."""
_FILE = "look.onnx"
_lock = threading.Lock()


@dataclass(frozen=True)
class Measured:
    """A dial and its standard error."""

    value: float
    error: float


@functools.cache
def _network() -> Any:
    import openvino as ov

    core = ov.Core()
    content = (resources.files("crispen.look") / _FILE).read_bytes()
    # One stream: it takes milliseconds, and another network may run at the same time.
    model = core.compile_model(core.read_model(content), "CPU", {"NUM_STREAMS": "1"})
    return model.create_infer_request()


def _corners(length: int, count: int) -> list[int]:
    """Evenly spread, the first and last away from the edge if there is room."""
    if length <= SIDE:
        return [0]
    return sorted({round((length - SIDE) * (i + 0.5) / count) for i in range(count)})


def crops_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(N, 96, 96, 3)``, at most 24, spread over a picture; a small picture is mirrored."""
    height, width = pixels.shape[:2]
    if min(height, width) < SIDE:
        rows = np.pad(np.arange(height), (0, max(0, SIDE - height)), "symmetric")
        columns = np.pad(np.arange(width), (0, max(0, SIDE - width)), "symmetric")
        pixels = pixels[rows][:, columns]
        height, width = pixels.shape[:2]
    across = int(np.clip(round((MOST * width / height) ** 0.5), 1, MOST))
    places = (
        (top, left)
        for top in _corners(height, max(1, MOST // across))
        for left in _corners(width, across)
    )
    return np.stack([pixels[y : y + SIDE, x : x + SIDE] for y, x in places])


def measure(pixels: NDArray[np.uint8]) -> dict[str, Measured]:
    """Each dial by name.

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.
    """
    batch = crops_of(pixels).transpose(0, 3, 1, 2).astype(np.float32) / 255
    with _lock:  # one request, used by one thread at a time
        (out,) = _network().infer([batch]).values()
        out = np.array(out, np.float64)
    values, spreads = np.split(out, 2, axis=1)
    sure = np.exp(-spreads)
    mean = (values * sure).sum(axis=0) / sure.sum(axis=0)
    # Crops of one picture have correlated errors: more of them do not add certainty.
    error = np.sqrt(1 / sure.mean(axis=0))
    return {
        name: Measured(float(m), float(e)) for name, m, e in zip(NAMES, mean, error, strict=True)
    }


def looked_at(height: int, row_bytes: int) -> int:
    """Number of rows to measure, from the top of a picture."""
    return min(height, max(SIDE, MOST_BYTES // row_bytes))


def peeked(
    bands: Iterable[NDArray[Any]], height: int
) -> tuple[NDArray[np.uint8], Iterator[NDArray[Any]]]:
    """The top of a picture in bands, and all bands, including those of the top.

    Args:
        bands: ``(rows, width, channels)``, from the top.
        height: Of one frame; later frames are ignored.
    """
    coming = iter(bands)
    kept: list[NDArray[Any]] = []
    rows, wanted = 0, 1
    while rows < wanted and (band := next(coming, None)) is not None:
        kept.append(band)
        rows += len(band)
        wanted = looked_at(height, band[0].nbytes)
    top = np.concatenate(kept)[:wanted]

    def again() -> Iterator[NDArray[Any]]:
        while kept:
            yield kept.pop(0)
        yield from coming

    return Image(top).as_rgb8(), again()
