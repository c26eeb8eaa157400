"""A video's frames from file to encoder: decoded, selected, enhanced, at the right times."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from crispen.enhance.video.part import begun_at_zero
from crispen.enhance.video.production import Work
from crispen.enhance.video.temporal import temporally_denoised
from crispen.enhance.video.timestamps import FrameClock
from crispen.media.video.container import Damage, read_frames
from crispen.media.video.crop import cropped
from crispen.media.video.fields import made_progressive

if TYPE_CHECKING:
    import av

    from crispen.engines.curve import CurveEngine
    from crispen.enhance.video.frames import FrameEnhancer
    from crispen.enhance.video.light import Light

AHEAD = 3
"""Frames queued before each thread; more would only use more memory."""


class FrameFlow:
    """The steps of a video's frames, each a generator that can run in a thread of its own.

    Args:
        work: The video.

    Attributes:
        clock: Times of the frames decoded so far.
        damage: What could not be decoded.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self.clock = FrameClock(work.header, work.span)
        self.damage = Damage()

    def selected(self) -> Iterator[av.VideoFrame]:
        """The selected frames of the source, deinterlaced, denoised over time, and cropped."""
        work = self._work
        # Film is found in every five frames, as they are counted from the beginning.
        begin = None if work.fields.kind == "telecined" else work.span.begin
        decoded = read_frames(work.source, self.damage, begin)
        whole = made_progressive(decoded, work.fields, work.header.time_base)
        calm = temporally_denoised(whole, work.steady)
        return cropped(self.clock.steady(calm), work.box, work.header)

    def needed(self, frames: Iterator[av.VideoFrame], done: int = 0) -> Iterator[av.VideoFrame]:
        """The network's input frames.

        Args:
            frames: Those of `selected`.
            done: How many frames of the result exist already.
        """
        if self._work.pace is None:
            return islice(frames, done, None)
        return self._work.pace.needed(frames, self.clock, done)

    def placed(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The enhanced frames at the result's times.

        Args:
            frames: One for each that `needed` gave, in any number if the source's times are kept.
        """
        pace = self._work.pace
        return begun_at_zero(frames, self.clock) if pace is None else pace.placed(frames)


def enhancer_of(work: Work, memory_bytes: int, *, bicubic: bool = False) -> FrameEnhancer:
    """What makes a frame of the result from one of the source.

    Args:
        work: The video.
        memory_bytes: Budget of the networks' windows.
        bicubic: Leave the networks out; size and format are the same.
    """
    from crispen.engines.curve import CurveEngine
    from crispen.enhance.video.frames import FrameEnhancer
    from crispen.enhance.video.light import light_in_clip

    header, box = work.header, work.box
    engines = [] if bicubic else [m.engine for m in work.models]
    light: dict[CurveEngine, Light] = {}
    for number, engine in enumerate(engines):
        if isinstance(engine, CurveEngine):
            engines[number] = mine = engine.showing(None)
            light[mine] = light_in_clip(work.source, mine.look, box)
    return FrameEnhancer(
        engines,
        (box.width, box.height) if box else (header.width, header.height),
        header.format,
        header.color,
        work.size,
        work.format,
        memory_bytes=memory_bytes,
        padding=work.padding,
        strength=work.strength,
        full=work.codec.full_range,
        centred=header.centred,
        light=light,
    )
