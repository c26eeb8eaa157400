"""WebP, H.264 and HEVC in terms of JPEG: which quantiser steps do as much damage.

`crispen.models.dials` maps a WebP quality or a constant rate factor to the step of the JPEG with
the same mean squared error. Here it is measured on centre crops of open pictures, shrunk to half,
and printed beside the values there. Video is the last of five equal frames that move by a pixel, as
`crispen degrade --with video` encodes them.

    python benchmarks/codec_scale.py [--data ../shared/data/train] [--pictures 22]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from _table import print_table
from crispen.lab.degradations.codecs import coded_clip
from crispen.media.image import is_image_name
from crispen.media.resample import resize
from crispen.models.dials import crf_step, jpeg_step, webp_step
from crossover import webp
from real import jpeg, middle

Bytes = NDArray[np.uint8]
_QUALITIES = (10, 15, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 93, 96, 98)


def error(pairs: list[tuple[Bytes, Bytes]]) -> float:
    """Mean squared error, as the geometric mean over pictures, so that none dominates."""
    errors = [np.mean((a.astype(float) - b) ** 2) for a, b in pairs]
    return float(np.exp(np.mean(np.log(np.maximum(errors, 1e-3)))))


def last_frame(pixels: Bytes, codec: str, crf: float) -> tuple[Bytes, Bytes]:
    """The last frame of a clip, before and after."""
    side = min(pixels.shape[:2]) // 2 * 2 - 8
    clip = np.stack([pixels[n : n + side, n : n + side] for n in range(5)])
    return clip[-1], coded_clip(clip, codec, crf)[-1]


def main() -> None:
    """Prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--pictures", type=int, default=22)
    given = parser.parse_args()
    files = sorted(f for f in given.data.iterdir() if is_image_name(f))
    crops = []
    for file in files[:: max(1, len(files) // (2 * given.pictures))]:
        pixels = middle(file)
        if pixels is not None and len(crops) < given.pictures:
            crops.append(resize(pixels, pixels.shape[0] // 2, pixels.shape[1] // 2))
    steps = [jpeg_step(q) for q in _QUALITIES]
    by_step = [error([(c, jpeg(c, q)) for c in crops]) for q in _QUALITIES]

    def equal(found: float) -> str:
        # Both rise as a power of the step; np.interp needs increasing x.
        logs = np.log(by_step[::-1]), np.log(steps[::-1])
        return f"{np.exp(np.interp(np.log(found), *logs)):.0f}"

    rows = []
    for quality in (20, 30, 40, 50, 60, 70, 80, 90, 95):
        found = error([(c, webp(c, quality)) for c in crops])
        rows.append([str(quality), f"{found:.1f}", equal(found), f"{webp_step(quality):.0f}"])
    heads = ["mean squared error", "equal step", "step in dials"]
    print_table(f"WebP, {len(crops)} pictures", ["quality", *heads], rows)
    rows = []
    for codec in ("h264", "hevc"):
        for crf in (18, 22, 26, 30, 34, 38):
            found = error([last_frame(c, codec, crf) for c in crops])
            rows.append(
                [f"{codec} {crf}", f"{found:.1f}", equal(found), f"{crf_step(codec, crf):.0f}"]
            )
    print_table(f"Video, {len(crops)} pictures", ["codec, crf", *heads], rows)


if __name__ == "__main__":
    main()
