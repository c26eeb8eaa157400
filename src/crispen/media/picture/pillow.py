"""What Pillow reads and writes: icons, and animated PNG and AVIF."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crispen.media.picture import color_description
from crispen.media.picture.color_description import Stated
from crispen.media.picture.decoded import Decoded, Whole
from crispen.media.picture.header import Header, Metadata, Pixels
from crispen.media.picture.vips import DAMAGED

if TYPE_CHECKING:
    import PIL.Image

# What Pillow and its plug-ins raise for damaged files.
FAILURES = (
    *(OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, RuntimeError),
    *(TypeError, ArithmeticError, struct.error, zlib.error),
)
_AT_ONCE = threading.Lock()
_USUAL_DELAY_MS = 100


def open_icon(data: bytes) -> Whole:
    """The largest picture of an ICO, or the first of a CUR."""
    with _opened(data, ("ICO", "CUR")) as picture:
        width, height = picture.size

    def decode() -> Decoded:
        with _opened(data, ("ICO", "CUR")) as picture:
            return Decoded(_array(picture, "RGBA"))

    return Whole(width, height, decode)


def open_animation(data: bytes, kind: str) -> Whole:
    """An animated PNG or AVIF, with frames as a viewer shows them, in 8 bits.

    Args:
        data: The file.
        kind: ``png`` or ``avif``.
    """
    with _opened(data, (kind.upper(),)) as picture:
        width, height = picture.size
        first = int(bool(getattr(picture, "default_image", False)))
        frames = int(getattr(picture, "n_frames", 1)) - first

    def decode() -> Decoded:
        with _opened(data, (kind.upper(),)) as picture:
            alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
            parts: list[NDArray[np.uint8]] = []
            delays: list[int] = []
            for i in range(first, first + frames):
                picture.seek(i)
                parts.append(_array(picture, "RGBA" if alpha else "RGB"))
                delays.append(round(picture.info.get("duration", _USUAL_DELAY_MS)))
            stated = color_description.in_png if kind == "png" else color_description.in_avif
            pixels: NDArray[np.uint8] = np.concatenate(parts)
            info: Any = picture.info
            return Decoded(pixels, _metadata(info, stated(io.BytesIO(data)), tuple(delays)))

    return Whole(width, height, decode, frames)


def encode_animation(pixels: Pixels, header: Header, kind: str, quality: int) -> bytes:
    """An animated PNG or AVIF.

    Args:
        pixels: ``(frames * height, width, channels)``, 8 bits.
        header: The picture's.
        kind: ``png`` or ``avif``.
        quality: 1 to 100; 100 is lossless.
    """
    import PIL.Image

    meta = header.metadata
    squeeze = pixels.shape[2] == 1
    frames = [
        PIL.Image.fromarray(part[..., 0] if squeeze else part)
        for part in np.split(pixels, header.frames)
    ]
    delays = (*meta.delays_ms, *([_USUAL_DELAY_MS] * header.frames))[: header.frames]
    more: dict[str, Any] = {"icc_profile": meta.icc} if meta.icc else {}
    if meta.exif:
        more["exif"] = meta.exif
    if kind == "avif":
        more |= {"quality": quality, "speed": 6, "subsampling": "4:4:4"}
        more |= {"xmp": meta.xmp} if meta.xmp else {}
    else:
        from PIL.PngImagePlugin import PngInfo

        more["loop"] = meta.loop
        if meta.xmp:
            more["pnginfo"] = info = PngInfo()
            info.add_itxt("XML:com.adobe.xmp", meta.xmp.decode("utf-8", "replace"))
        if meta.dpi:
            more["dpi"] = meta.dpi
    out = io.BytesIO()
    frames[0].save(
        out, kind, save_all=True, append_images=frames[1:], duration=list(delays), **more
    )
    return out.getvalue()


def _metadata(info: dict[str, Any], stated: Stated | None, delays: tuple[int, ...]) -> Metadata:
    icc, exif, xmp = info.get("icc_profile"), info.get("exif"), info.get("xmp")
    if exif and not exif.startswith(b"Exif"):
        exif = b"Exif\0\0" + exif
    cicp = None
    if stated is not None and (icc is None or stated.before_icc):
        icc, cicp = stated.profile(grey=False), stated.cicp
    dpi = info.get("dpi")
    return Metadata(
        icc=icc,
        exif=exif,  # with its orientation, since Pillow rotates nothing
        xmp=xmp,
        dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
        delays_ms=delays,
        loop=int(info.get("loop", 0)),
        cicp=cicp,
    )


def _array(picture: PIL.Image.Image, mode: str) -> NDArray[np.uint8]:
    return np.array(picture.convert(mode), np.uint8)


@contextmanager
def _opened(data: bytes, formats: tuple[str, ...]) -> Iterator[PIL.Image.Image]:
    """The picture opened by Pillow, without Pillow's size limit: ours was checked.

    Raises:
        ValueError: It is damaged.
    """
    import PIL.Image

    with _AT_ONCE, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
        try:
            with PIL.Image.open(io.BytesIO(data), formats=formats) as picture:
                yield picture
        except FAILURES:
            raise ValueError(DAMAGED) from None
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = limit
