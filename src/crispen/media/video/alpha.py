"""Transparency of video frames: its plane, and the decoders that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crispen.media.video.pixel_formats import Planar, plane

if TYPE_CHECKING:
    import av
    from av.video.codeccontext import VideoCodecContext
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

# VP8 and VP9 have alpha as a second stream beside each packet, which FFmpeg's own decoders ignore.
_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_ALPHA_PLANE = 3
_PLANAR = ("yuva", "gbrap")


def alpha_decoder(stream: VideoStream) -> VideoCodecContext | None:
    """A decoder for a stream whose usual one would lose its transparency; None for others."""
    from av.codec import CodecContext, codecs_available

    name = _DECODERS.get(stream.codec_context.name, "")
    told = {key.lower(): value for key, value in stream.metadata.items()}
    if told.get("alpha_mode") != "1" or name not in codecs_available:
        return None
    decoder: Any = CodecContext.create(name, "r")
    decoder.extradata = stream.codec_context.extradata
    decoder.thread_count = 0
    return decoder  # type: ignore[no-any-return]


def alpha_of(frame: av.VideoFrame, shaper: VideoReformatter) -> tuple[NDArray[Any], int]:
    """The alpha of a frame that has one, ``(height, width)``, and its largest level.

    Args:
        frame: In any format with alpha; the result can be a view into it.
        shaper: Converts what is not planar.
    """
    from crispen.media.video.colors import EXACT_COLORS

    bits = max(8, *(c.bits for c in frame.format.components))
    form = Planar("444", bits, alpha=True)
    if frame.format.name in ("ya8", "ya16le"):
        part: Any = frame.planes[0]
        pairs = np.frombuffer(part, form.dtype).reshape(frame.height, -1)
        return pairs[:, 1 : 2 * frame.width : 2], form.peak
    if not frame.format.name.startswith(_PLANAR):
        # swscale only moves samples from packed to planar R'G'B'; to Y'CbCr it is a level off.
        deep = bits > 8
        form = Planar("444", 16 if deep else 8, alpha=True)
        name = "gbrap16le" if deep else "gbrap"
        frame = shaper.reformat(frame, format=name, interpolation=EXACT_COLORS, threads=1)
    return plane(frame, _ALPHA_PLANE, form.dtype), form.peak


def change_alpha(levels: NDArray[Any], peak: int, target: int) -> NDArray[Any]:
    """Alpha with another largest level, `target`; 0 stays 0, and the largest the largest.

    >>> change_alpha(np.array([0, 128, 255], np.uint8), 255, 1023)
    array([   0,  514, 1023], dtype=uint16)
    """
    kind = np.uint8 if target < 256 else np.uint16
    if peak == target:
        return levels.astype(kind, copy=False)
    return ((levels.astype(np.uint32) * target + peak // 2) // peak).astype(kind)
