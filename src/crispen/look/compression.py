"""Lossy compression as stated in a file, on JPEG's scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crispen.look.jpeg import read_tables
from crispen.look.webp import read_quality
from crispen.models.dials import quality_of_step, webp_step


@dataclass(frozen=True)
class Compression:
    """How a file was compressed.

    Attributes:
        format: Of the file.
        quality: From 1 to 100 on the scale of the format's usual library: libjpeg (the nearest
            multiple of its tables) or libwebp.
        step: How coarse, in per cent of libjpeg's tables; for other formats, of a JPEG with equal
            damage. See `crispen.models.dials.jpeg_step`.
        subsampling: ``4:2:0`` and so on; ``grey`` if there is one component.
    """

    format: Literal["jpeg", "webp"]
    quality: int
    step: float
    subsampling: str


def read_compression(data: bytes) -> Compression | None:
    """Compression according to the file's header; None if not stated, or for another format.

    Args:
        data: The file, or its beginning; for a JPEG, everything before the first scan.
    """
    tables = read_tables(data)
    if tables is not None:
        step, subsampling = tables
        return Compression("jpeg", _whole(quality_of_step(step)), step, subsampling)
    quality = read_quality(data)
    if quality is not None:
        return Compression("webp", _whole(quality), webp_step(quality), "4:2:0")
    return None


def _whole(quality: float) -> int:
    return min(100, max(1, round(quality)))
