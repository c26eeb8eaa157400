"""A visual comparison: crops of twelve degraded pictures, enlarged by seven methods, in one sheet.

The pictures are those of `real.py`, degraded in its four grades: no Crispen model has seen them.
Each row is one picture, each column a method. Others' networks are the ONNX files made from those
in ``../shared/data/teachers``.

    python benchmarks/sheet.py [--teachers runs/teachers] [docs/images/sheet.webp]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from crispen.evaluate.grid import make_grid
from crispen.media.resample import resize
from real import as_it_comes, damaged, fitted, held_out, middle, theirs

Bytes = NDArray[np.uint8]
# For held-out pictures by name: the grade of damage, and the crop's position.
SHOWN = (
    ("cid-pexels-photo-3586798", 2, 60, 120),
    ("cid-pexels-photo-3586798", 4, 60, 150),
    ("clic-0c49a5cce3", 1, 110, 180),
    ("clic-22ea12c903", 2, 60, 130),
    ("cid-3214023", 3, 120, 0),
    ("cid-3214023", 4, 20, 130),
    ("cid-pexels-photo-951408", 2, 190, 60),
    ("wp25-poster-image-background", 3, 30, 20),
    ("contao-blake-verdoorn", 4, 20, 120),
    ("cid-167491", 4, 180, 100),
    ("cid-3794859", 1, 40, 90),
    ("cid-pexels-photo-7438498", 3, 120, 60),
)
CROP = 192
SHOWN_PX = 288


def main() -> None:
    """Writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--teachers", type=Path, default=Path("runs/teachers"))
    parser.add_argument("--rows", type=int, default=len(SHOWN))
    parser.add_argument("result", type=Path, nargs="?", default=Path("docs/images/sheet.webp"))
    given = parser.parse_args()
    files = {f.stem: f for f in held_out(given.data)}
    methods: dict[str, Callable[[Bytes, int], Bytes]] = {
        "bicubic": lambda pixels, grade: pixels,
        "crispen": as_it_comes(),
        "crispen --vivid": as_it_comes(vivid=0.5),
        "crispen --vivid 1": as_it_comes(vivid=1.0),
    }
    for label, name, border in (
        ("waifu2x photo", "waifu2x-photo-noise3-x2", ":border=7"),
        ("realesr-general-x4v3", "realesr-general-x4v3", ""),
        ("Real-ESRGAN x4plus", "realesrgan-x4plus", ""),
    ):
        path = given.teachers / f"{name}.onnx"
        if path.is_file():
            methods[label] = theirs(f"{path}{border}")
    cells = []
    for number, (name, grade, top, left) in enumerate(SHOWN[: given.rows]):
        truth = middle(files[name])
        assert truth is not None
        small = damaged(truth, grade, number)
        row = []
        for label, run in methods.items():
            crop = fitted(run(small, grade))[top : top + CROP, left : left + CROP]
            row.append(("" if number else label, resize(crop, SHOWN_PX, SHOWN_PX)))
        cells.append(row)
    Pil.fromarray(make_grid(cells)).save(given.result, quality=88)


if __name__ == "__main__":
    main()
