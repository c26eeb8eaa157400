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
from crispen.enhance.video.frame_flow import AHEAD, FrameFlow, enhancer_of
from crispen.enhance.video.part import about_frames, nothing_left
from crispen.enhance.video.production import Work
from crispen.enhance.video.segments import Ending, Parts
from crispen.errors import InputError
from crispen.media.video.container import writing
from crispen.progress import Progress, Task

if TYPE_CHECKING:
    import av


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
        self._flow = FrameFlow(work)
        self._threads = ExitStack()

    def __enter__(self) -> SegmentRun:
        from crispen.enhance.video.grain import grain_in_clip

        work, flow = self._work, self._flow
        self._enhancer = enhancer_of(work, self._memory_bytes)
        self._notes: tuple[str, ...] = ()
        if work.grain:
            grain = grain_in_clip(
                work.source,
                work.header,
                self._enhancer,
                box=work.box,
                check=self._progress.check,
            )
            if grain is None:
                self._notes = ("no grain was removed from it, so none is put back",)
            else:
                self._enhancer.put_grain(grain, work.grain)
        decoded = self._threads.enter_context(Prefetch(flow.selected(), ahead=AHEAD))
        enhanced = self._threads.enter_context(
            Prefetch(
                map(self._enhancer, flow.needed(decoded, self._done)),
                ahead=AHEAD,
                check=self._progress.check,
                interrupt=self._enhancer.interrupt,
            )
        )
        self._shown = flow.placed(enhanced)
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
        if not self._flow.clock.frames and work.span:
            raise nothing_left(work.source, None, work.span)
        ending = self._flow.clock.ending(self._flow.damage)
        ending = replace(ending, notes=(*ending.notes, *self._notes))
        if work.pace is not None:
            ending = replace(ending, frames=work.pace.frames, last_duration=work.pace.step)
        if ending.frames < self._done or ending.frames == 0:
            raise InputError(f"{work.source}: fewer frames than before; start again")
        return ending


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
