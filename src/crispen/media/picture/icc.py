"""Colour profiles for colours that files describe in other ways.

A matrix profile of ICC version 4 holds the three primaries, adapted to D50 by Bradford's method,
and one parametric curve.

Source: ICC.1:2022; annex E for the adaptation.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

D65 = (0.3127, 0.3290)
_D50_XYZ = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


@dataclass(frozen=True, slots=True)
class Primaries:
    """CIE 1931 x and y of red, green, blue and white."""

    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    white: tuple[float, float] = D65

    def matrix(self) -> NDArray[np.float64]:
        """``(3, 3)``: linear RGB to XYZ under D50.

        Raises:
            ValueError: The four do not form a colour space.

        The first row of sRGB's, as in its profile:

        >>> SRGB.matrix()[0].round(3)
        array([0.436, 0.385, 0.143])
        """
        if min(y for _, y in (self.red, self.green, self.blue, self.white)) <= 0:
            raise ValueError("its primaries are impossible")
        columns = np.array([_xyz(p) for p in (self.red, self.green, self.blue)]).T
        white = _xyz(self.white)
        try:
            amounts = np.linalg.solve(columns, white)
        except np.linalg.LinAlgError:
            amounts = np.zeros(3)
        if not (amounts > 0).all():
            raise ValueError("its primaries are impossible")
        matrix: NDArray[np.float64] = self.adaptation() @ (columns * amounts)
        return matrix

    def adaptation(self) -> NDArray[np.float64]:
        """``(3, 3)``: XYZ under this white to XYZ under D50."""
        cones = (_BRADFORD @ _D50_XYZ) / (_BRADFORD @ _xyz(self.white))
        adapted: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD
        return adapted

    def is_near(self, other: Primaries) -> bool:
        """Whether they differ only by rounding in a file."""
        ours = (*self.red, *self.green, *self.blue, *self.white)
        theirs = (*other.red, *other.green, *other.blue, *other.white)
        return max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 0.002


@dataclass(frozen=True, slots=True)
class Curve:
    """From a sample to linear light: ``(a x + b) ** gamma`` from `d` on, ``c x`` below."""

    gamma: float
    a: float = 1.0
    b: float = 0.0
    c: float = 1.0
    d: float = 0.0

    @property
    def linear(self) -> bool:
        """Whether samples are linear light."""
        return self == LINEAR


SRGB = Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
LINEAR = Curve(1.0)
SRGB_CURVE = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # IEC 61966-2-1


def rgb_profile(primaries: Primaries, curve: Curve, name: str) -> bytes:
    """An ICC profile of a colour space.

    Raises:
        ValueError: The primaries do not form one.
    """
    columns = primaries.matrix().T
    tags = [(key, _xyz_tag(c)) for key, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)]
    tags += [(key, _curve_tag(curve)) for key in (b"rTRC", b"gTRC", b"bTRC")]
    tags += [(b"chad", b"sf32\0\0\0\0" + _fixed(*primaries.adaptation().ravel()))]
    return _profile(b"RGB ", tags, name)


def grey_profile(curve: Curve, name: str) -> bytes:
    """An ICC profile of grey with a curve."""
    return _profile(b"GRAY", [(b"kTRC", _curve_tag(curve))], name)


def _xyz(xy: tuple[float, float]) -> NDArray[np.float64]:
    x, y = xy
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _fixed(*numbers: float) -> bytes:
    """Encodes as s15Fixed16Number."""
    return struct.pack(f">{len(numbers)}i", *(round(n * 65536) for n in numbers))


def _xyz_tag(xyz: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*xyz)


def _curve_tag(curve: Curve) -> bytes:
    if (curve.a, curve.b, curve.d) == (1, 0, 0):
        return b"para\0\0\0\0\0\0\0\0" + _fixed(curve.gamma)
    return b"para\0\0\0\0\0\3\0\0" + _fixed(curve.gamma, curve.a, curve.b, curve.c, curve.d)


def _text_tag(text: str) -> bytes:
    coded = text.encode("utf-16-be")
    return struct.pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(coded), 28) + coded


def _profile(space: bytes, tags: list[tuple[bytes, bytes]], name: str) -> bytes:
    tags = [
        (b"desc", _text_tag(name)),
        (b"cprt", _text_tag("No copyright, use freely")),
        (b"wtpt", _xyz_tag(_D50_XYZ)),
        *tags,
    ]
    start = 128 + 4 + 12 * len(tags)
    table, content, seen = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    for key, tag in tags:
        if tag not in seen:  # the three curves are shared
            seen[tag] = start + len(content)
            content += tag + bytes(-len(tag) % 4)
        table += struct.pack(">4sII", key, seen[tag], len(tag))
    head = struct.pack(">I4xI4s4s4s", start + len(content), 0x04300000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s28x", 2000, 1, 1, 0, 0, 0, b"acsp") + _fixed(*_D50_XYZ)
    return head.ljust(128, b"\0") + table + content
