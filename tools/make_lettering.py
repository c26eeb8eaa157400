"""Draws the letters for labels of comparison sheets into one small picture.

A fresh machine may have no fonts at all, so the sheets ship their letters: DejaVu Sans, from
Matplotlib, drawn once.

    python tools/make_lettering.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from crispen.evaluate.lettering import LETTERS

TARGET = Path(__file__).parents[1] / "src/crispen/evaluate/letters.png"
SIZE_PX = 17


def main() -> None:
    """Writes ``letters.png``: one row, a column of level 255 in its last line ends each letter."""
    file = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    font = ImageFont.truetype(str(file), SIZE_PX)
    ascent, descent = font.getmetrics()
    widths = [round(font.getlength(letter)) for letter in LETTERS]
    atlas = Image.new("L", (sum(widths), ascent + descent + 1))
    left = 0
    for letter, width in zip(LETTERS, widths, strict=True):
        # Separately, since some letters overlap their neighbours' space.
        glyph = Image.new("L", (width, ascent + descent))
        ImageDraw.Draw(glyph).text((0, 0), letter, fill=255, font=font)
        atlas.paste(glyph, (left, 0))
        atlas.putpixel((left + width - 1, atlas.height - 1), 255)
        left += width
    atlas.save(TARGET, optimize=True)
    print(f"{TARGET}: {len(LETTERS)} letters, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
