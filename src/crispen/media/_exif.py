"""EXIF and XMP, as far as turning a picture upright changes them."""

from __future__ import annotations

import re
import struct

_ORIENTATION = 0x0112
_PREFIX = b"Exif\0\0"
# As an attribute or as an element.
_XMP_ORIENTATION = re.compile(rb"""(<tiff:Orientation>\s*|\btiff:Orientation\s*=\s*["'])[2-8]\b""")


def upright(exif: bytes) -> bytes:
    """`exif` with its orientation set to 1 ("as stored"); everything else stays byte for byte.

    Damaged EXIF is returned as it came: it never stops a picture from being read.
    """
    start = len(_PREFIX) if exif.startswith(_PREFIX) else 0
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    if order is None or len(exif) < start + 8:
        return exif
    patched = bytearray(exif)
    directory = start + struct.unpack_from(f"{order}I", exif, start + 4)[0]
    if directory + 2 > len(exif):
        return exif
    (count,) = struct.unpack_from(f"{order}H", exif, directory)
    for entry in range(directory + 2, min(directory + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, values = struct.unpack_from(f"{order}HHI", exif, entry)
        if tag == _ORIENTATION and kind == 3 and values == 1:
            struct.pack_into(f"{order}H", patched, entry + 8, 1)
    return bytes(patched)


def upright_xmp(xmp: bytes) -> bytes:
    """`xmp` with its orientation set to 1; everything else stays byte for byte.

    >>> upright_xmp(b'<rdf:Description tiff:Orientation="6"/>')
    b'<rdf:Description tiff:Orientation="1"/>'
    """
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
