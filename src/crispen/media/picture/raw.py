"""Camera raw files, developed by LibRaw (``rawpy``, the extra ``crispen[raw]``)."""

from __future__ import annotations

import io

import numpy as np

from crispen.media.picture import exif_orientation, texts, tiff_tags
from crispen.media.picture.decoded import Decoded, Whole
from crispen.media.picture.header import Metadata
from crispen.media.picture.vips import NotUnderstood

_SRGB_GAMMA = (2.4, 12.92)  # exponent, and slope near black, of IEC 61966-2-1
_ADVICE = "export it as 16-bit TIFF with the camera maker's program"


def open_raw(data: bytes) -> Whole:
    """A raw file, developed as the camera would: its white balance, sRGB, 16 bits.

    Raises:
        NotUnderstood: LibRaw does not know this camera, or the file is damaged.
    """
    import rawpy

    try:
        raw = rawpy.imread(io.BytesIO(data))
        width, height = raw.sizes.width, raw.sizes.height
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        raise NotUnderstood(f"this camera raw file is not read: {_said(error)}", _ADVICE) from None

    def develop() -> Decoded:
        try:
            pixels = raw.postprocess(use_camera_wb=True, output_bps=16, gamma=_SRGB_GAMMA)
        except rawpy.LibRawError as error:
            raise ValueError(_said(error)) from None
        exif = _exif_of_preview(raw) or tiff_tags.as_exif(io.BytesIO(data))
        return Decoded(
            np.asarray(pixels, np.uint16),
            Metadata(exif=exif_orientation.upright(exif) if exif else None),
            ("developed from camera raw, with the camera's white balance",),
        )

    return Whole(width, height, develop)


def _exif_of_preview(raw: object) -> bytes | None:
    """The EXIF that cameras put into the JPEG preview of the raw data."""
    import rawpy

    try:
        preview = raw.extract_thumb()  # type: ignore[attr-defined]
    except (rawpy.LibRawError, rawpy.NotSupportedError):
        return None
    if preview.format != rawpy.ThumbFormat.JPEG:
        return None
    segments = texts.jpeg_segments(io.BytesIO(bytes(preview.data)))
    return next((c for marker, c in segments if marker == 0xE1 and c[:4] == b"Exif"), None)


def _said(error: Exception) -> str:
    """LibRaw's message without Python's quotes around it."""
    text = str(error.args[0] if error.args else error)
    return text[2:-1] if text.startswith("b'") else text
