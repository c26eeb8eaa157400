"""Video to video: decode, enhance and encode side by side, in segments that outlive interruptions.

Three threads work at once: one decodes, one runs the network, one encodes (the caller's). Only a
few frames are ever held between them, so that memory does not grow with the clip. Every ten
seconds or so the encoder is closed and its packets become a finished segment; in the end the
segments' packets and the source's other streams are put into the target, which appears under its
name only when it is whole.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from crispen.enhance.choice import noise_matters
from crispen.enhance.encoding import codec_for
from crispen.enhance.modelfile import ModelFiles
from crispen.enhance.plan import Plan, video_suffix
from crispen.enhance.plan import plan as make_plan
from crispen.enhance.request import Request
from crispen.enhance.source import video_source
from crispen.enhance.video.animated import as_animation, as_clip
from crispen.enhance.video.damage import damage_in_clip
from crispen.enhance.video.part import about_frames, nothing_left
from crispen.enhance.video.production import Work
from crispen.enhance.video.segment_run import make_segments
from crispen.enhance.video.segments import Ending, Parts
from crispen.errors import Cancelled, OutputError, UsageError
from crispen.media.format_choice import animation_of
from crispen.media.video.animation import check_animation
from crispen.media.video.container import probe
from crispen.media.video.fields import Fields, fields_in_clip
from crispen.media.video.header import VideoHeader
from crispen.models.athand import AtHand
from crispen.progress import Progress

SEGMENT_S = 10
MEMORY_BYTES = 1 << 30


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
        label: What was done, as in the names of results.
        codec: As asked for with ``--codec``.
        pixel_format: FFmpeg's name of the result's.
        streams_copied: How many other streams came over.
        unchanged: The part of the network's work, 0 to 1, that was spared, since so much of the
            frames was as in the frame before.
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
    label: str
    codec: str
    pixel_format: str
    streams_copied: int
    damaged: int
    notes: tuple[str, ...]
    unchanged: float = 0.0

    @property
    def fps(self) -> float:
        """Frames a second of this run."""
        return (self.frames - self.resumed_frames) / self.seconds if self.seconds > 0 else 0.0


def make_video(
    source: Path,
    target: Path,
    request: Request,
    at_hand: AtHand,
    *,
    plan: Plan | None = None,
    device: str = "auto",
    threads: int | None = None,
    memory_bytes: int | None = None,
    overwrite: bool = False,
    resume: bool = True,
    segment_s: float = SEGMENT_S,
    progress: Progress | None = None,
) -> VideoReport:
    """A video out of a video, as requested; see `crispen.enhance_video`.

    Args:
        source: A video file.
        target: The file to write, whose name says its format.
        request: What is wanted.
        at_hand: The models that it names.
        plan: What was planned for this source, where that was asked before.
        device: As for `crispen.load`.
        threads: Maximum number of CPU threads of the network and of the encoder.
        memory_bytes: Budget of the network's windows; 1 GiB unless given.
        overwrite: Replace `target` if it exists.
        resume: Keep finished segments of an interrupted run, and continue from them.
        segment_s: Seconds between two points from which work can continue.
        progress: Reports how far it is; can cancel.

    Raises:
        UsageError: An option does not fit.
        InputError: The source cannot be read, or not all of it fits the target's format.
        OutputError: The target cannot be written.
        Cancelled: It was stopped.
    """
    began = time.monotonic()
    progress = progress or Progress()
    if not segment_s > 0:
        raise UsageError(f"segment_s is {segment_s}; give a number of seconds above 0")
    with (
        as_clip(source, target, request, progress) as clip,
        ModelFiles(at_hand, device=device, threads=threads) as files,
    ):
        resume = resume and clip.path == source  # a clip made of a picture is another each time
        decided = decide(clip.path, target, clip.request, at_hand, plan=plan, overwrite=overwrite)
        work = decided.work(files, threads)
        work.settle(decided.request)
        with Parts(target, source, work.job(segment_s), resume=resume) as parts:
            try:
                ending, resumed = make_segments(
                    work, parts, memory_bytes or MEMORY_BYTES, segment_s, progress
                )
                work.join(parts, ending, request.strip_metadata, progress)
            except (Cancelled, KeyboardInterrupt) as error:
                if resume and parts.finished():
                    raise Cancelled(
                        f"stopped; give the same command again to continue after segment "
                        f"{len(parts.finished())}"
                    ) from error
                raise
    report = decided.report(work, ending, resumed, time.monotonic() - began)
    return replace(report, source=source, notes=(*clip.notes, *report.notes))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided about a video before its first frame; can be sent to another process.

    Attributes:
        source: The file to read.
        target: The file to write.
        request: What is wanted.
        header: Of the source.
        plan: What will be done.
        fields: What the source's frames are made of.
        quality: Of an animated picture.
        notes: What a person should know beside what the plan says.
    """

    source: Path
    target: Path
    request: Request
    header: VideoHeader
    plan: Plan
    fields: Fields
    quality: int | None = None
    notes: tuple[str, ...] = ()

    def work(self, files: ModelFiles, threads: int | None) -> Work:
        """Its way, with the models of this process.

        Args:
            files: Where the plan's models are.
            threads: Of the encoder.
        """
        return Work(
            self.source,
            self.target,
            self.header,
            self.plan,
            [files.with_dials(name, self.plan.dials) for name in self.plan.models],
            threads,
            fields=self.fields,
            span=self.request.span,
            rate=self.request.rate,
            box=self.request.box,
            quality=self.quality,
            grain=self.request.grain or 0.0,
        )

    def report(self, work: Work, ending: Ending, resumed: int, seconds: float) -> VideoReport:
        """What was done, once it is."""
        kind = animation_of(self.target)
        return VideoReport(
            source=self.source,
            target=self.target,
            frames=ending.frames,
            resumed_frames=resumed,
            seconds=seconds,
            source_size=(self.header.width, self.header.height),
            target_size=work.size if kind is None else (self.plan.width, self.plan.height),
            models=tuple(m.card.name for m in work.models),
            label=self.plan.label,
            codec=work.codec.name if kind is None else kind.name,
            pixel_format=work.format.name,
            streams_copied=len(work.tracks),
            damaged=ending.damaged,
            notes=(*self.notes, *work.notes, *ending.notes),
            unchanged=round(work.unchanged, 4),
        )


def decide(
    source: Path,
    target: Path,
    request: Request,
    at_hand: AtHand,
    *,
    plan: Plan | None = None,
    overwrite: bool = False,
) -> Decision:
    """What can be said of a video before any work is done for it; see `make_video`."""
    kind = animation_of(target)
    if kind is None:
        codec_for(request, video_suffix(target))  # says what contradicts before anything is read
    _check_target(source, target, overwrite)
    header = probe(source)
    begin = request.span.begin
    if header.length is not None and begin is not None and header.length <= begin:
        raise nothing_left(source, header.length, request.span)
    quality = request.quality
    notes: tuple[str, ...] = ()
    if kind is not None:
        request, notes = as_animation(request, header, kind)
    if plan is None:
        damage = damage_in_clip(source) if noise_matters(request) else None
        about = video_source(header, header.container, damage)
        plan = make_plan(request, about, at_hand, result=target)
    if kind is not None:
        frames = about_frames(header, request.span)
        check_animation(target, kind, (plan.width, plan.height), frames, header.color)
    fields = Fields()
    if request.deinterlace != "off":
        fields = fields_in_clip(source, header, double=request.deinterlace == "double")
    return Decision(source, target, request, header, plan, fields, quality, notes)


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
