"""Converts animated pictures to videos and back.

An animated picture is unrolled losslessly into a clip, which is then a video like any other. In
the other direction, finished segments are decoded into the picture writer.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crispen.errors import UsageError
from crispen.media import signatures
from crispen.media.picture.header import (
    MAX_PIXELS,
    Header,
    Metadata,
    flatten_on_white,
    to_8bit,
)
from crispen.media.video.container import local, reading, writing
from crispen.media.video.encoded import EncodedTimes
from crispen.media.video.hdr import TRANSFERS
from crispen.media.video.header import Color, VideoHeader
from crispen.media.video.pixel_formats import packed

if TYPE_CHECKING:
    import av

    from crispen.media.formats import PictureFormat

# Old files say 0 for frames that players show for this long.
_USUAL_MS = 100
# GIF counts in hundredths of a second, and one is too short for players.
_GIF_TICK_MS = 10
GIF_MOST_FPS = 50


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its first bytes."""
    if not path.is_file():
        return False
    with reading(path), path.open("rb") as file:
        if signatures.is_motion_jpeg(path):
            return False
        return signatures.sniff(file.read(signatures.HEAD_BYTES)) is not None


def unroll(source: Path, clip: Path, check: Callable[[], None]) -> tuple[str, ...]:
    """Write an animated picture as a lossless clip; return notes for the user.

    Args:
        source: The picture.
        clip: The file to write, a MOV.
        check: Called for each frame; can raise to stop.

    Raises:
        UsageError: It holds one picture.
    """
    import av

    from crispen.media.picture.reader import open_image

    clear = False
    with open_image(source) as reader, writing(clip):
        header = reader.header
        if header.frames == 1:
            raise UsageError(
                f"{source}: holds one picture and no animation; name a picture with -o, such as "
                f"{source.stem}.x2.png"
            )
        delays = (*header.metadata.delays_ms, *([_USUAL_MS] * header.frames))[: header.frames]
        lengths = [ms or _USUAL_MS for ms in delays]
        rate = Fraction(header.frames * 1000, sum(lengths))
        options = {"video_track_timescale": "1000", "movie_timescale": "1000"}
        with av.open(local(clip), "w", "mov", container_options=options) as out:
            stream: Any = out.add_stream("qtrle", rate=rate.limit_denominator(1001))
            stream.width, stream.height, stream.pix_fmt = header.width, header.height, "rgb24"
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
            at = 0
            for pixels, length in zip(reader.bands(header.height), lengths, strict=True):
                check()
                levels = to_8bit(pixels)
                if header.has_alpha:
                    clear = clear or bool((levels[..., -1] < 255).any())
                    levels = flatten_on_white(levels)
                frame = av.VideoFrame.from_ndarray(_three(levels), "rgb24")
                frame.pts, frame.time_base, frame.duration = at, Fraction(1, 1000), length
                for packet in stream.encode(frame):
                    packet.duration = length
                    out.mux(packet)
                at += length
            out.mux(stream.encode(None))
    clip.chmod(source.stat().st_mode & 0o777)  # which the result gets, too
    notes = list(reader.notes)
    if clear:
        notes.append("its transparency becomes white")
    if header.metadata.icc:
        notes.append("its colour profile is left out: its colours are taken for sRGB")
    return tuple(notes)


@contextlib.contextmanager
def as_video(source: Path) -> Iterator[Path]:
    """A file as a video: an animated picture is unrolled, into a file that is there meanwhile.

    Raises:
        UsageError: It is a picture that does not move.
        InputError: It cannot be read.
    """
    if not is_picture(source):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="crispen-") as folder:
        clip = Path(folder) / "clip.mov"
        unroll(source, clip, lambda: None)
        yield clip


def _three(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.broadcast_to(levels, (*levels.shape[:2], 3)))


