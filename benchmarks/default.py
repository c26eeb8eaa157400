"""Is the default ever worse than bicubic? 200 pictures like those of users, enlarged x2.

100 photographs of cats and dogs (already JPEGs), the pictures that `real-x2` never trained on,
Set14, and drawn pages of text and charts. Each is shrunk to half in one of the ways in which
programs shrink, and degraded in one of the ways below, all drawn with one seed. The output lists
the means for each kind of picture and of damage, and every picture whose Y' PSNR is more than
0.05 dB below bicubic's.

    python benchmarks/default.py [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from _table import print_table
from crispen.enhance.chain import Lineup
from crispen.enhance.choice import choose
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.request import Request
from crispen.enhance.source import damage_in
from crispen.evaluate.metrics import luma255, psnr
from crispen.lab.data.drawn import page
from crispen.media.image import Image, read_image
from crispen.media.resample import resize
from crispen.models.athand import AtHand
from crossover import noisy
from real import blurred, held_out, middle, shrunk

Bytes = NDArray[np.uint8]
Change = Callable[[Bytes], Bytes]
SHRINKING: dict[str, Change] = {
    "bicubic": lambda p: resize(p, p.shape[0] // 2, p.shape[1] // 2),
    "area": lambda p: shrunk(p, 2, Pil.Resampling.BOX),
    "Lanczos": lambda p: shrunk(p, 2, Pil.Resampling.LANCZOS),
}
DAMAGES: dict[str, Change] = {
    "none": lambda p: p,
    "noise 3": lambda p: noisy(p, 3),
    "noise 8": lambda p: noisy(p, 8),
    "blur 0.6": lambda p: blurred(p, 0.6, 0.6, 0),
    "WebP 80": lambda p: p,
    **{f"JPEG {q}": lambda p: p for q in (95, 90, 80, 65, 40)},
}


def saved(pixels: Bytes, damage: str) -> bytes:
    """The file as a user would have it."""
    file = io.BytesIO()
    format, _, quality = damage.partition(" ")
    if format in ("JPEG", "WebP"):
        Pil.fromarray(pixels).save(file, format, quality=int(quality))
    else:
        Pil.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def pictures(data: Path) -> Iterator[tuple[str, str, Bytes]]:
    """Kind, name and pixels of each picture."""
    animals = sorted((data / "catsdogs").rglob("*.jpg"))
    for path in animals[:: len(animals) // 100][:100]:
        yield "cats and dogs", path.stem, read_image(path).as_rgb8()
    for path in held_out(data / "train"):
        pixels = middle(path)
        for turn in range(0 if pixels is None else 4):
            assert pixels is not None
            yield "held out", f"{path.stem} {turn}", pixels
    for path in sorted((data / "valid/Set14/HR").iterdir()):
        yield "Set14", path.stem, read_image(path).as_rgb8()
    for number in range(22):
        yield "drawn", f"page {number}", page(np.random.default_rng((3, number)), 320)


def main() -> None:
    """Prints one table and one list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    rng = np.random.default_rng(200)
    found = []
    at_hand, request = AtHand(), Request()
    for kind, name, pixels in pictures(given.data):
        truth = pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]
        way = str(rng.choice(list(SHRINKING)))
        damage = str(rng.choice(list(DAMAGES)))
        file = saved(DAMAGES[damage](SHRINKING[way](truth)), damage)
        small = read_image(file).as_rgb8()
        seen = damage_in(small, file)
        chosen = choose(request, Lineup(None, at_hand=at_hand), at_hand, 2, seen)
        with Enhancer(chosen.models, dials=chosen.dials) as enhancer:
            made = enhancer.enhance(Image(small)).as_rgb8()
        scores = [
            psnr(np.rint(luma255(p)), luma255(truth), border=2)
            for p in (resize(small, *truth.shape[:2]), made)
        ]
        found.append((kind, f"{way}, {damage}", damage, name, chosen.models[-1], *scores, seen))
    rows = []
    for column in (0, 2):
        for group in dict.fromkeys(row[column] for row in found):
            mine = [row for row in found if row[column] == group]
            bicubic, default = np.mean([row[5:7] for row in mine], axis=0)
            worse = sum(row[6] < row[5] - 0.05 for row in mine)
            real = sum(str(row[4]).startswith("real") for row in mine)
            rows.append(
                [
                    str(group),
                    *map(str, (len(mine), real)),
                    f"{bicubic:.2f}",
                    f"{default:.2f}",
                    str(worse),
                ]
            )
    heads = ["", "pictures", "repaired", "bicubic", "default", "worse than bicubic"]
    print_table(f"Y' PSNR in dB, x2, {len(found)} pictures", heads, rows)
    for row in sorted(found, key=lambda row: row[6] - row[5]):
        if row[6] < row[5] - 0.05:
            kind, how, _, name, model, bicubic, default, seen = row
            dials = " ".join(f"{v or 0:.2f}" for v in seen.values)
            print(f"{kind} {name}, {how}: {model} {default:.2f}, bicubic {bicubic:.2f} ({dials})")


if __name__ == "__main__":
    main()
