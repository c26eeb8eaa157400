"""JPEG details that libvips leaves open: explanations of its errors, and segments."""

from __future__ import annotations

import re
import struct

from crispen.media.picture.vips import DAMAGED, ENDS_EARLY

_START, _END = b"\xff\xd8", b"\xff\xd9"
NO_END = "its end marker is missing"
_MARKER = re.compile(rb"\xff[\xc0-\xfe]")
_TAIL_BYTES = 1 << 20  # some cameras append this much after the end
_DEPTH = re.compile(r"Unsupported JPEG data precision (\d+)")


def explain(said: str) -> tuple[str, str]:
    """What is wrong with the file, and what helps if a fresh copy would not.

    Args:
        said: One of libjpeg's hundred messages; those not listed here mean damage.

    >>> explain("Corrupt JPEG data: 52 extraneous bytes before marker 0xd9")
    ('the data in it is damaged (52 extraneous bytes before marker 0xd9)', '')
    >>> explain("Unsupported JPEG data precision 12")[0]
    'it stores 12 bits a channel, and only 8 are read'
    """
    depth = _DEPTH.search(said)
    if depth is not None:
        why = f"it stores {depth[1]} bits a channel, and only 8 are read"
        return why, "save it as 16-bit TIFF or PNG with the program that made it"
    if "Unsupported JPEG process" in said or "arithmetic coding" in said:
        return "it is a rare kind of JPEG", "save it as PNG with the program that made it"
    if "premature end of JPEG" in said:
        return ENDS_EARLY, ""
    return f"{DAMAGED} ({said.removeprefix('Corrupt JPEG data: ')})", ""


def tidy(data: bytes) -> tuple[bytes, list[str]]:
    """`data` without harmless violations of the standard, and a list of those removed.

    Source: ITU-T T.81, annex B; JFIF 1.02.
    """
    if data[:2] != _START:
        return data, []
    parts, found = [_START], dict[str, None]()
    at, sequential = 2, True
    while at + 4 <= len(data):
        if data[at] != 0xFF or data[at + 1] in (0x00, 0x01):
            following = _MARKER.search(data, at)
            if following is None:
                break
            found["bytes that belong to nothing"] = None
            at = following.start()
            continue
        if data[at + 1] == 0xFF:  # a filler
            at += 1
            continue
        marker, size = struct.unpack_from(">BH", data, at + 1)
        segment = bytearray(data[at : at + 2 + size])
        if size < 2 or len(segment) < 2 + size:
            break
        at += len(segment)
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):  # SOF
            sequential = marker in (0xC0, 0xC1)
        if marker == 0xE0 and segment[4:9] == b"JFIF\0" and len(segment) > 9 and segment[9] != 1:
            segment[9] = 1
            found["its JFIF version"] = None
        if marker == 0xDA and sequential and segment[-3:] != b"\0\x3f\0":
            segment[-3:] = b"\0\x3f\0"
            found["the parameters of its scan"] = None
        parts.append(bytes(segment))
        if marker == 0xDA:
            break
    if _END not in data[max(at, len(data) - _TAIL_BYTES) :]:
        parts += [data[at:], _END]
        return b"".join(parts), [*found, NO_END]
    return b"".join([*parts, data[at:]]), list(found)
