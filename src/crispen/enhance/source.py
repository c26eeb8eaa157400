"""What a plan needs to know about a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from crispen.enhance.request import Kind
from crispen.look.compression import read_compression
from crispen.look.looking import damage_of
from crispen.media.formats import PICTURES
from crispen.media.picture.byte_source import is_pipe
from crispen.media.signatures import sniff
from crispen.models.curve import Overview
from crispen.models.dials import Dials

if TYPE_CHECKING:
    from crispen.media.image import ImageReader
    from crispen.media.video.header import VideoHeader

# Profiles and thumbnails may precede the tables.
_HEADER_BYTES = 1 << 20


class Source(BaseModel):
    """A picture or a video, identified by its content."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    format: str = Field(description="png, jpeg, … or the container of a video")
    width: int = Field(description="as shown")
    height: int = Field(description="as shown")
    frames: int = Field(1, description="more than 1 in an animation or video; 0 if not known")
    pixel_format: str = Field("", description="of a video, as FFmpeg calls it")
    codec: str = Field("", description="of a video's picture, as FFmpeg calls it")
    alpha: bool = Field(False, description="whether a video has transparency")
    turned: bool = Field(False, description="whether a video is stored sideways")
    jpeg_step: float | None = Field(
        None,
        description="how coarsely a JPEG or WebP file is quantised, in per cent of libjpeg's "
        "tables, as its header says",
    )
    damage: Dials | None = Field(
        None, description="how bad a picture is, as measured in its pixels; null if nobody looked"
    )
    pixel_aspect: float = Field(1.0, description="width over height of a video's pixel as shown")
    hdr: bool = Field(False, description="whether a video's levels are those of PQ or HLG")
    interlaced: bool = Field(False, description="whether a video's frames consist of two fields")

    @property
    def seen(self) -> Dials:
        """How bad it is: as measured, with the compression stated in the file's header."""
        return (self.damage or Dials()).coded(self.jpeg_step)


def jpeg_step(source: Any) -> float | None:
    """How coarsely a file is quantised, according to its header; None if it does not say.

    Args:
        source: A path or bytes; anything else is not read.
    """
    found = read_compression(_head(source))
    return None if found is None else found.step


def damage_in(pixels: NDArray[np.uint8], source: Any) -> Dials:
    """How bad a picture is, by its pixels and its file's header.

    Args:
        pixels: ``(height, width, 3)`` R'G'B', or the top of it.
        source: As for `jpeg_step`.
    """
    head = _head(source)
    coded, about = read_compression(head), PICTURES.get(sniff(head) or "")
    lossy = about is not None and not about.lossless
    return damage_of(pixels, None if coded is None else coded.step, lossy=lossy)


def overview_in(reader: ImageReader) -> Overview:
    """The overview of a file's first frame, which is decoded once more for it."""
    with reader.again() as again:
        header = again.header
        peak = int(np.iinfo(header.dtype).max)
        return Overview.of_bands(again.bands(), header.height, peak)


def _head(source: Any) -> bytes:
    if isinstance(source, bytes):
        return source[:_HEADER_BYTES]
    if isinstance(source, (str, Path)) and not is_pipe(Path(source)):
        with Path(source).open("rb") as file:
            return file.read(_HEADER_BYTES)
    return b""


def video_source(header: VideoHeader, format: str, damage: Dials | None = None) -> Source:
    """A video from its header.

    Args:
        header: As `crispen.media.video.container.probe` gives it.
        format: Name of its container.
        damage: How bad its frames are, if that was measured.
    """
    sides = (header.width, header.height)
    width, height = reversed(sides) if header.turned else sides
    return Source(
        kind="video",
        format=format,
        width=width,
        height=height,
        frames=header.frames,
        pixel_format=header.format.name,
        codec=header.codec,
        alpha=header.format.alpha,
        turned=header.turned,
        pixel_aspect=float(header.shown_aspect),
        hdr=header.hdr,
        interlaced=header.interlaced,
        damage=damage,
    )
