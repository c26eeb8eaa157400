"""Segments from a video's frames: all of them, or a run of them from any position.

A segment depends only on its own frames, so that one run can continue where another stopped,
and several can work on one video at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from crispen.enhance.prefetch import Prefetch
from crispen.enhance.video.part import about_frames, begun_at_zero, nothing_left
from crispen.enhance.video.production import Work
from crispen.enhance.video.segments import Ending, Parts
from crispen.enhance.video.timestamps import FrameClock
from crispen.errors import InputError
from crispen.media.video.container import Damage, read_frames, writing
from crispen.media.video.crop import cropped
from crispen.media.video.fields import made_progressive
from crispen.progress import Progress, Task

if TYPE_CHECKING:
    import av

_AHEAD = 3  # frames queued before each thread; more would only use more memory


class SegmentRun:
    """Makes segment after segment; use it in a ``with`` block.

    Args:
        work: The video to make.
        done: The frame of the result at which it begins.
        memory_bytes: Budget of the network's windows.
        progress: Can cancel.
    """

    def __init__(self, work: Work, done: int, memory_bytes: int, progress: Progress) -> None:
        self._work = work
        self._done = done
        self._memory_bytes = memory_bytes
        self._progress = progress
        self._clock = FrameClock(work.header, work.span)
        self._damage = Damage()
        self._threads = ExitStack()

    def __enter__(self) -> SegmentRun:
        from crispen.engines.curve import CurveEngine
        from crispen.enhance.video.frames import FrameEnhancer
        from crispen.enhance.video.grain import grain_in_clip
        from crispen.enhance.video.light import Light, light_in_clip

        work = self._work
        header, box = work.header, work.box
        engines = [m.engine for m in work.models]
        light: dict[CurveEngine, Light] = {}
        for number, engine in enumerate(engines):
            if isinstance(engine, CurveEngine):
                engines[number] = mine = engine.showing(None)
                light[mine] = light_in_clip(work.source, mine.look, box)
        self._enhancer = FrameEnhancer(
            engines,
            (box.width, box.height) if box else (header.width, header.height),
            header.format,
            header.color,
            work.size,
            work.format,
            memory_bytes=self._memory_bytes,
            padding=work.padding,
            strength=work.strength,
            full=work.codec.full_range,
            centred=header.centred,
            light=light,
        )
        self._notes: tuple[str, ...] = ()
        if work.grain:
            grain = grain_in_clip(
                work.source, header, self._enhancer, box=box, check=self._progress.check
            )
            if grain is None:
                self._notes = ("no grain was removed from it, so none is put back",)
            else:
                self._enhancer.put_grain(grain, work.grain)
        decoded = self._threads.enter_context(Prefetch(self._frames(), ahead=_AHEAD))
        enhanced = self._threads.enter_context(
            Prefetch(
                map(self._enhancer, self._needed(decoded)),
                ahead=_AHEAD,
                check=self._progress.check,
                interrupt=self._enhancer.interrupt,
            )
        )
        self._shown = self._placed(enhanced)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.__exit__(kind, error, trace)

    @property
    def unchanged(self) -> float:
        """The share of the network's work that was saved."""
        return self._enhancer.reused.share

    def encode(self, draft: Path, length: int, task: Task) -> bool:
        """Encode the next frames into a file; False if there are none.

        Args:
            draft: The file.
            length: Maximum number of frames.
            task: Advances by a frame each.
        """
        frames = islice(self._shown, length)
        first = next(frames, None)
        if first is None:
            return False

        def counted() -> Iterator[av.VideoFrame]:
            for frame in chain([first], frames):
                yield frame
                task.advance()

        with writing(draft, self._work.target):
            self._work.encoder.write(draft, counted())
        return True

    def ending(self) -> Ending:
        """What is known after the last frame, which `encode` has said was the last.

        Raises:
            UsageError: There was none in the selected part of the source.
            InputError: There were fewer than this run began with.
        """
        work = self._work
        if not self._clock.frames and work.span:
            raise nothing_left(work.source, None, work.span)
        ending = self._clock.ending(self._damage)
        ending = replace(ending, notes=(*ending.notes, *self._notes))
        if work.pace is not None:
            ending = replace(ending, frames=work.pace.frames, last_duration=work.pace.step)
        if ending.frames < self._done or ending.frames == 0:
            raise InputError(f"{work.source}: fewer frames than before; start again")
        return ending

    def _frames(self) -> Iterator[av.VideoFrame]:
        """The selected frames of the source, deinterlaced."""
        work = self._work
        # Film is found in every five frames, as they are counted from the beginning.
        begin = None if work.fields.kind == "telecined" else work.span.begin
        decoded = read_frames(work.source, self._damage, begin)
        whole = made_progressive(decoded, work.fields, work.header.time_base)
        return cropped(self._clock.steady(whole), work.box, work.header)

    def _needed(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The network's input frames, if some of the result's exist already."""
        if self._work.pace is None:
            return islice(frames, self._done, None)
        return self._work.pace.needed(frames, self._clock, self._done)

    def _placed(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The enhanced frames at the result's times."""
        pace = self._work.pace
        return begun_at_zero(frames, self._clock) if pace is None else pace.placed(frames)


def kept(work: Work, parts: Parts, length: int) -> tuple[int, Ending | None]:
    """Number of frames that an earlier run finished; and its ending, if it finished all.

    Incomplete segments are dropped, with all that follow.

    Args:
        work: The video to make.
        parts: Its segments.
        length: How many frames each has but the last.
    """
    from crispen.media.video.encoded import count_frames

    done = 0
    ending = parts.ending()
    finished = parts.finished()
    for number, path in enumerate(finished):
        count = count_frames(path)
        last = ending is not None and number == len(finished) - 1
        if count != length and not (last and 0 < count < length):
            parts.drop_from(number)
            ending = None
            break
        done += count
    if ending is not None and done != ending.frames:
        parts.drop_from(len(finished))
        ending = None
    return done, ending


def make_segments(
    work: Work, parts: Parts, memory_bytes: int, segment_s: float, progress: Progress
) -> tuple[Ending, int]:
    """All frames as finished segments; and how many frames were finished before."""
    length = work.segment_frames(segment_s)
    done, ending = kept(work, parts, length)
    if ending is not None:
        return ending, done
    number = len(parts.finished())
    total = about_frames(work.result, work.span) or None
    with (
        progress.task(f"enhancing {work.source.name}", total, "frames") as task,
        SegmentRun(work, done, memory_bytes, progress) as run,
    ):
        if done:
            task.advance(done)
        while run.encode(parts.draft_of(number), length, task):
            parts.finish(number)
            number += 1
        work.unchanged = run.unchanged
    try:
        ending = run.ending()
    except InputError:
        parts.drop_from(0)
        raise
    parts.write_ending(ending)
    return ending, done
