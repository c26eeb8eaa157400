"""Two videos compared: a side-by-side video, a page, or a table of frames."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from crispen.errors import InputError, UsageError
from crispen.evaluate.clips import Clip, FrameScore, Scorer, check_pair, frame_log, in_step
from crispen.media.atomic import replacing, write_whole
from crispen.progress import Progress

KINDS = (".mp4", ".html", ".htm", ".csv")


def compare_clips(
    before: Path,
    after: Path,
    target: Path,
    *,
    log: Path | None = None,
    progress: Progress | None = None,
) -> list[FrameScore]:
    """Writes the comparison and returns the scores of all frames of the second clip.

    Args:
        before: A video.
        after: Another version of it, of at least the same size.
        target: What to write: ``.mp4`` shows both side by side, ``.html`` under a slider with
            the curves of PSNR and SSIM, ``.csv`` is the table of all frames.
        log: Where to write that table as well.
        progress: Receives an event for each frame; can cancel.

    Raises:
        UsageError: The clips are not versions of one, or the name is of no kind of comparison.
        InputError: A clip cannot be read.
        OutputError: The result cannot be written.
    """
    kind = target.suffix.lower()
    if kind not in KINDS:
        raise UsageError(f"-o {target}: for videos, give a name that ends in {', '.join(KINDS)}")
    pair = Clip.of(before), Clip.of(after)
    check_pair(*pair)
    progress = progress or Progress()
    if kind == ".mp4":
        with replacing(target) as file:
            scores, _ = _measure(pair, file, progress)
    elif kind == ".csv":
        scores, _ = _measure(pair, None, progress)
        write_whole(target, frame_log(scores).encode())
    else:
        from crispen.evaluate.report.clip_page import clip_page
        from crispen.evaluate.report.html_page import save_page

        film = io.BytesIO()
        scores, half = _measure(pair, film, progress)
        save_page(clip_page((before.name, after.name), half, film.getvalue(), scores), target)
    if log is not None:
        write_whole(log, frame_log(scores).encode())
    return scores


def _measure(
    pair: tuple[Clip, Clip], film: BinaryIO | None, progress: Progress
) -> tuple[list[FrameScore], tuple[int, int]]:
    from crispen.evaluate.side_by_side import SideBySide

    before, after = pair
    scorer = Scorer(before, after)
    scores = []
    with contextlib.ExitStack() as stack:
        show: Callable[..., None] = _nothing
        half = after.size
        if film is not None:
            both = stack.enter_context(SideBySide(film, after))
            show, half = both.add, both.half
        total = after.header.frames or None
        task = stack.enter_context(progress.task("comparing", total, "frames"))
        for number, (time, first, second) in enumerate(in_step(before, after)):
            scores.append(scorer.score(number, time, first, second))
            show(time, first, second)
            task.advance()
        if not scores:
            raise InputError(f"{after.path}: no frame of it overlaps the other clip in time")
    return scores, half


def _nothing(*_: object) -> None:
    pass
