"""Previews of sources and results, and measurement of results.

These run in the server's helper process, never in the server itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crispen.errors import UsageError
from crispen.media.video.span import Span

if TYPE_CHECKING:
    import av

    from crispen.media.video.box import Box
    from crispen.media.video.header import VideoHeader

_MAX_PIXELS = 64_000_000
_MAX_SIDE_PX = 16_000
_VIDEO_SIDE_PX = 1920


def preview_picture(source: Path, target: Path, max_pixels: int) -> None:
    """Any picture as an 8-bit PNG that browsers show, smaller if it is too large for them.

    Raises:
        InputError: It cannot be read.
        OutputError: The preview cannot be written.
    """
    from crispen.media.image import Image, read_image, write_image
    from crispen.media.picture.header import to_8bit

    image = read_image(source, max_pixels=max_pixels)
    frame = to_8bit(image.frame(0))
    height, width = frame.shape[:2]
    step = max(
        1,
        -(-max(height, width) // _MAX_SIDE_PX),
        int(np.ceil((height * width / _MAX_PIXELS) ** 0.5)),
    )
    shown = Image(_shrunk(frame, step), metadata=image.metadata)
    write_image(shown, target, format="png", overwrite=True)


def _shrunk(pixels: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Means of squares of `step` pixels, since every n-th pixel would show grain and moiré.

    A long, thin picture keeps its short side; an incomplete square at the end is left out.
    """
    if step == 1:
        return pixels
    down, across = (min(step, side) for side in pixels.shape[:2])
    rows, columns = pixels.shape[0] // down, pixels.shape[1] // across
    out = np.empty((rows, columns, pixels.shape[2]), np.uint8)
    for y in range(rows):
        band = pixels[y * down : (y + 1) * down, : columns * across]
        squares = band.reshape(down, columns, across, -1)
        out[y] = np.rint(squares.mean((0, 2), dtype=np.float32))
    return out


def preview_video(
    source: Path, target: Path, span: Span | None = None, box: Box | None = None
) -> None:
    """Any video or animated picture as H.264 in MP4 that browsers play: mute, 1920 pixels at most.

    Frames keep their time stamps, so that two previews play in step.

    Args:
        source: The video or animated picture.
        target: The file to write.
        span: The part of it that is shown, from zero on; all of it unless given.
        box: The rectangle of it that is shown; all of it unless given.

    Raises:
        InputError: It cannot be read.
        OutputError: The preview cannot be written.
    """
    from crispen.media.video.animation import as_video

    with as_video(source) as clip:
        _preview(clip, target, span or Span(), box)