def check_animation(
    target: Path, kind: PictureFormat, size: tuple[int, int], frames: int, color: Color
) -> None:
    """Refuse what no animated picture can hold.

    Args:
        target: The result, for errors.
        kind: Its format.
        size: Width and height as shown.
        frames: About how many; 0 if unknown.
        color: The video's.

    Raises:
        UsageError: It would be too large, or the video is HDR.
    """
    if color.transfer in TRANSFERS:
        raise UsageError(
            f"{target}: the video is HDR, which an animated {kind.title} cannot hold; choose a "
            "name ending in .mkv or .mp4"
        )
    pixels = size[0] * size[1] * frames
    if pixels > MAX_PIXELS:
        raise UsageError(
            f"{target}: {frames:,} frames of {size[0]}x{size[1]} are too many for an animated "
            f"picture, which holds {MAX_PIXELS // 1_000_000} million pixels in all; take a part "
            "(--duration 5), a smaller --width or a lower --fps"
        )


@dataclass(frozen=True, slots=True)
class Animation:
    """An animated picture written from segments.

    Attributes:
        target: The file.
        kind: Its format.
        header: That of the video in the segments.
        color: That of their frames.
        like: A file whose permissions it gets.
        quality: 1 to 100; the format's default if None.
    """

    target: Path
    kind: PictureFormat
    header: VideoHeader
    color: Color
    like: Path
    quality: int | None = None

    def write(
        self, segments: Sequence[Path], last_duration: int, check: Callable[[], None]
    ) -> tuple[str, ...]:
        """Write it; return notes for the user.

        Args:
            segments: Losslessly encoded frames, in order.
            last_duration: How long the last frame is shown; 0 if unknown.
            check: Called regularly; can raise to stop.
        """
        from crispen.media.picture.writer import ImageWriter

        delays = self._delays(segments, last_duration)
        frames = self._frames(segments)
        first = next(frames)
        height, width = first.shape[:2]
        check_animation(self.target, self.kind, (width, height), len(delays), self.color)
        about = Header(width, height, 3, frames=len(delays), metadata=Metadata(delays_ms=delays))
        with ImageWriter(
            self.target,
            about,
            format=self.kind.name,
            quality=self.quality,
            overwrite=True,
            like=self.like,
            check=check,
        ) as writer:
            writer.write(first)
            for frame in frames:
                check()
                writer.write(frame)
        return tuple(writer.notes)

    def _delays(self, segments: Sequence[Path], last: int) -> tuple[int, ...]:
        """Milliseconds; times, not lengths, are rounded, so that errors do not add up."""
        tick = _GIF_TICK_MS if self.kind.name == "gif" else 1
        times = EncodedTimes.of(segments, self.header.time_base, start=0, last=last)
        unit = self.header.time_base * 1000 / tick
        return tuple(tick * (round(b * unit) - round(a * unit)) for a, b in times.shown())

    def _frames(self, segments: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
        """``(height, width, 3)`` as shown."""
        import av
        from av.video.reformatter import VideoReformatter

        from crispen.media.video.colors import as_rgb  # which loads FFmpeg

        shaper = VideoReformatter()
        for path in segments:
            with reading(path), av.open(local(path), "r") as part:
                for frame in part.decode(part.streams.video[0]):
                    yield self._upright(as_rgb(frame, self.color, shaper))

    def _upright(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        pixels: NDArray[Any] = packed(frame, np.dtype(np.uint8))
        if self.header.display_matrix is not None:
            a, b, _, c, d = self.header.display_matrix[:5]
            if self.header.turned:  # columns become rows
                pixels, a, d = pixels.transpose(1, 0, 2), c, b
            pixels = pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
        return np.ascontiguousarray(pixels)


def too_fast(rate: Fraction | None) -> bool:
    """Whether a GIF cannot show that many frames a second."""
    return rate is not None and rate > GIF_MOST_FPS


def not_held(header: VideoHeader, kind: PictureFormat) -> tuple[str, ...]:
    """What an animated picture drops from a video, in one line or none."""
    words = {"audio": "sound", "subtitle": "subtitles"}
    lost = [word for kind, word in words.items() if any(s.kind == kind for s in header.streams)]
    if not lost:
        return ()
    are = "is" if lost == ["sound"] else "are"
    return (f"its {' and '.join(lost)} {are} left out: {kind.title} holds pictures alone",)
