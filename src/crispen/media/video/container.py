"""Videos in and out of files: what a file holds, its frames with their exact time stamps.

PyAV (FFmpeg) does the work. A frame keeps its integer time stamp and the stream's time base;
times are never float seconds or frame counts over a rate. Only containers that hold their own
pictures are opened: a playlist named like a video is refused, since following it would open
other files or hosts.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from crispen.errors import CrispenError, InputError, MissingInput, OutputError
from crispen.media.picture.byte_source import refuse_address
from crispen.media.signatures import is_motion_jpeg
from crispen.media.video.alpha import alpha_decoder
from crispen.media.video.completeness import ends_early
from crispen.media.video.continuity import demuxed, origin_of
from crispen.media.video.hdr import light_of
from crispen.media.video.header import COVER, Color, StreamInfo, VideoHeader, display_matrix_of
from crispen.media.video.margins import trimmed
from crispen.media.video.pixel_formats import (
    FULL_RANGE,
    centred_chroma,
    source_format,
    top_left_chroma,
)
from crispen.media.video.seeking import seek_before
from crispen.media.video_formats import VIDEOS

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

# The only demuxers that FFmpeg may use.
_DEMUXERS = ",".join(dict.fromkeys(f.demuxer for f in VIDEOS.values()))
# Video streams without a container, which have no times.
_BARE = ("h264", "hevc")
# Streams in these codecs are as often an extra picture as the film itself.
_STILLS = ("mjpeg", "png", "bmp", "gif", "webp", "tiff")


@dataclass(slots=True)
class Damage:
    """What could not be read of a video stream, counted while it is read.

    Attributes:
        packets: Packets that could not be decoded.
        frames: Frames decoded with errors.
        cut: The file ends early.
        reasons: What FFmpeg said.
    """

    packets: int = 0
    frames: int = 0
    cut: bool = False
    reasons: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.packets or self.frames or self.cut)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Translates FFmpeg's errors into ours while `path` is read."""
    import av

    try:
        yield
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: no such file; check the path") from error
    except PermissionError as error:
        raise InputError(f"{path}: no permission to read it; change its rights") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: a folder, not a video; name a file in it") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: its titles are not valid text; remove them") from error
    except av.error.EOFError as error:
        raise InputError(f"{path}: no frame of it can be decoded; fetch it again") from error
    except av.FFmpegError as error:
        raise InputError(
            f"{path}: not a video that can be read ({error.strerror}); "
            "it may be cut or damaged, fetch it again"
        ) from error


@contextlib.contextmanager
def writing(path: Path, target: Path | None = None) -> Iterator[None]:
    """Translates FFmpeg's and system errors into ours while `path` is written for `target`."""
    import av

    shown = target or path
    try:
        yield
    except CrispenError:
        raise
    except (av.FFmpegError, OSError) as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                f"{shown}: the disk is full; free space or choose another folder"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OutputError(
                f"{shown}: no permission to write there; choose another folder with -o"
            ) from error
        raise OutputError(f"{shown}: cannot be written ({reason(error)})") from error
    except ValueError as error:
        raise OutputError(f"{shown}: cannot be written ({error})") from error


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Lets `reason` find FFmpeg's own messages in errors raised inside."""
    import av

    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=False):  # decoders have threads of their own
            yield
    finally:
        av.logging.set_level(before)


def reason(error: Exception) -> str:
    """Why FFmpeg failed, in its own words if it had any; see `explained`."""
    said = getattr(error, "log", None)
    line: str = said[2].strip().rstrip(".") if said else ""
    return line or getattr(error, "strerror", None) or str(error)


def local(path: Path) -> str:
    """The path in a form safe for FFmpeg, which treats ``a:b.mp4`` as a URL."""
    return os.path.abspath(path)


