"""Pictures that the tests of this folder make."""

from __future__ import annotations

import struct

import numpy as np
import PIL.Image
import PIL.ImageCms

from crispen.media.image import (
    Metadata,
)

ICC = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>caption</a></x:xmpmeta>'


def exif(orientation: int = 1) -> bytes:
    tags = PIL.Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "A camera"
    data = tags.tobytes()
    return data if data.startswith(b"Exif") else b"Exif\0\0" + data


def smooth(height: int, width: int, channels: int, dtype: str = "uint8") -> np.ndarray:
    """Gradients, which lossy formats keep well."""
    y, x = np.mgrid[:height, :width]
    top = np.iinfo(dtype).max
    planes = [x / width, y / height, (x + y) / (width + height), (width - x) / width]
    return np.dstack([(p * top).astype(dtype) for p in planes[:channels]])


def srgb(light: np.ndarray) -> np.ndarray:
    """Linear light as sRGB, IEC 61966-2-1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def full_metadata() -> Metadata:
    return Metadata(icc=ICC, exif=exif(), xmp=XMP, dpi=(300.0, 300.0))


def linear_grey_profile() -> bytes:
    """A profile that says that grey levels are light itself (ICC.1:2001-04)."""
    d50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    tags = {
        b"desc": b"desc" + struct.pack(">4xI", 5) + b"grey\0" + bytes(79),
        b"cprt": b"text" + bytes(4) + b"none",
        b"wtpt": b"XYZ " + bytes(4) + d50,
        b"kTRC": b"curv" + struct.pack(">4xIHxx", 1, 256),
    }
    table, content = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += name + struct.pack(">2I", 132 + 12 * len(tags) + len(content), len(tag))
        content += tag
    size = 128 + len(table) + len(content)
    head = struct.pack(">I4xI4s4s4s12x4s28x", size, 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp")
    return (head + d50).ljust(128, b"\0") + table + content
