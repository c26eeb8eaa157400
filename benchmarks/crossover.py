"""From which JPEG quality on a picture is better repaired than merely enlarged.

Set14 is shrunk by MATLAB's bicubic to a half, saved as JPEG (4:2:0) by Pillow, and enlarged again:
by bicubic, by the network for clean pictures, and by the one that repairs, told of the quality as
`crispen enhance` does. The last column counts the pictures where the better of the two, by the rule
of `crispen.enhance.plan`, is worse than bicubic by more than 0.05 dB.

    python benchmarks/crossover.py [../shared/data/valid/Set14] [repairing model]
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from _table import print_table
from crispen.enhance.model import load
from crispen.enhance.plan import REPAIR, REPAIRED_BELOW, dials_of
from crispen.evaluate.metrics import luma255, psnr
from crispen.look.jpeg import read_compression
from crispen.media.image import Image, read_image
from crispen.media.resample import resize

Bytes = NDArray[np.uint8]
QUALITIES = (100, 97, 95, 92, 90, 88, 85, 80, 75, 60, 40)


def saved(pixels: Bytes, quality: int) -> tuple[Bytes, float]:
    """Through a JPEG file, and how coarse its tables are."""
    file = io.BytesIO()
    Pil.fromarray(pixels).save(file, "JPEG", quality=quality)
    said = read_compression(file.getvalue())
    assert said is not None
    return np.asarray(Pil.open(file).convert("RGB")), said.step


def main(folder: Path, repairing: str) -> None:
    """Prints one table."""
    truths = []
    for path in sorted((folder / "HR").iterdir()):
        pixels = read_image(path).as_rgb8()
        height, width = (side - side % 2 for side in pixels.shape[:2])
        truths.append(pixels[:height, :width])
    clean = load("photo-x2")
    rows = []
    for quality in QUALITIES:
        scores = []
        told = None
        for truth in truths:
            height, width = truth.shape[:2]
            small, step = saved(resize(truth, height // 2, width // 2), quality)
            if told is None:
                told = load(repairing, dials=dials_of(step))
            made = (
                resize(small, height, width),
                clean(Image(small)).as_rgb8(),
                told(Image(small)).as_rgb8(),
            )
            scores.append([psnr(np.rint(luma255(m)), luma255(truth), border=2) for m in made])
        table = np.array(scores)
        chosen = table[:, 2 if quality < REPAIRED_BELOW else 1]
        worse = int((chosen < table[:, 0] - 0.05).sum())
        rows.append([str(quality), *(f"{v:.2f}" for v in table.mean(axis=0)), f"{worse}"])
    print_table(
        f"Y' PSNR in dB on {len(truths)} pictures of {folder.name}, x2",
        ["JPEG quality", "bicubic", "photo-x2", repairing, "worse than bicubic"],
        rows,
    )


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        Path(given[0] if given else "../shared/data/valid/Set14"),
        given[1] if len(given) > 1 else REPAIR,
    )