def open_input(path: Path) -> InputContainer:
    """The container; use it in a ``with`` block inside `reading`."""
    import av

    return av.open(
        local(path),
        "r",
        format="mjpeg" if is_motion_jpeg(path) else None,
        container_options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"},
        metadata_errors="replace",
    )


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The main video stream: the first one that is neither a cover nor a still.

    Raises:
        InputError: There is none, or none that can be decoded.
    """
    from av.stream import Disposition

    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    # If all are stills, the first is as good as any.
    for stream in sorted(pictures, key=_is_still):
        if stream.codec_context is None:
            raise InputError(f"{path}: no decoder for its picture; convert it to H.264 first")
        return stream
    if container.streams.audio:
        raise InputError(f"{path}: sound without a picture; there is nothing to enhance")
    raise InputError(f"{path}: no picture in it; there is nothing to enhance")


def _is_still(stream: VideoStream) -> bool:
    about = stream.codec_context
    return stream.frames == 1 or (about is not None and about.name in _STILLS)


def _rate(stream: VideoStream) -> Fraction | None:
    """Average frames per second; for DV, FFmpeg reports the time unit instead."""
    rates = [stream.average_rate, stream.guessed_rate]
    if stream.container.format.name in _BARE:  # FFmpeg assumes 25; the stream may state its own
        rates.insert(0, stream.codec_context.framerate)
    return next((r for r in rates if r and r * (stream.time_base or 0) < 1), None)


def _length(container: InputContainer, stream: VideoStream, origin: Fraction) -> Fraction | None:
    """The second at which the picture ends, if the file says so."""
    if stream.duration and stream.time_base:
        return ((stream.start_time or 0) + stream.duration) * stream.time_base - origin
    if container.duration:
        end = (container.start_time or 0) + container.duration
        return Fraction(end, 1_000_000) - origin
    return None


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: a folder, not a video; name a file in it")
    if not path.exists():
        refuse_address(str(path))
        raise MissingInput(f"{path}: no such file; check the path")
    if not path.is_file():
        raise InputError(f"{path}: a pipe or device; a video must be a file, so save it first")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; fetch it again")


def probe(path: str | Path) -> VideoHeader:
    """What a video file holds; decodes its first frame.

    Raises:
        MissingInput: No such file.
        InputError: Not a video, no picture in it, or no frame that can be decoded.
    """
    from av.stream import Disposition

    path = Path(path)
    _check_file(path)
    with reading(path), open_input(path) as container:
        stream = picture_stream(container, path)
        time_base = stream.time_base or Fraction(1, 1000)
        rate = _rate(stream)
        frames = stream.frames
        if not frames and rate:
            if stream.duration:
                frames = round(stream.duration * time_base * rate)
            elif container.duration:
                frames = round(Fraction(container.duration, 1_000_000) * rate)
        streams = tuple(
            StreamInfo(
                s.index,
                COVER if s.type == "video" and s.disposition & Disposition.attached_pic else s.type,
                s.codec_context.name if s.codec_context is not None else "",
                "" if s.language in (None, "und") else str(s.language),
            )
            for s in container.streams
        )
        pixel_aspect = stream.sample_aspect_ratio
        codec = stream.codec_context.name
        chapters = len(container.chapters())
        origin = origin_of(container)
        kind = container.format.name
        first = next(_decoded(container, stream, Damage()), None)
        if first is None:
            raise InputError(f"{path}: no frame of it can be decoded; fetch it again")
        fmt = source_format(first.format)
        if fmt.alpha:
            # The container's own facts, which a decoder for alpha may not be given.
            first = next(_again(path), first)
        # Files hold no frame before zero, or players do not show it.
        origin = min(origin, (first.pts or 0) * (first.time_base or time_base))
        full = first.color_range or (FULL_RANGE if "yuvj" in fmt.name else 0)
        matrix = display_matrix_of(first)
        return VideoHeader(
            width=first.width,
            height=first.height,
            codec=codec,
            container=kind,
            stream=stream.index,
            format=fmt,
            color=Color(first.colorspace, first.color_primaries, first.color_trc, full),
            rate=rate or None,
            time_base=first.time_base or time_base,
            start=first.pts or 0,
            frames=frames,
            rotation=first.rotation,
            display_matrix=matrix,
            pixel_aspect=pixel_aspect or None,
            interlaced=first.interlaced_frame,
            centred=centred_chroma(first),
            top_left=fmt.planar.chroma == "420" and not fmt.rgb and top_left_chroma(first),
            streams=streams,
            chapters=chapters,
            origin=origin,
            length=_length(container, stream, origin),
            light=light_of(first),
        )


def _again(path: Path) -> Iterator[av.VideoFrame]:
    """The frames of a file by FFmpeg's usual decoder."""
    with open_input(path) as container:
        stream = picture_stream(container, path)
        yield from trimmed(container.decode(stream), container, stream)


