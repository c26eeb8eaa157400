"""The three lines of Python: a picture or a video in, a better one out.

The keywords are the fields of `crispen.enhance.request.Request`, and what it runs on.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crispen.enhance.model import Model
    from crispen.enhance.video.making import VideoReport
    from crispen.media.image import Image
    from crispen.progress import Progress


def enhance(
    source: Any,
    scale: float | None = None,
    *,
    tasks: str | Sequence[str] | None = None,
    strength: float | None = None,
    model: str | Path | Model | Sequence[str | Path | Model] | None = None,
    size: tuple[int, int] | None = None,
    width: int | None = None,
    height: int | None = None,
    fit: bool = False,
    denoise: float | None = None,
    dejpeg: float | None = None,
    deblur: float | None = None,
    vivid: float | None = None,
    as_is: bool = False,
    device: str = "auto",
    threads: int | None = None,
    memory_bytes: int | None = None,
    tile_px: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """The picture, larger, cleaner, sharper.

    For many pictures ``model = crispen.load("photo-x2")`` and ``model(picture)`` is faster, since
    the engine is opened once.

    Args:
        source: A path, an address such as ``s3://bucket/a.jpg``, bytes, a PIL image, a
            `crispen.Image`, or an array ``(height, width[, channels])`` of ``uint8``, ``uint16``
            or floats in [0, 1], RGB. Of animations other than GIF and WebP, and of a TIFF with
            pages, the first picture is read.
        scale: Times as long each side becomes; 2, or what the tasks or the named models give,
            unless given.
        tasks: What to do, as ``crispen enhance --help`` lists it: ``denoise``, ``upscale``
            …; only ``upscale`` unless given.
        strength: How much of what is not enlargement is done, 0 to 1; all of it unless given.
        model: Names, paths or models, applied in order; the tasks' usual ones unless given.
        size: Exact ``(width, height)`` instead of a scale.
        width: Width alone; the height keeps the aspect ratio.
        height: Height alone; the width keeps the aspect ratio.
        fit: Keep the aspect ratio inside `size`.
        denoise: How much noise to remove, 0 to 1; as much as the picture has unless given.
        dejpeg: How much damage by compression to repair, 0 to 1; likewise.
        deblur: How much blur to undo, 0 to 1; likewise.
        vivid: How much detail to invent, 0 to 1; none unless given.
        as_is: Only enlarge, whatever is wrong with the picture.
        device: ``auto``, ``cpu``, ``cuda``, …
        threads: Most CPU threads.
        memory_bytes: Budget for tiles, 1 GiB unless given.
        tile_px: Side of square tiles instead.
        progress: Receives progress events; can cancel.

    Returns:
        An `Image`: `pixels` is ``(height, width, channels)`` in the source's depth (floats come
            back as ``uint8``); `save` writes.

    Raises:
        CrispenError: What is wrong, in one line.

    >>> import numpy as np, crispen
    >>> crispen.enhance(np.zeros((8, 12), np.uint8), scale=2).pixels.shape
    (16, 24, 1)
    """
    from crispen.enhance.enhancer import Enhancer
    from crispen.enhance.request import ask
    from crispen.stores.address import is_address

    request, at_hand = ask(
        model,
        size=size,
        tasks=tasks,
        scale=scale,
        width=width,
        height=height,
        fit=fit,
        strength=strength,
        denoise=denoise,
        dejpeg=dejpeg,
        deblur=deblur,
        as_is=as_is,
    )
    with Enhancer(
        request=request,
        at_hand=at_hand,
        device=device,
        threads=threads,
        memory_bytes=memory_bytes,
        tile_px=tile_px,
    ) as enhancer:
        if is_address(source):
            from crispen.enhance.stored.single import fetched

            with fetched(source, progress) as path:
                return enhancer.enhance(path, progress=progress)
        return enhancer.enhance(source, progress=progress)


def enhance_video(
    source: str | Path,
    target: str | Path,
    scale: float | None = None,
    *,
    tasks: str | Sequence[str] | None = None,
    strength: float | None = None,
    model: str | Path | Model | Sequence[str | Path | Model] | None = None,
    size: tuple[int | None, int | None] | None = None,
    width: int | None = None,
    height: int | None = None,
    fit: bool = False,
    quality: int | None = None,
    codec: str | None = None,
    crf: float | None = None,
    preset: str | None = None,
    pix_fmt: str | None = None,
    streams: str | None = None,
    audio: str | None = None,
    subtitles: str | None = None,
    deinterlace: str | None = None,
    start: float | Fraction | str | None = None,
    end: float | Fraction | str | None = None,
    duration: float | Fraction | str | None = None,
    fps: float | Fraction | str | None = None,
    crop: str | None = None,
    grain: float | None = None,
    realtime: bool = False,
    strip_metadata: bool = False,
    device: str = "auto",
    threads: int | None = None,
    memory_bytes: int | None = None,
    overwrite: bool = False,
    resume: bool = True,
    segment_s: float = 10,
    progress: Progress | None = None,
) -> VideoReport:
    """A larger, sharper video: every frame with its own time stamp, all else as it was.

    Depth, subsampling, range and colour tags are kept where the codec can; sound, subtitles,
    chapters, rotation, pixel aspect and metadata are kept. Sound and subtitles that the target
    cannot hold are converted, what cannot be converted is left out, and the report says so.
    Matroska and WebM count time in milliseconds, so finer time stamps are rounded there. A cut or
    damaged source is enhanced as far as it decodes, and the report says so.

    Args:
        source: A video file, or an animated GIF, WebP, PNG or AVIF; or the address of one, such as
            ``s3://bucket/clip.mp4``.
        target: MP4, M4V, MOV, MKV or WebM, by its name; or the animated picture that ``.gif``,
            ``.webp``, ``.apng`` or ``.avif`` names; a file or an address.
        scale: Times as long each side becomes; 2, or what the tasks or the named models give,
            unless a size is given.
        size: Width and height as shown, one of which may be None.
        width: Width alone; the height keeps the aspect ratio.
        height: Height alone; the width keeps the aspect ratio.
        fit: Make the size a box to fit into.
        quality: 1 to 100, higher is better; `crf` says the same in the codec's own numbers. Of
            animated pictures it is the format's own.
        tasks: What to do, as ``crispen enhance --help`` lists it: ``denoise``, ``upscale``
            …; only ``upscale`` unless given.
        strength: How much of what is not enlargement is done, 0 to 1; all of it unless given.
        model: Name or path of a model, or several in a row; the tasks' usual ones unless given,
            for enlargement ``photo-fast``.
        codec: ``h264`` (default; ``vp9`` in WebM), ``hevc``, ``vp9``, ``av1``, ``ffv1`` or
            ``prores``; or an encoder of a graphics card that is there, such as ``hevc_nvenc``.
        crf: Quality, lower is better; 18 for H.264.
        preset: Speed of the encoder; ``superfast`` for H.264.
        pix_fmt: Pixel format as FFmpeg calls it, such as ``yuv420p10le``; the codec's that loses
            least unless given.
        streams: Which streams go over with the picture: ``all``, ``video``, or a list of numbers,
            kinds and kinds with a language, such as ``"0,2"`` or ``"audio:eng,subtitle"``.
        audio: ``copy`` refuses what the target cannot hold, ``convert`` converts in any case,
            ``none`` leaves sound out; copied, and converted where it must be, unless given.
        subtitles: Likewise.
        deinterlace: ``off`` leaves the fields of interlaced and telecined clips as they are,
            ``double`` makes a frame of every field; unless given, interlaced ones get a frame of
            every two, and telecined ones their film's own.
        start: Where to begin, in seconds or as ``[HH:]MM:SS[.fff]``. The first frame at or after it
            is at 0 in the result, and all else is cut and moved with it.
        end: Where to end, likewise from the clip's beginning; a frame at that time is left out.
        duration: How long after `start` to end, in place of `end`.
        fps: Frames per second, also as ``30000/1001``: frames are repeated or left out, by the
            nearest time, and none is computed twice; each frame keeps its own time unless given.
        crop: The rectangle to keep, ``"WIDTH:HEIGHT:LEFT:TOP"`` or
            ``"WIDTHxHEIGHT+LEFT+TOP"`` in the source's pixels as shown; even where its colour is
            stored for every two.
        grain: Film grain to put back, 0 to 1, as a share of what the networks removed; 0 unless
            given.
        realtime: Enhance about as fast as the clip plays: by the smallest network, unless `model`
            is given, and with a quicker encoder, whose files are larger.
        device: As for `crispen.load`.
        threads: Most CPU threads of the network and of the encoder.
        memory_bytes: Budget of the network's windows.
        overwrite: Replace `target` if it exists.
        resume: Keep finished segments of an interrupted run, and continue from them.
        strip_metadata: Leave titles, dates and places out; languages and chapters stay.
        segment_s: Seconds between two points from which work can continue.
        progress: Receives progress events; can cancel.

    Raises:
        UsageError: An option does not fit.
        InputError: The source cannot be read, or what is to be copied does not fit the target.
        OutputError: The target cannot be written.
        Cancelled: It was cancelled.
    """
    from crispen.enhance.request import ask
    from crispen.enhance.video.making import make_video
    from crispen.media.picture.byte_source import refuse_address
    from crispen.stores.address import is_address

    request, at_hand = ask(
        model,
        size=size,
        tasks=tasks,
        scale=scale,
        width=width,
        height=height,
        fit=fit,
        strength=strength,
        quality=quality,
        codec=codec,
        crf=crf,
        preset=preset,
        pix_fmt=pix_fmt,
        streams=streams,
        audio=audio,
        subtitles=subtitles,
        deinterlace=deinterlace,
        start=start,
        end=end,
        duration=duration,
        fps=fps,
        crop=crop,
        grain=grain,
        realtime=realtime,
        strip_metadata=strip_metadata,
    )

    def make(source: Path, target: Path) -> VideoReport:
        return make_video(
            source,
            target,
            request,
            at_hand,
            device=device,
            threads=threads,
            memory_bytes=memory_bytes,
            overwrite=overwrite,
            resume=resume,
            segment_s=segment_s,
            progress=progress,
        )

    if is_address(source) or is_address(target):
        from crispen.enhance.stored.single import between_stores

        settings = request.model_dump(mode="json")
        return between_stores(
            source, target, make, overwrite=overwrite, settings=settings, progress=progress
        )
    refuse_address(str(source))
    return make(Path(source), Path(target))
