"""Video to video: decode, enhance and encode side by side, in segments that outlive interruptions.

Three threads work at once: one decodes, one runs the network, one encodes (the caller's). Only a
few frames are ever held between them, so that memory does not grow with the clip. Every ten
seconds or so the encoder is closed and its packets become a finished segment; in the end the
segments' packets and the source's other streams are put into the target, which appears under its
name only when it is whole.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crispen.enhance._video_work import Work, output_suffix
from crispen.enhance.chain import Plan
from crispen.enhance.segments import Parts
from crispen.enhance.target import Target
from crispen.errors import Cancelled, OutputError, UsageError
from crispen.media._video_codecs import find_codec
from crispen.media.video import (
    is_video_name,
    probe,
)
from crispen.progress import Progress

if TYPE_CHECKING:
    from crispen.enhance.model import Model

SEGMENT_S = 10
_MEMORY = 1 << 30


@dataclass(frozen=True, slots=True)
class VideoReport:
    """What was done.

    Attributes:
        source: The file read.
        target: The file written.
        frames: How many frames.
        resumed_frames: How many of them an earlier run had finished.
        seconds: Wall time of this run.
        source_size: Width and height of the source's frames.
        target_size: Width and height of the result's.
        models: Names of the networks, in order.
        codec: As asked for with ``--codec``.
        pixel_format: FFmpeg's name of the result's.
        streams_copied: How many other streams came over.
        damaged: How many frames and packets of the source were damaged; one more if it was cut.
        notes: What a person should know, a line each.
    """

    source: Path
    target: Path
    frames: int
    resumed_frames: int
    seconds: float
    source_size: tuple[int, int]
    target_size: tuple[int, int]
    models: tuple[str, ...]
    codec: str
    pixel_format: str
    streams_copied: int
    damaged: int
    notes: tuple[str, ...]

    @property
    def fps(self) -> float:
        """Frames a second of this run."""
        return (self.frames - self.resumed_frames) / self.seconds if self.seconds > 0 else 0.0


def enhance_video(
    source: str | Path,
    target: str | Path,
    scale: float | None = None,
    *,
    size: tuple[int | None, int | None] | None = None,
    fit: bool = False,
    tasks: str | Sequence[str] | None = None,
    strength: float | None = None,
    model: str | Path | Model | list[str | Path | Model] | None = None,
    codec: str | None = None,
    crf: float | None = None,
    preset: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    memory_bytes: int = _MEMORY,
    overwrite: bool = False,
    resume: bool = True,
    strip_metadata: bool = False,
    segment_s: float = SEGMENT_S,
    progress: Progress | None = None,
) -> VideoReport:
    """A larger, sharper video: every frame with its own time stamp, all else as it was.

    Depth, subsampling, range and colour tags are kept where the codec can; sound, subtitles,
    chapters, rotation, pixel aspect and metadata are kept. Matroska and WebM count time in
    milliseconds, so finer time stamps are rounded there. A cut or damaged source is enhanced as
    far as it decodes, and the report says so.

    Args:
        source: A video file.
        target: MP4, M4V, MOV, MKV or WebM, by its name.
        scale: Times as long each side becomes; 2, or what the tasks or the named models give,
            unless a size is given.
        size: Width and height as shown, one of which may be None.
        fit: Make `size` a box to fit into.
        tasks: What is to be done: ``denoise``, ``relight``, ``sharpen``, ``upscale``; only
            ``upscale`` unless given.
        strength: How much of what is not enlargement is done, 0 to 1; all of it unless given.
        model: Name or path of a model, or several in a row; the tasks' usual ones unless given,
            for enlargement ``photo-fast``.
        codec: ``h264`` (default; ``vp9`` in WebM), ``hevc``, ``vp9``, ``av1``, ``ffv1`` or
            ``prores``.
        crf: Quality, lower is better; 18 for H.264.
        preset: Speed of the encoder; ``superfast`` for H.264.
        device: As for `crispen.load`.
        threads: Most CPU threads of the network and of the encoder.
        memory_bytes: Budget of the network's windows.
        overwrite: Replace `target` if it exists.
        resume: Keep finished segments of an interrupted run, and go on from them.
        strip_metadata: Leave titles, dates and places out; languages and chapters stay.
        segment_s: Seconds between two points from which work can go on.
        progress: Told how far it is; may cancel.

    Raises:
        UsageError: An option does not fit.
        InputError: The source cannot be read, or not all of it fits the target's format.
        OutputError: The target cannot be written.
        Cancelled: Somebody stopped it.
    """
    began = time.monotonic()
    if not segment_s > 0:
        raise UsageError(f"segment_s is {segment_s}; give a number of seconds above 0")
    source, target, progress = Path(source), Path(target), progress or Progress()
    width, height = size or (None, None)
    wish = Target(scale=scale, width=width, height=height, fit=fit)
    chosen = find_codec(codec, output_suffix(target))
    options = chosen.options(crf, preset)
    _check_target(source, target, overwrite)
    header = probe(source)
    plan = Plan(
        model if isinstance(model, list) or model is None else [model],
        tasks=[tasks] if isinstance(tasks, str) else tasks,
        strength=strength,
        video=True,
        device=device,
        threads=threads,
    )
    work = Work(source, target, header, wish, plan, chosen, options, threads)
    try:
        job = work.job(segment_s, strip_metadata)
        with Parts(target, job, resume=resume) as parts:
            try:
                ending, resumed = work.make_segments(parts, memory_bytes, segment_s, progress)
                work.join(parts, ending, strip_metadata, progress)
            except (Cancelled, KeyboardInterrupt) as error:
                if resume and parts.finished():
                    raise Cancelled(
                        f"stopped; give the same command again to go on after segment "
                        f"{len(parts.finished())}"
                    ) from error
                raise
    finally:
        work.close()
    return VideoReport(
        source=source,
        target=target,
        frames=ending.frames,
        resumed_frames=resumed,
        seconds=time.monotonic() - began,
        source_size=(header.width, header.height),
        target_size=work.size,
        models=tuple(m.card.name for m in work.models),
        codec=chosen.name,
        pixel_format=work.format.name,
        streams_copied=len(work.copies.streams),
        damaged=ending.damaged,
        notes=(*work.notes, *ending.notes),
    )


def _check_target(source: Path, target: Path, overwrite: bool) -> None:
    if target.exists() and source.exists() and target.samefile(source):
        raise OutputError(f"{target}: is the source itself; choose another name with -o")
    if target.is_dir():
        raise OutputError(f"{target}: a folder; name a file in it")
    if target.exists() and not overwrite:
        raise OutputError(
            f"{target}: exists already; add --overwrite (overwrite=True in Python) or choose "
            "another name"
        )
    if not target.parent.is_dir():
        raise OutputError(f"{target.parent}: no such folder; make it first")


__all__ = ["VideoReport", "enhance_video", "is_video_name"]