def read_frames(
    path: Path, damage: Damage, begin: Fraction | None = None
) -> Iterator[av.VideoFrame]:
    """All decodable frames of a video, in display order.

    What cannot be decoded is counted in `damage`; it never ends the stream before the file does.

    Args:
        path: The file.
        damage: Counts what cannot be decoded.
        begin: Frames before this second are not needed; if the file can be read from the middle,
            those that later frames do not depend on are skipped.

    Raises:
        InputError: The file cannot be opened.
    """
    if begin is not None:
        entered = _entered(path, damage, begin)
        first = next(entered, None)
        if first is not None:
            yield first
            yield from entered
            return
    with reading(path), open_input(path) as container:
        stream = picture_stream(container, path)
        stream.thread_type = "AUTO"
        damage.cut = ends_early(path)
        yield from _decoded(container, stream, damage)


def _entered(path: Path, damage: Damage, begin: Fraction) -> Iterator[av.VideoFrame]:
    """The frames from a key frame before `begin` on; none if that is impossible."""
    with reading(path), open_input(path) as container:
        stream = picture_stream(container, path)
        stream.thread_type = "AUTO"
        base = stream.time_base or Fraction(1, 1000)
        if not seek_before(container, stream, begin):
            return
        frames = _decoded(container, stream, damage)
        # The first frames may depend on others before the key frame.
        first = next((f for f in frames if f.key_frame and not f.is_corrupt), None)
        damage.packets = damage.frames = 0
        damage.reasons.clear()
        if first is None or first.pts is None or first.pts * base > begin:
            return
        damage.cut = ends_early(path)
        yield first
        yield from frames


def _decoded(
    container: InputContainer, stream: VideoStream, damage: Damage
) -> Iterator[av.VideoFrame]:
    return trimmed(_whole(container, stream, damage), container, stream)


def _whole(
    container: InputContainer, stream: VideoStream, damage: Damage
) -> Iterator[av.VideoFrame]:
    import av

    packets = demuxed(container, stream)
    decoder = alpha_decoder(stream) or stream.codec_context
    # AVI stores no presentation times, and FFmpeg guesses as if no frame came out of order.
    bare = container.format.name in _BARE
    untimed = bare or container.format.name == "avi"
    step = round(1 / (_rate(stream) or 25) / (stream.time_base or 1)) if bare else 1
    due = 0
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            damage.cut = True
            damage.reasons.append(str(error.strerror))
            packet = None
        if packet is not None and not packet.size and packet.dts is not None:
            continue  # Theora's for a picture that stays
        if packet is not None and packet.is_corrupt:
            damage.packets += 1
        try:
            frames = decoder.decode(packet)
        except av.error.EOFError:
            return
        except av.FFmpegError as error:
            if packet is None:
                return
            damage.packets += 1
            damage.reasons.append(str(error.strerror))
            continue
        for frame in frames:
            damage.frames += frame.is_corrupt
            if untimed:
                frame.pts = due if bare or frame.dts is None else frame.dts
                due = frame.pts + step
            yield frame
        if packet is None or (packet.size == 0 and packet.dts is None):
            return
