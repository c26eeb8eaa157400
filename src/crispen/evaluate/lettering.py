"""Draws text as pixels, without any font on the machine.

``letters.png`` holds the letters side by side (DejaVu Sans, drawn by ``tools/make_lettering.py``);
its last line marks where each of them ends.
"""

from __future__ import annotations

import functools
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from crispen.media.image import read_image

LETTERS = "".join(chr(code) for code in range(32, 127)) + "×–…äöüßÄÖÜéè"
_UNKNOWN = "?"


@functools.cache
def _letters() -> dict[str, NDArray[np.uint8]]:
    file = resources.files("crispen.evaluate") / "letters.png"
    atlas = read_image(file.read_bytes()).pixels[..., 0].astype(np.uint8)
    ends = np.flatnonzero(atlas[-1]) + 1
    starts = [0, *ends[:-1]]
    return {
        letter: atlas[:-1, start:end]
        for letter, start, end in zip(LETTERS, starts, ends, strict=True)
    }


def line_height() -> int:
    """Height of a line of text in pixels."""
    return int(_letters()[" "].shape[0])


def draw_text(text: str, width: int) -> NDArray[np.uint8]:
    """``(line_height(), width)`` coverage of a line of text, 0 to 255.

    Args:
        text: Cut with an ellipsis if too long; unknown letters become ``?``.
        width: Width of the line in pixels.
    """
    letters = _letters()
    glyphs = [letters.get(c, letters[_UNKNOWN]) for c in text]
    room = width - letters["…"].shape[1]
    if sum(g.shape[1] for g in glyphs) > width:
        while glyphs and sum(g.shape[1] for g in glyphs) > room:
            glyphs.pop()
        glyphs.append(letters["…"])
    line = np.zeros((line_height(), width), np.uint8)
    left = 0
    for glyph in glyphs:
        part = glyph[:, : width - left]
        line[:, left : left + part.shape[1]] = part
        left += part.shape[1]
    return line
