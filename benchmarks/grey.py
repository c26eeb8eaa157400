"""Grey pictures enlarged as grey, and as R'G'B' of three equal channels: both should score alike.

The inputs are the pictures' full-range luma, shrunk by MATLAB's bicubic, and a drawing in black and
white. PSNR is on studio-range Y', as everywhere.

    python benchmarks/grey.py [MODEL] [../shared/data/valid]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from _table import print_table
from crispen.enhance.model import load
from crispen.evaluate.metrics import literature_border, luma255, psnr, round8
from crispen.media.image import read_image
from crispen.media.resample import downscale, resize

Plane = NDArray[np.uint8]
SIDE = 480


def drawing() -> Plane:
    """Lines and rings, drawn at four times the size and averaged."""
    large = Image.new("L", (4 * SIDE, 4 * SIDE), 255)
    pen = ImageDraw.Draw(large)
    random = np.random.default_rng(0)
    for ends in random.integers(0, 4 * SIDE, (40, 4)):
        pen.line([int(end) for end in ends], fill=0, width=9)
    for x, y, radius in random.integers(40, 4 * SIDE, (15, 3)) // [1, 1, 5]:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=0, width=8)
    return np.asarray(large.resize((SIDE, SIDE), Image.Resampling.BOX))


def pictures(valid: Path) -> Iterator[tuple[str, Plane]]:
    """Names and full-range luma."""
    for file in sorted(valid.glob("Set*/HR/*.png")):
        luma = read_image(file).as_rgb8() @ np.array([0.299, 0.587, 0.114])
        yield f"{file.parts[-3]} {file.stem}", np.rint(luma).astype(np.uint8)
    yield "drawing", drawing()


def main(name: str, valid: Path) -> None:
    """Prints one table."""
    model = load(name)
    scale = model.card.scale
    rows = []
    for title, whole in pictures(valid):
        height, width = (n - n % scale for n in whole.shape)
        hr = whole[:height, :width]
        lr = downscale(hr, scale)[..., None]
        answers = (
            resize(lr, height, width),
            model(lr).pixels,
            model(np.repeat(lr, 3, axis=2)).pixels,
        )
        scores = [
            psnr(round8(luma255(answer)), luma255(hr), border=literature_border(scale))
            for answer in answers
        ]
        rows.append([title, *(f"{score:.2f}" for score in scores)])
    print_table(f"{name}, PSNR on Y'", ["picture", "bicubic", "as grey", "as R'G'B'"], rows)


if __name__ == "__main__":
    main(
        sys.argv[1] if len(sys.argv) > 1 else "photo-fast-x2",
        Path(sys.argv[2] if len(sys.argv) > 2 else "../shared/data/valid"),
    )
