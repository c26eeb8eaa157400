"""Compares two videos of one thing: the frames shown at the same time, and their scores.

PSNR and SSIM are those of the decoded luma planes at the higher bit depth, no border shaved; PSNR
is what FFmpeg's ``psnr`` filter calls ``psnr_y``. If sizes differ, the smaller clip is enlarged
bicubically. If ranges differ, both are compared in studio range.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crispen.errors import UsageError
from crispen.evaluate.metrics import psnr, ssim
from crispen.media.video.container import Damage, probe, read_frames
from crispen.media.video.header import VideoHeader
from crispen.media.video.pixel_formats import STUDIO_RANGE, Planar, plane

if TYPE_CHECKING:
    import av

# Containers round times to a millisecond or less.
_SAME_TIME = Fraction(1, 500)
_SMALLEST = 11


@dataclass(frozen=True, slots=True)
class Clip:
    """A video to compare."""

    path: Path
    header: VideoHeader

    @classmethod
    def of(cls, path: Path) -> Clip:
        """The clip in a file.

        Raises:
            InputError: It cannot be read.
        """
        return cls(path, probe(path))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        return self.header.width, self.header.height

    def frames(self) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """All frames and when they are shown."""
        header = self.header
        for frame in read_frames(self.path, Damage()):
            base = frame.time_base or header.time_base
            yield (frame.pts or 0) * base - header.origin, frame


@dataclass(frozen=True, slots=True)
class FrameScore:
    """One frame of a clip against the other clip's frame shown at that time.

    Attributes:
        number: Counted from 0.
        time_s: When it is shown.
        psnr: In dB; infinite for equal frames.
        ssim: 1 for equal frames; None for frames of fewer than 11 pixels a side.
    """

    number: int
    time_s: float
    psnr: float
    ssim: float | None


def check_pair(before: Clip, after: Clip) -> None:
    """Refuse clips that are not versions of one video.

    Raises:
        UsageError: The first is larger than the second, or they differ in shape or rotation.
    """
    (w1, h1), (w2, h2) = before.size, after.size
    names = f"{before.path.name} ({w1}x{h1}) and {after.path.name} ({w2}x{h2})"
    if before.header.rotation != after.header.rotation:
        raise UsageError(f"{names} are rotated differently; compare two versions of one clip")
    if w1 > w2 or h1 > h2:
        raise UsageError(f"{names}: give the small clip first, the enhanced one second")
    if abs(h2 * w1 - w2 * h1) > 2 * max(h1, w1) * max(h2 / h1, w2 / w1):
        raise UsageError(f"{names} differ in shape; compare two versions of one clip")


def in_step(before: Clip, after: Clip) -> Iterator[tuple[Fraction, av.VideoFrame, av.VideoFrame]]:
    """Each frame of the second clip, with its time and the first clip's frame shown then.

    Yields:
        The time, the first clip's frame, the second one's.
    """
    others = before.frames()
    shown = next(others, None)
    following = next(others, None)
    for time, frame in after.frames():
        while following is not None and following[0] <= time + _SAME_TIME:
            shown, following = following, next(others, None)
        if shown is None:
            return
        yield time, shown[1], frame


class Scorer:
    """Measures frames of one clip against those of another.

    Args:
        before: The smaller clip.
        after: The larger one; it sets the comparison's size.
    """

    def __init__(self, before: Clip, after: Clip) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self._bicubic = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
        self._size = after.size
        bits = max(c.header.format.planar.bits for c in (before, after))
        self._form = Planar("420", bits)
        ranges = {c.header.format.range(c.header.color.range) for c in (before, after)}
        self._range = ranges.pop() if len(ranges) == 1 else STUDIO_RANGE
        self._clips = tuple((c.header, VideoReformatter()) for c in (before, after))

    def score(
        self, number: int, time: Fraction, first: av.VideoFrame, second: av.VideoFrame
    ) -> FrameScore:
        """The score of two frames."""
        one, other = (self._luma(f, place) for place, f in enumerate((first, second)))
        measurable = min(self._size) >= _SMALLEST
        return FrameScore(
            number,
            float(time),
            psnr(one, other, border=0),
            ssim(one, other, border=0) if measurable else None,
        )

    def _luma(self, frame: av.VideoFrame, place: int) -> NDArray[np.float64]:
        header, shaper = self._clips[place]
        planar = shaper.reformat(
            frame,
            *self._size,
            self._form.name,
            interpolation=self._bicubic,
            threads=1,
            src_color_range=header.format.range(header.color.range),
            dst_color_range=self._range,
        )
        levels = plane(planar, 0, self._form.dtype).astype(np.float64)
        return np.asarray(levels * (255.0 / self._form.peak), np.float64)


def mean_psnr(scores: Sequence[FrameScore]) -> float:
    """Mean over the frames that differ; infinite if none does."""
    finite = [s.psnr for s in scores if math.isfinite(s.psnr)]
    return float(np.mean(finite)) if finite else math.inf


def mean_ssim(scores: Sequence[FrameScore]) -> float | None:
    """Mean over the frames; None if it cannot be measured."""
    known = [s.ssim for s in scores if s.ssim is not None]
    return float(np.mean(known)) if known else None


def frame_log(scores: Sequence[FrameScore]) -> str:
    """CSV with a row for each frame."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("frame", "time_s", "psnr_db", "ssim"))
    for s in scores:
        similar = "" if s.ssim is None else f"{s.ssim:.6f}"
        rows.writerow((s.number, f"{s.time_s:.6f}", f"{s.psnr:.4f}", similar))
    return text.getvalue()
