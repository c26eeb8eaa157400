"""Pictures that the tests of this folder make."""

from __future__ import annotations

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


def full_metadata() -> Metadata:
    return Metadata(icc=ICC, exif=exif(), xmp=XMP, dpi=(300.0, 300.0))
