"""Writes ``docs/degradations.md`` and its pictures from the degradations' code.

python tools/degradations.py            write the page and pictures
python tools/degradations.py --check    fail if the page is stale
"""

from __future__ import annotations

import numpy as np
from skimage import data

from _pages import DOCS, checking, fail_stale, write_or_check
from crispen.lab.degradations.catalogue import Entry, catalogue
from crispen.lab.degradations.gallery import example
from crispen.lab.degradations.spec import parse_degradation
from crispen.media.image import Image, write_image

PAGE = DOCS / "degradations.md"
PICTURES = DOCS / "images" / "degradations"
SEED = 1
SIDE_PX = 156

HEAD = """\
<!-- Written by tools/degradations.py; change the program, then run it again. -->
# Degradations

How pictures go bad, as a recipe names it and `crispen degrade` shows it on your own picture:

```sh
crispen degrade photo.jpg -o bad.png --with salt-and-pepper=0.4 --with jpeg=30 --seed 1
crispen degrade photo.jpg -o bad.png --with gaussian-noise:sigma=10..50,grey=true
crispen degrade photo.jpg -o lr.png --scale 4 --with blind
crispen degrade --gallery photo.jpg -o sheet.png
```

In a recipe they stand one below the other and are applied in that order:

```toml
[[degradation]]
kind = "gaussian-noise"
sigma = [0, 50]
grey = false

[[degradation]]
kind = "jpeg"
quality = [30, 95]
probability = 0.5
```

x is a picture with values in [0, 1], y is what comes out. A number is always the same; from a
range, `[0, 50]` in a recipe and `0..50` on the command line, each picture draws its own value.
Proportions may be written as `"40%"`. Every kind also takes `probability` (that it befalls a
picture; 1 unless given) and `clip` (keep the values in [0, 1]; true unless given). Everything is
drawn from one generator: the same seed gives the same pixels, and no picture depends on the
others of its batch.

With a scale above 1 and nothing in the list that shrinks, MATLAB-equal bicubic shrinking is put
behind the blurs that the list begins with, and before everything else. Training crops are cut
larger than needed, so that no edge is seen where the picture has none, and begin anywhere in the
blocks of JPEG.

The pictures: 156×156 pixels of scikit-image's `astronaut` (NASA, public domain), seed 1; where
there are fewer pixels they are repeated.

![The original](images/degradations/original.webp)
"""


def section(entry: Entry) -> str:
    """The section about one degradation."""
    rows = [
        f"| `{a.name}` | {a.description} | {f'`{a.default}`' if a.default else ''} |"
        for a in entry.arguments
        if a.name not in ("probability", "clip")
    ]
    main = f" `{entry.kind}=VALUE` sets `{entry.main}`." if entry.main else ""
    parts = [
        f"\n## {entry.kind}\n",
        f"{entry.summary}{main}\n",
        f"```\n{entry.formula}\n```\n",
        *([f"{entry.text}\n"] if entry.text else []),
        f"![{entry.kind}](images/degradations/{entry.kind}.webp)\n",
        f"`--with '{entry.example}'`\n" if "{" in entry.example else f"`--with {entry.example}`\n",
        "| | | usually |\n| --- | --- | --- |",
        *rows,
        "",
    ]
    return "\n".join(parts)


def page() -> str:
    """The whole page."""
    return HEAD + "".join(section(entry) for entry in catalogue())


def save(name: str, pixels: np.ndarray) -> None:
    """Writes one of the pictures."""
    write_image(Image(pixels), PICTURES / f"{name}.webp", quality=88, overwrite=True)


def main() -> None:
    """Writes or checks."""
    write_or_check({PAGE: page()})
    if checking():
        pictures = [PICTURES / f"{entry.kind}.webp" for entry in catalogue()]
        missing = [path for path in pictures if not path.is_file()]
        if missing:
            fail_stale(missing)
        return
    PICTURES.mkdir(parents=True, exist_ok=True)
    original = np.ascontiguousarray(data.astronaut()[20 : 20 + SIDE_PX, 150 : 150 + SIDE_PX])
    save("original", original)
    for entry in catalogue():
        save(entry.kind, example(original, parse_degradation(entry.example), seed=SEED))
    print(f"wrote {len(catalogue()) + 1} pictures")


if __name__ == "__main__":
    main()
