"""Drawn pictures: pages of text, charts, program windows, and patterns.

Collections of photographs contain hardly any of them, but people enhance many. Pages are drawn with
Pillow, in the available fonts, and degraded like photographs. Patterns (checkerboards, dithering,
halftone) are inputs without degradation: a network should keep their mean, so it learns to enlarge
them as bicubic does.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Bytes = NDArray[np.uint8]
_FOLDERS = ("/usr/share/fonts", "/System/Library/Fonts", "C:/Windows/Fonts")
# Several scripts; a missing glyph is a box, which is a useful shape too.
_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyzäöüéèñçABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?()%&@/-",
    "0123456789.,+-=%$€",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕЖЗИКЛМНОПРСТ",
    "αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖΗΘ",
    "אבגדהוזחטיכלמנסעפצקרשת",
)
_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])


@functools.cache
def fonts() -> tuple[str, ...]:
    """The system's TrueType and OpenType fonts, or else those of matplotlib."""
    found = [
        str(file)
        for folder in _FOLDERS
        for pattern in ("*.ttf", "*.otf")
        for file in sorted(Path(folder).rglob(pattern))
    ]
    if not found:
        import matplotlib

        found = [str(f) for f in sorted(Path(matplotlib.get_data_path()).rglob("DejaVu*.ttf"))]
    return tuple(found)


def page(rng: np.random.Generator, side: int) -> Bytes:
    """A square from a page, a chart or a window: ``(side, side, 3)``."""
    # Half of them antialias shapes too, as vector programs do.
    finer = int(rng.choice((1, 2)))
    size = side * finer
    paper = _color(rng, light=rng.random() < 0.75)
    image = Image.new("RGB", (size, size), paper)
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 6))):
        _shape(rng, pen, size, finer)
    if rng.random() < 0.9:
        _lines_of_text(rng, pen, size, finer, paper)
    if finer > 1:
        image = image.resize((side, side), Image.Resampling.BOX)
    return np.array(image)


def _color(rng: np.random.Generator, *, light: bool) -> tuple[int, int, int]:
    if rng.random() < 0.5:  # paper and ink are mostly grey
        level = int(rng.choice((255, 255, 250, 240, 230)) if light else rng.choice((0, 0, 20, 60)))
        return (level, level, level)
    low, high = (150, 256) if light else (0, 140)
    red, green, blue = (int(v) for v in rng.integers(low, high, 3))
    return (red, green, blue)


def _ink(rng: np.random.Generator, paper: tuple[int, int, int]) -> tuple[int, int, int]:
    return _color(rng, light=sum(paper) < 384)


def _lines_of_text(
    rng: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    size: int,
    finer: int,
    paper: tuple[int, int, int],
) -> None:
    y = int(rng.integers(-10, 10))
    while y < size:
        height = int(rng.choice((9, 10, 11, 12, 13, 14, 16, 18, 22, 28, 40)) * finer)
        font = ImageFont.truetype(str(rng.choice(fonts())), height)
        letters = list(str(rng.choice(_ALPHABETS, p=(0.35, 0.3, 0.12, 0.11, 0.06, 0.06))))
        ink = _ink(rng, paper)
        for _ in range(int(rng.integers(1, 5))):
            words = [
                "".join(rng.choice(letters, int(rng.integers(1, 10))))
                for _ in range(size // height)
            ]
            pen.text((int(rng.integers(-20, 20)), y), " ".join(words), ink, font)
            y += int(height * rng.uniform(1.1, 1.6))
        y += int(rng.integers(0, 30))


def _shape(rng: np.random.Generator, pen: ImageDraw.ImageDraw, size: int, finer: int) -> None:
    corners = np.sort(rng.integers(-size // 8, size + size // 8, (2, 2)), axis=0)
    (left, top), (right, bottom) = corners.tolist()
    color, edge = (_color(rng, light=bool(rng.random() < 0.5)) for _ in range(2))
    width = int(rng.integers(1, 5)) * finer
    match int(rng.integers(0, 6)):
        case 0:
            pen.rectangle((left, top, right, bottom), color, edge, width)
        case 1:
            radius = int(rng.integers(2, 24)) * finer
            pen.rounded_rectangle((left, top, right, bottom), radius, color, edge, width)
        case 2:
            pen.ellipse((left, top, right, bottom), color, edge, width)
        case 3:
            count = int(rng.integers(3, 20))
            xs = np.linspace(left, right, count)
            ys = rng.uniform(top, bottom + 1, count)
            pen.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), edge, width)
        case 4:
            pen.polygon([tuple(p) for p in rng.integers(0, size, (3, 2)).tolist()], color, edge)
        case _:  # a table or a chart's grid
            step = int(rng.integers(6, 40)) * finer
            for at in range(0, size, step):
                pen.line((at, 0, at, size), edge, finer)
                pen.line((0, at, size, at), edge, finer)


def pattern(rng: np.random.Generator, photo: Bytes) -> Bytes:
    """A pattern of hard pixels over a photograph's brightness, or a regular one.

    Args:
        rng: Decides which.
        photo: ``(side, side, 3)``.
    """
    side = photo.shape[0]
    rows, columns = np.mgrid[:side, :side]
    grey = photo.mean(axis=2)
    kind = int(rng.integers(0, 6))
    if kind == 0:
        dithered = Image.fromarray(photo).convert("L").convert("1")
        bright = np.array(dithered)
    elif kind == 1:
        threshold = (_BAYER[rows % 4, columns % 4] + 0.5) * 16
        bright = grey > threshold
    elif kind == 2:  # dots on a rotated raster, as in print
        pitch, angle = rng.uniform(3, 9), rng.uniform(0, np.pi / 2)
        along = (columns * np.cos(angle) + rows * np.sin(angle)) * 2 * np.pi / pitch
        across = (rows * np.cos(angle) - columns * np.sin(angle)) * 2 * np.pi / pitch
        bright = grey / 255 > 0.5 + 0.25 * (np.cos(along) + np.cos(across))
    elif kind == 3:
        a, b = rng.integers(1, 4, 2).tolist()
        bright = (rows // a + columns // b) % 2 == 0
    elif kind == 4:
        period, steep = int(rng.integers(2, 7)), int(rng.integers(-2, 3))
        bright = (rows + steep * columns) % period < max(1, period // 2)
        if rng.random() < 0.5:
            bright = bright.T
    else:
        bright = grey > np.median(grey)
    dark, light = (0, 255) if rng.random() < 0.6 else sorted(rng.integers(0, 256, 2).tolist())
    plane = np.where(bright, light, dark).astype(np.uint8)
    return np.repeat(plane[:, :, None], 3, axis=2)
