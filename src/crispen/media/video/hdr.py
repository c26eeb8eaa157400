"""Passes the brightness metadata of high dynamic range (HDR10) from frames to encoders."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av

# Transfer functions of ITU-T H.273: PQ and HLG.
TRANSFERS = (16, 18)

_DYNAMIC = {
    "DOVI_METADATA": "Dolby Vision",
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "DYNAMIC_HDR_PLUS": "HDR10+",
}
# Each encoder's option for further options, and its names for the two kinds of light.
_NAMES = {
    "h264": ("x264-params", "mastering-display", "cll"),
    "hevc": ("x265-params", "master-display", "max-cll"),
    "av1": ("svtav1-params", "mastering-display", "content-light"),
}


@dataclass(frozen=True, slots=True)
class Light:
    """What a film states about its light.

    Attributes:
        display: Of the mastering display: x and y of red, green, blue and white, then minimum and
            maximum luminance in cd/m²; None if not stated.
        levels: The brightest pixel and the brightest frame's mean in cd/m²; None if not stated.
        dynamic: Other per-frame metadata, which encoders here cannot write.
    """

    display: tuple[Fraction, ...] | None = None
    levels: tuple[int, int] | None = None
    dynamic: tuple[str, ...] = ()

    def options(self, codec: str, given: dict[str, str]) -> dict[str, str]:
        """An encoder's options with the film's light added."""
        if codec not in _NAMES or not (self.display or self.levels):
            return given
        option, display, levels = _NAMES[codec]
        parts = [given[option]] if option in given else []
        if self.display:
            parts.append(f"{display}={self._display(exact=codec == 'av1')}")
        if self.levels:
            parts.append(f"{levels}={self.levels[0]},{self.levels[1]}")
        return given | {option: ":".join(parts)}

    def notes(self, codec: str) -> list[str]:
        """What is not kept, one line each."""
        lost = list(self.dynamic)
        if codec not in _NAMES and (self.display or self.levels):
            lost.insert(0, "HDR10 light levels")
        return [f"its {what} data is left out: {codec} is not given it" for what in lost]

    def _display(self, *, exact: bool) -> str:
        """In x265's syntax; H.26x counts in 0.00002 and 0.0001 cd/m², AV1's encoder in ones."""
        assert self.display is not None
        *colors, least, most = self.display

        def pair(place: int, unit: int) -> str:
            return ",".join(_told(v * unit, exact) for v in colors[2 * place : 2 * place + 2])

        unit, light = (1, 1) if exact else (50_000, 10_000)
        red, green, blue, white = (pair(place, unit) for place in range(4))
        ends = f"{_told(most * light, exact)},{_told(least * light, exact)}"
        return f"G({green})B({blue})R({red})WP({white})L({ends})"


def _told(value: Fraction, exact: bool) -> str:
    return f"{float(value):.6f}" if exact else str(round(value))


def light_of(frame: av.VideoFrame) -> Light | None:
    """What a frame states about the film's light, or None."""
    side: Any = frame.side_data
    data = {item.type.name: bytes(item) for item in side}
    display = levels = None
    if len(raw := data.get("MASTERING_DISPLAY_METADATA", b"")) >= 88:
        numbers = struct.unpack_from("=22i", raw)
        if numbers[20] and numbers[21] and all(numbers[1:20:2]):
            pairs = zip(numbers[0:20:2], numbers[1:20:2], strict=True)
            display = tuple(Fraction(a, b) for a, b in pairs)
    if len(raw := data.get("CONTENT_LIGHT_LEVEL", b"")) >= 8:
        levels = struct.unpack_from("=II", raw)
    dynamic = tuple(dict.fromkeys(about for kind, about in _DYNAMIC.items() if kind in data))
    return Light(display, levels, dynamic) if display or levels or dynamic else None
