"""The header of a BMP."""

from __future__ import annotations

import struct

from crispen.media.picture.header import Metadata
from crispen.media.picture.icc import Curve, Primaries, rgb_profile
from crispen.media.picture.vips import ENDS_EARLY

_V4_BYTES, _V5_BYTES = 108, 124
_CALIBRATED, _EMBEDDED = 0, b"DEBM"  # the latter reads MBED, little-endian
_INCHES_PER_METRE = 39.3701


def size(data: bytes) -> tuple[int, int]:
    """Width and height from the header.

    Raises:
        ValueError: The header is cut or of an unknown kind.
    """
    if len(data) < 30:
        raise ValueError(ENDS_EARLY)
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    elif header >= 40:
        width, height = struct.unpack_from("<ii", data, 18)
    else:
        raise ValueError(f"unknown header of {header} bytes")
    if width <= 0 or height == 0:
        raise ValueError(f"impossible size {width}x{height}")
    return width, abs(height)  # negative: stored top to bottom


def metadata(data: bytes) -> Metadata:
    """Resolution and colours, as far as the header states them.

    Source: Microsoft, BITMAPV5HEADER.
    """
    (header,) = struct.unpack_from("<I", data, 14)
    dpi = None
    if header >= 40 and len(data) >= 46:
        per_metre = struct.unpack_from("<ii", data, 38)
        if min(per_metre) > 0:
            dpi = (
                round(per_metre[0] / _INCHES_PER_METRE, 2),
                round(per_metre[1] / _INCHES_PER_METRE, 2),
            )
    return Metadata(icc=_profile(data, header), dpi=dpi)


def _profile(data: bytes, header: int) -> bytes | None:
    if header < _V4_BYTES or len(data) < 14 + header:
        return None
    kind = data[14 + 56 : 14 + 60]
    if kind == _EMBEDDED and header >= _V5_BYTES:
        start, length = struct.unpack_from("<II", data, 14 + 112)
        return data[14 + start : 14 + start + length] or None
    if int.from_bytes(kind, "little") != _CALIBRATED:
        return None
    # Nine numbers of 2.30 bits: X, Y and Z of red, green and blue; then three gammas of 16.16.
    numbers = [n / 2**30 for n in struct.unpack_from("<9i", data, 14 + 60)]
    gammas = [n / 65536 for n in struct.unpack_from("<3I", data, 14 + 96)]
    sums = [sum(numbers[i : i + 3]) for i in (0, 3, 6)]
    if min(sums) <= 0 or not 0.1 < min(gammas) <= max(gammas) < 10 or len(set(gammas)) > 1:
        return None  # most writers leave them empty
    corners = [(numbers[3 * i] / sums[i], numbers[3 * i + 1] / sums[i]) for i in range(3)]
    try:
        return rgb_profile(Primaries(*corners), Curve(gammas[0]), f"RGB, gamma {gammas[0]:.2f}")
    except ValueError:
        return None
