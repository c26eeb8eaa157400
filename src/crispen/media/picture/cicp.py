"""Colours stated as numbers: coding-independent code points, as in PNG's cICP and AVIF's nclx.

Source: ITU-T H.273, tables 2 and 3.
"""

from __future__ import annotations

from typing import NamedTuple

from crispen.media.picture.icc import (
    LINEAR,
    SRGB,
    SRGB_CURVE,
    Curve,
    Primaries,
    grey_profile,
    rgb_profile,
)

_C = (0.310, 0.316)
_BT601_625 = Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06))
_BT601_525 = Primaries((0.63, 0.34), (0.31, 0.595), (0.155, 0.07))
PRIMARIES = {
    1: SRGB,
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: _BT601_625,
    6: _BT601_525,
    7: _BT601_525,
    8: Primaries((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: Primaries((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.314, 0.351)),
    12: Primaries((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
    22: Primaries((0.63, 0.34), (0.295, 0.605), (0.155, 0.077)),
}
_BT709_CURVE = Curve(1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_SMPTE240_CURVE = Curve(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0913)
_CURVES = {
    1: _BT709_CURVE,
    4: Curve(2.2),
    5: Curve(2.8),
    6: _BT709_CURVE,
    7: _SMPTE240_CURVE,
    8: LINEAR,
    11: _BT709_CURVE,
    12: _BT709_CURVE,
    13: SRGB_CURVE,
    14: _BT709_CURVE,
    15: _BT709_CURVE,
}
_UNSPECIFIED = 2
_NAMES = {1: "sRGB", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
_HDR = {16: "PQ", 18: "HLG"}


class Cicp(NamedTuple):
    """Code points of a picture.

    Attributes:
        primaries: 1 sRGB, 9 BT.2020, 12 Display P3, …
        transfer: 13 sRGB, 16 PQ, 18 HLG, …
    """

    primaries: int
    transfer: int

    @property
    def plain(self) -> bool:
        """Whether they mean sRGB, which also holds if nothing is stated.

        >>> Cicp(1, 13).plain, Cicp(2, 2).plain, Cicp(12, 13).plain
        (True, True, False)
        """
        return self.primaries in (1, _UNSPECIFIED) and self.transfer in (13, _UNSPECIFIED)

    @property
    def linear(self) -> bool:
        """Whether samples are linear light."""
        return self.transfer == 8

    @property
    def only_cicp(self) -> str:
        """What our colour profiles cannot express, in a word; empty if one can.

        >>> Cicp(9, 16).only_cicp, Cicp(9, 13).only_cicp
        ('HDR (PQ)', '')
        """
        if self.transfer in _HDR:
            return f"HDR ({_HDR[self.transfer]})"
        unknown = self.primaries not in (*PRIMARIES, _UNSPECIFIED)
        unknown |= self.transfer not in (*_CURVES, _UNSPECIFIED)
        return f"colour (CICP {self.primaries}/{self.transfer})" if unknown else ""

    def profile(self, *, grey: bool) -> bytes | None:
        """The same as an ICC profile; None for sRGB, and for what our profiles cannot express."""
        if self.plain or self.only_cicp:
            return None
        curve = _CURVES.get(self.transfer, SRGB_CURVE)
        if grey:
            return grey_profile(curve, f"Grey, CICP {self.transfer}")
        name = f"CICP {self.primaries}/{self.transfer}"
        if self.transfer == 13 and self.primaries in _NAMES:
            name = _NAMES[self.primaries]
        return rgb_profile(PRIMARIES.get(self.primaries, SRGB), curve, name)
