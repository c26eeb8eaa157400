"""The difference between YUV and YCbCr: the same pictures, measured on both kinds of luma.

For docs/color.md. Bicubic and ESPCN enlarge the luma of Set5's LR pictures. PSNR is measured on
studio-range Y' (YCbCr, as in the literature) and on full-range Y (YUV). The third column maps the
full-range result to studio range before measuring.

    python benchmarks/color.py [../shared/data/valid/Set5]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from _table import print_table
from crispen.engines.opening import open_engine
from crispen.evaluate.benchmark import find_pairs
from crispen.evaluate.metrics import psnr, round8
from crispen.media.color import BT601_FULL, BT601_STUDIO, YCbCr
from crispen.media.resample import resize
from crispen.models.store import find

Plane = NDArray[np.float64]
Enlarge = Callable[[Plane], Plane]
SCALES = (2, 3, 4)


def luma(rgb: NDArray[np.uint8], space: YCbCr) -> Plane:
    """Grey levels."""
    return np.asarray(space.luma(rgb / 255.0) * 255.0, np.float64)


def to_studio(full: Plane) -> Plane:
    """Studio-range luma from full-range luma."""
    return 16.0 + 219.0 / 255.0 * full


def bicubic(scale: int) -> Enlarge:
    """Keys' kernel."""
    return lambda lr: np.asarray(resize(lr, lr.shape[0] * scale, lr.shape[1] * scale), np.float64)


def espcn(scale: int) -> Enlarge:
    """The shipped network, trained on studio range."""
    engine = open_engine(*find(f"espcn-x{scale}"))

    def enlarge(lr: Plane) -> Plane:
        levels = np.round(lr * 257.0).astype(np.uint16)[..., None]
        return engine.run(levels, studio=True)[..., 0] / 257.0

    return enlarge


def measure(folder: Path, scale: int, enlarge: Enlarge) -> tuple[float, float, float]:
    """Mean PSNR: studio range, full range, and full range mapped to studio range."""
    scores = []
    for pair in find_pairs(folder, scale):
        lr, hr = pair.load(scale)
        studio = enlarge(luma(lr, BT601_STUDIO))
        full = enlarge(luma(lr, BT601_FULL))
        scores.append(
            (
                psnr(round8(studio), luma(hr, BT601_STUDIO), border=scale),
                psnr(round8(full), luma(hr, BT601_FULL), border=scale),
                psnr(round8(to_studio(full)), luma(hr, BT601_STUDIO), border=scale),
            )
        )
    means = np.mean(scores, axis=0)
    return float(means[0]), float(means[1]), float(means[2])


def main(folder: Path) -> None:
    """Prints one table."""
    rows = []
    for name, make in (("bicubic", bicubic), ("espcn", espcn)):
        for scale in SCALES:
            studio, full, mapped = measure(folder, scale, make(scale))
            cells = [f"{x:.2f}" for x in (studio, full, full - studio, mapped)]
            rows.append([f"{name} x{scale}", *cells])
    print_table(
        f"PSNR in dB on {folder.name}; 20·log10(219/255) = {20 * math.log10(219 / 255):.2f} dB",
        ["", "Y' of YCbCr", "Y of YUV", "difference", "YUV, mapped to YCbCr"],
        rows,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/valid/Set5"))
