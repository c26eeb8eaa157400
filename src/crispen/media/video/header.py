"""What is known about a video before its frames are read."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crispen.media.video.hdr import TRANSFERS, Light
from crispen.media.video.pixel_formats import SourceFormat

if TYPE_CHECKING:
    import av


COVER = "attached picture"
"""The kind of a stream that is a cover."""


@dataclass(frozen=True, slots=True)
class Color:
    """What samples mean as colour, as numbers of ITU-T H.273; 2 means unknown.

    Attributes:
        matrix: Y'CbCr matrix; 1 is BT.709, 5 and 6 are BT.601, 9 is BT.2020.
        primaries: From the same document.
        transfer: From the same document.
        range: 1 studio, 2 full, 0 unknown, as in FFmpeg.
    """

    matrix: int = 2
    primaries: int = 2
    transfer: int = 2
    range: int = 0


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of a file.

    Attributes:
        index: Its number in the file.
        kind: ``video``, ``audio``, ``subtitle``, ``data``, ``attachment``, or `COVER`.
        codec: FFmpeg's name, or an empty string.
        language: Three letters, or an empty string.
    """

    index: int
    kind: str
    codec: str
    language: str = ""

    def label(self) -> str:
        """For people."""
        about = ", ".join(part for part in (self.codec, self.language) if part)
        return f"{self.kind} stream #{self.index}" + (f" ({about})" if about else "")


def display_matrix_of(frame: av.VideoFrame) -> tuple[int, ...] | None:
    """The nine numbers that say how a player turns a frame, or None."""
    side: Any = frame.side_data
    if "DISPLAYMATRIX" not in {item.type.name for item in side}:
        return None
    return struct.unpack("=9i", bytes(side["DISPLAYMATRIX"]))


@dataclass(frozen=True, slots=True)
class VideoHeader:
    """What is known about a video before its frames are read.

    Attributes:
        width: Columns as stored, before any rotation.
        height: Rows as stored.
        codec: The picture's codec.
        container: FFmpeg's name of the file format.
        stream: Number of the picture's stream.
        format: Pixel format of its frames.
        color: Colour of its frames.
        rate: Average frames per second, or None.
        time_base: Seconds a time stamp's unit lasts.
        start: First frame's time stamp in that unit.
        light: HDR brightness metadata.
        origin: The second that becomes 0; not 0 if the clock starts at any time, as in MPEG-TS, or
            before 0.
        length: The second at which the picture ends, if the file states it.
        frames: About how many there are, for progress; 0 if unknown.
        rotation: Degrees counter-clockwise that a player turns it.
        display_matrix: The nine numbers that say so, or None.
        pixel_aspect: Width over height of a pixel, or None if unknown.
        interlaced: Its first frame is made of two fields.
        top_left: Its chroma samples are at the corners' luma samples, as in BT.2020.
        centred: They are between luma columns, as in JPEG; results have them on the first column.
        streams: All streams.
        chapters: How many chapters.
    """

    width: int
    height: int
    codec: str
    container: str
    stream: int
    format: SourceFormat
    color: Color
    rate: Fraction | None
    time_base: Fraction
    start: int
    frames: int
    rotation: int = 0
    display_matrix: tuple[int, ...] | None = None
    pixel_aspect: Fraction | None = None
    interlaced: bool = False
    top_left: bool = False
    centred: bool = False
    streams: tuple[StreamInfo, ...] = ()
    chapters: int = 0
    origin: Fraction = Fraction(0)
    length: Fraction | None = None
    light: Light | None = None

    @property
    def hdr(self) -> bool:
        """Whether its levels mean more light than an ordinary display emits."""
        return self.color.transfer in TRANSFERS

    @property
    def shown_aspect(self) -> Fraction:
        """Width over height of a pixel as it is shown, after any rotation."""
        aspect = self.pixel_aspect or Fraction(1)
        return 1 / aspect if self.turned else aspect

    @property
    def turned(self) -> bool:
        """Whether width and height are swapped when it is shown."""
        return self.rotation % 180 != 0
