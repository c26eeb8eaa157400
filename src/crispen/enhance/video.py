"""Video to video: decode, enhance and encode side by side, in segments that survive an interruption.

Three threads work at once: one decodes, one runs the network, one encodes (the caller's). Only a few
frames are ever held between them, so that memory does not grow with the clip. Every ten seconds or so
the encoder is closed and its packets become a finished segment; in the end the segments' packets and the
source's other streams are put into the target, which appears under its name only when it is whole.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.enhance.prefetch import Prefetch
from crispen.enhance.segments import Ending, Parts, identity
from crispen.enhance.target import Target
from crispen.errors import Cancelled, InputError, OutputError, UsageError, nearest_names
from crispen.media._video_codecs import VideoCodec, encoder_formats, find_codec
from crispen.media._video_format import Planar, choose_format
from crispen.media.video import (
    OUTPUT_FORMATS,
    Color,
    Damage,
    VideoHeader,
    is_video_name,
    probe,
    read_frames,
    writing,
)
from crispen.progress import Progress, Task

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from crispen.enhance.model import Model

DEFAULT_FAMILY = "photo-fast"
SEGMENT_S = 10
_AHEAD = 3  # frames waiting before each thread; more would only hold more memory
_MEMORY = 1 << 30
_VERSION = 1  # of what segments hold; a change starts unfinished work anew


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
        damaged: Frames and packets of the source that were damaged or missing.
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
    milliseconds, so finer time stamps are rounded there. A cut or damaged source is enhanced as far as it
    decodes, and the report says what is missing.

    Args:
        source: A video file.
        target: MP4, M4V, MOV, MKV or WebM, by its name.
        scale: Times as long each side becomes; 2 unless a size is given.
        size: Width and height as shown, one of which may be None.
        fit: Make `size` a box to fit into.
        model: Name or path of a model, or several in a row; ``photo-fast`` unless given.
        codec: ``h264`` (default; ``vp9`` in WebM), ``hevc``, ``vp9``, ``av1``, ``ffv1``, ``prores``.
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
    if size is None:
        wish = Target(scale=2 if scale is None else scale)
    else:
        wish = Target(scale=scale, width=size[0], height=size[1], fit=fit)
    chosen = find_codec(codec, _suffix(target))
    options = chosen.options(crf, preset)
    _check_target(source, target, overwrite)
    header = probe(source)
    work = _Work(source, target, header, wish, chosen, options, threads)
    work.choose(model, device)
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


def _suffix(target: Path) -> str:
    suffix = target.suffix.lower()
    if suffix not in OUTPUT_FORMATS:
        hint = nearest_names(suffix, OUTPUT_FORMATS) if suffix else ""
        raise UsageError(
            f"{target}: '{suffix}' is not a video format that can be written{hint or ';'} "
            f"choose a name ending in {', '.join(OUTPUT_FORMATS)}"
        )
    return suffix


def _check_target(source: Path, target: Path, overwrite: bool) -> None:
    if target.exists() and source.exists() and target.samefile(source):
        raise OutputError(f"{target}: is the source itself; choose another name with -o")
    if target.is_dir():
        raise OutputError(f"{target}: a folder; name a file in it")
    if target.exists() and not overwrite:
        raise OutputError(f"{target}: exists already; give --overwrite or another name")
    if not target.parent.is_dir():
        raise OutputError(f"{target.parent}: no such folder; make it first")


class _Work:
    """One video's way, decided before the first frame is touched."""

    def __init__(
        self,
        source: Path,
        target: Path,
        header: VideoHeader,
        wish: Target,
        codec: VideoCodec,
        options: dict[str, str],
        threads: int | None,
    ) -> None:
        from crispen.media._video_mux import plan_copies

        self.source = source
        self.target = target
        self.header = header
        self.codec = codec
        self.options = options
        self.threads = threads
        self.copies = plan_copies(source, header, _suffix(target))
        self.notes = list(self.copies.notes)
        self.models: list[Model] = []
        self.format = self._choose_format()
        self.size = self._choose_size(wish)
        if header.interlaced:
            self.notes.append(
                "interlaced: its fields are treated as one picture; deinterlace first"
            )
        color = header.color
        if header.format.rgb:
            color = Color(1, color.primaries, color.transfer, 1)
        self.color = color

    def _choose_format(self) -> Planar:
        source = self.header.format
        chosen = choose_format(source.planar, encoder_formats(self.codec))
        if chosen is None:
            raise UsageError(f"{self.codec.name} takes no pixel format Crispen knows; use h264")
        if source.rgb:
            self.notes.append(f"its RGB ({source.name}) is written as {chosen.label()} BT.709")
        elif chosen != source.planar:
            self.notes.append(
                f"{source.planar.label()} becomes {chosen.label()}, which {self.codec.name} can hold"
            )
        if source.alpha:
            self.notes.append("its transparency is left out")
        return chosen

    def _choose_size(self, wish: Target) -> tuple[int, int]:
        width, height = self.header.width, self.header.height
        if self.header.turned:
            shown = wish.resolve(height, width)
            size = shown[1], shown[0]
        else:
            size = wish.resolve(width, height)
        across, down = self.format.step
        even = max(across, size[0] // across * across), max(down, size[1] // down * down)
        if even != size:
            self.notes.append(
                f"{size[0]}x{size[1]} becomes {even[0]}x{even[1]}: "
                f"{self.format.label()} needs even sides"
            )
        return even

    def choose(self, model: Any, device: str) -> None:
        """Which networks bring it to its size."""
        from crispen.enhance.chain import Plan

        wanted = model if isinstance(model, list) else [model or DEFAULT_FAMILY]
        self._plan = Plan(wanted, device=device, threads=self.threads)
        factor = max(self.size[0] / self.header.width, self.size[1] / self.header.height)
        self.models = self._plan.chain(factor)

    def close(self) -> None:
        """Give engines back."""
        self._plan.close()

    def job(self, segment_s: float, strip_metadata: bool) -> dict[str, Any]:
        """Everything the segments depend on."""
        import av

        return {
            "version": _VERSION,
            "source": identity(self.source),
            "size": self.size,
            "format": self.format.name,
            "codec": self.codec.encoder,
            "options": self.options,
            "ffmpeg": av.library_versions["libavcodec"],
            "segment_s": segment_s,
            "models": [hashlib.sha256(m.path.read_bytes()).hexdigest() for m in self.models],
        }

    def make_segments(
        self, parts: Parts, memory_bytes: int, segment_s: float, progress: Progress
    ) -> tuple[Ending, int]:
        """All frames as finished segments; and how many frames were finished before."""
        from crispen.enhance._video_frames import FrameEnhancer
        from crispen.media._video_mux import count_frames

        length = max(1, round(segment_s * float(self.header.rate or 25)))
        done = 0
        ending = parts.ending()
        finished = parts.finished()
        for number, path in enumerate(finished):
            count = count_frames(path)
            last = ending is not None and number == len(finished) - 1
            if count != length and not (last and 0 < count < length):
                parts.drop_from(number)
                ending = None
                finished = finished[:number]
                break
            done += count
        if ending is not None:
            if done == ending.frames:
                return ending, done
            parts.drop_from(len(finished))
        header = self.header
        enhancer = FrameEnhancer(
            [m.engine for m in self.models],
            (header.width, header.height),
            header.format,
            header.color,
            self.size,
            self.format,
            memory_bytes=memory_bytes,
        )
        clock = _FrameClock(header)
        damage = Damage()
        number = len(finished)
        total = header.frames or None
        with (
            progress.task(f"enhancing {self.source.name}", total, "frames") as task,
            Prefetch(clock.steady(read_frames(self.source, damage)), ahead=_AHEAD) as decoded,
            Prefetch(
                map(enhancer, islice(decoded, done, None)), ahead=_AHEAD, check=progress.check
            ) as enhanced,
        ):
            if done:
                task.advance(done)
            while self._segment(parts, number, islice(enhanced, length), task):
                number += 1
        if clock.frames < done or clock.frames == 0:
            parts.drop_from(0)
            raise InputError(f"{self.source}: fewer frames than before; start again")
        ending = clock.ending(damage)
        parts.write_ending(ending)
        return ending, done

    def _segment(
        self, parts: Parts, number: int, frames: Iterator[av.VideoFrame], task: Task
    ) -> bool:
        """Encode frames into the next segment; False if there were none."""
        import av

        from crispen.media._video_mux import SEGMENT_FORMAT

        first = next(frames, None)
        if first is None:
            return False
        draft = parts.draft(f"seg-{number + 1:05d}")
        options = {"avoid_negative_ts": "disabled"}
        with (
            writing(draft, self.target),
            av.open(str(draft), "w", SEGMENT_FORMAT, container_options=options) as out,
        ):
            stream = self._encoder(out)
            frame: av.VideoFrame | None = first
            while frame is not None:
                out.mux(stream.encode(frame))
                task.advance()
                frame = next(frames, None)
            out.mux(stream.encode())
        parts.finish(number)
        return True

    def _encoder(self, out: OutputContainer) -> VideoStream:
        from crispen.media._video_mux import apply_color

        header = self.header
        rate = header.rate or Fraction(25)
        stream: Any = out.add_stream(self.codec.encoder, rate=rate, options=dict(self.options))
        stream.width, stream.height = self.size
        stream.pix_fmt = self.format.name
        stream.time_base = header.time_base
        context = stream.codec_context
        context.time_base = header.time_base
        if header.pixel_aspect is not None:
            context.sample_aspect_ratio = header.pixel_aspect
        apply_color(context, self.color)
        if self.threads is not None:
            context.thread_count = self.threads
        return stream  # type: ignore[no-any-return]

    def join(self, parts: Parts, ending: Ending, strip_metadata: bool, progress: Progress) -> None:
        """The finished file under its own name."""
        from crispen.media._video_mux import Picture, join

        draft = parts.draft("whole")
        join(
            parts.finished(),
            self.source,
            self.header,
            draft,
            _suffix(self.target),
            Picture(
                self.color,
                self.header.pixel_aspect,
                self.header.rate,
                self.header.display_matrix,
                hevc=self.codec.name == "hevc",
            ),
            self.copies,
            last_duration=ending.last_duration,
            strip_metadata=strip_metadata,
            check=progress.check,
            shown=self.target,
        )
        with writing(self.target):
            draft.replace(self.target)


class _FrameClock:
    """Watches the time stamps of frames, and mends those that cannot be."""

    def __init__(self, header: VideoHeader) -> None:
        self.frames = 0
        self._expected = header.frames
        self._time_base = header.time_base
        rate = header.rate or Fraction(25)
        self._usual = max(1, round(1 / rate / header.time_base))
        self._size = (header.width, header.height, header.format.name)
        self._last: int | None = None
        self._last_duration = 0
        self._mended = 0
        self._changed = False
        self._interlaced = header.interlaced
        self._notes: list[str] = []

    def steady(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The same frames with strictly rising time stamps."""
        for frame in frames:
            stamp = frame.pts
            if stamp is None or (self._last is not None and stamp <= self._last):
                self._mended += 1
                stamp = (
                    0 if self._last is None else self._last + (self._usual if stamp is None else 1)
                )
                frame.pts = stamp
            self._last = stamp
            self._last_duration = frame.duration or 0
            if (frame.width, frame.height, frame.format.name) != self._size:
                self._changed = True
            if frame.interlaced_frame and not self._interlaced:
                self._interlaced = True
                self._notes.append("partly interlaced: fields are treated as one picture")
            self.frames += 1
            yield frame

    def ending(self, damage: Damage) -> Ending:
        """What there is to say at the end."""
        notes = list(self._notes)
        if self._mended:
            notes.append(f"{self._mended} frames without a valid time stamp were given one")
        if self._changed:
            notes.append("its frames change size or format; all were brought to the first one's")
        missing = self._expected - self.frames
        # Matroska states no count, and a duration that may be a frame or two off.
        lost = missing if missing > max(2, self._expected // 50) else 0
        damaged = damage.packets + damage.frames + lost + damage.cut
        if lost or damage.cut:
            notes.append(
                f"the source is cut or damaged: {self.frames} of about {self._expected} frames "
                "could be decoded"
            )
        if damage.packets or damage.frames:
            notes.append(
                f"the source is damaged: {damage.frames} frames show errors, "
                f"{damage.packets} packets could not be decoded"
            )
        return Ending(self.frames, self._last_duration, tuple(notes), damaged)


__all__ = ["VideoReport", "enhance_video", "is_video_name"]