def _preview(source: Path, target: Path, span: Span, box: Box | None) -> None:
    import av

    from crispen.media.video.container import probe, writing
    from crispen.media.video.crop import cropped

    header = probe(source)
    stored = None if box is None else box.stored(header)
    sides = (stored.width, stored.height) if stored else (header.width, header.height)
    shrink = min(1.0, _VIDEO_SIDE_PX / max(sides))
    width, height = (max(2, int(side * shrink) // 2 * 2) for side in sides)
    draft = target.with_name(f"{target.name}.part")
    try:
        options = {"movflags": "+faststart", "video_track_timescale": "90000"}
        with (
            writing(draft, target),
            av.open(str(draft), "w", "mp4", container_options=options) as out,
        ):
            stream: Any = out.add_stream(
                "libx264", rate=header.rate or 25, options={"preset": "veryfast", "crf": "20"}
            )
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.time_base = stream.codec_context.time_base = header.time_base
            stream.codec_context.thread_count = 1
            if header.display_matrix is not None:
                stream.set_display_matrix(header.display_matrix)
            part = frames_of_part(source, header, span)
            for frame in cropped(part, stored, header):
                shown = frame.reformat(width, height, "yuv420p")
                shown.pts, shown.time_base = frame.pts, frame.time_base
                shown.pict_type = av.video.frame.PictureType.NONE
                out.mux(stream.encode(shown))
            out.mux(stream.encode())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def frames_of_part(source: Path, header: VideoHeader, span: Span) -> Iterator[av.VideoFrame]:
    """The frames of a part of a video, the first of them at 0 if it does not begin with the video.

    Args:
        source: The video.
        header: Of it.
        span: The part.
    """
    from crispen.media.video.container import Damage, read_frames

    span = span.moved(header.origin)
    first: int | None = None if span.begin is not None else 0
    for frame in read_frames(source, Damage(), span.begin):
        stamp = frame.pts or 0
        time = stamp * header.time_base
        if span.is_over(time):
            return
        if not span.is_before(time):
            first = stamp if first is None else first
            frame.pts = stamp - first
            yield frame


def frame_times(path: Path) -> list[float]:
    """Seconds at which each frame of a video that browsers show begins, in the order shown.

    Nothing is decoded. Players count in such seconds; stepping from frame to frame needs to
    know them all, since a rate says little about a video with unequal frame durations.

    Raises:
        InputError: It cannot be read.
    """
    from crispen.media.video.container import open_input, reading

    with reading(path), open_input(path) as source:
        packets = source.demux(source.streams.video[0])
        stamps = [p.pts * p.time_base for p in packets if p.pts is not None and not p.is_discard]
    return [float(stamp) for stamp in sorted(stamps)]


@dataclass(frozen=True, slots=True)
class Figures:
    """How close a result comes to a reference; None where it cannot be measured."""

    psnr: float | None
    ssim: float | None
    before_psnr: float | None
    before_ssim: float | None
    equal: bool
    border: int
    width: int
    height: int


def measure(source: Path, result: Path, reference: Path, max_pixels: int) -> Figures:
    """PSNR and SSIM of a result, and of its source enlarged bicubically.

    Raises:
        InputError: The reference cannot be read.
        UsageError: It does not have the result's size.
    """
    from crispen.evaluate.compare import resized
    from crispen.evaluate.metrics import literature_border
    from crispen.media.image import read_image

    target = read_image(reference, max_pixels=max_pixels).as_rgb8()
    after = read_image(result, max_pixels=max_pixels).as_rgb8()
    before = read_image(source, max_pixels=max_pixels).as_rgb8()
    height, width = after.shape[:2]
    border = literature_border(width / before.shape[1])
    # As with the literature's test sets, whose LR covers the top left of an odd-sized HR: less
    # than one of its pixels is left over.
    left_over = target.shape[0] - height, target.shape[1] - width
    if not all(0 <= more < max(1, border) for more in left_over):
        raise UsageError(
            f"the reference is {target.shape[1]}x{target.shape[0]}, the result {width}x{height}; "
            "give a reference of the result's size"
        )
    target = target[:height, :width]
    if before.shape != after.shape:
        before = resized(before, height, width, "bicubic")
    after_psnr, after_ssim = _scores(after, target, border)
    before_psnr, before_ssim = _scores(before, target, border)
    equal = bool(np.array_equal(after, target))
    if equal:
        # The literature rounds the result's luma and not the reference's, which sets equal
        # pictures half a level apart.
        after_psnr, after_ssim = None, None if after_ssim is None else 1.0
    return Figures(
        after_psnr,
        after_ssim,
        before_psnr,
        before_ssim,
        equal,
        border,
        width,
        height,
    )


def _scores(pixels: Any, reference: Any, border: int) -> tuple[float | None, float | None]:
    from crispen.evaluate.metrics import luma255, psnr, round8, ssim

    image, target = round8(luma255(pixels)), luma255(reference)
    inner = min(image.shape) - 2 * border
    if inner < 1:
        return None, None
    decibels = psnr(image, target, border=border)
    similarity = ssim(image, target, border=border) if inner >= 11 else None
    return (decibels if np.isfinite(decibels) else None), similarity
