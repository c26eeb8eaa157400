"""The network that looks, run on a few crops of a picture.

Trained by `crispen.lab.look`; its six answers are the three dials of `crispen.models.dials` and the
logarithms of their variances. Crops are averaged by how sure each is: a piece of blue sky says much
about noise and nothing about blur.
"""

from __future__ import annotations

import functools
import threading
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from crispen.models.dials import NAMES

SIDE = 96
MOST = 24
_FILE = "look.onnx"
_lock = threading.Lock()


@functools.cache
def _network() -> object:
    import openvino as ov

    content = (resources.files("crispen.look") / _FILE).read_bytes()
    return ov.Core().compile_model(ov.Core().read_model(content), "CPU")


def _corners(length: int, count: int) -> list[int]:
    """Evenly spread, the first and last not at the edge where there is room."""
    if length <= SIDE:
        return [0]
    room = length - SIDE
    return sorted({round(room * (i + 0.5) / count) for i in range(count)})


def crops_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(N, 96, 96, 3)``, at most 24, spread over a picture; a small picture is mirrored."""
    height, width = pixels.shape[:2]
    if min(height, width) < SIDE:
        rows = np.pad(np.arange(height), (0, max(0, SIDE - height)), "symmetric")
        columns = np.pad(np.arange(width), (0, max(0, SIDE - width)), "symmetric")
        pixels = pixels[rows][:, columns]
        height, width = pixels.shape[:2]
    across = max(1, round((MOST * width / height) ** 0.5))
    down = max(1, MOST // across)
    return np.stack(
        [
            pixels[top : top + SIDE, left : left + SIDE]
            for top in _corners(height, down)
            for left in _corners(width, min(across, MOST))
        ][:MOST]
    )


def measure(pixels: NDArray[np.uint8]) -> dict[str, tuple[float, float]]:
    """Each dial by name, and its standard error.

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.
    """
    batch = crops_of(pixels).transpose(0, 3, 1, 2).astype(np.float32) / 255
    with _lock:  # one request, used by one thread at a time
        (out,) = _network()(batch).values()  # type: ignore[operator]
    values, spreads = np.split(np.asarray(out, np.float64), 2, axis=1)
    sure = np.exp(-spreads)
    mean = (values * sure).sum(axis=0) / sure.sum(axis=0)
    # Crops of one picture err alike: more of them do not make the answer surer.
    error = np.sqrt(1 / sure.mean(axis=0))
    return {name: (float(m), float(e)) for name, m, e in zip(NAMES, mean, error, strict=True)}
