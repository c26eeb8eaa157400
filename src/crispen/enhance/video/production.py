"""One video's way: what is decided before the first frame, then its segments, then its file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.enhance.modelfile import ModelFile
from crispen.enhance.plan import Plan, video_suffix
from crispen.enhance.prefetch import Prefetch
from crispen.enhance.record import identity
from crispen.enhance.video.segments import Ending, Parts
from crispen.enhance.video.timestamps import FrameClock
from crispen.errors import InputError
from crispen.media.video.codecs import find_codec
from crispen.media.video.container import (
    Color,
    Damage,
    VideoHeader,
    read_frames,
    writing,
)
from crispen.media.video.pixel_formats import STUDIO_RANGE, source_format
from crispen.progress import Progress, Task

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_AHEAD = 3  # frames waiting before each thread; more would only hold more memory
_VERSION = 3  # of what segments hold; a change restarts unfinished work


class Work:
    """One video's way: its source, its plan, and what each needs of FFmpeg.

    Args:
        source: The file to read.
        target: The file to write.
        header: Of the source.
        plan: What will be done.
        models: The plan's, in order.
        threads: Of the encoder.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        header: VideoHeader,
        plan: Plan,
        models: Sequence[ModelFile],
        threads: int | None,
    ) -> None:
        import av

        from crispen.media.video.muxing import plan_copies

        self.source = source
        self.target = target
        self.header = header
        self.threads = threads
        self._suffix = video_suffix(target)
        self.codec = find_codec(plan.codec, self._suffix)
        self.options = plan.encoder_options
        self.copies = plan_copies(source, header, self._suffix)
        self.notes = [*self.copies.notes, *plan.notes]
        self.format = source_format(av.VideoFormat(plan.pixel_format)).planar
        self.size = (plan.width, plan.height)
        if header.turned:
            self.size = (plan.height, plan.width)
        self.strength = plan.strength
        self.models = models
        color = header.color
        self.color = Color(
            1 if header.format.rgb else color.matrix,
            color.primaries,
            color.transfer,
            header.format.tag(color.range, self.format, full=self.codec.full_range),
        )
        if self.color.range == STUDIO_RANGE != header.format.range(color.range):
            self.notes.append(
                f"its full range becomes studio range, the only one {self.codec.name} has"
            )

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
            "strength": self.strength,
            "models": [m.sha256 for m in self.models],
        }

    def make_segments(
        self, parts: Parts, memory_bytes: int, segment_s: float, progress: Progress
    ) -> tuple[Ending, int]:
        """All frames as finished segments; and how many frames were finished before."""
        from crispen.engines.curve import CurveEngine
        from crispen.enhance.video.frames import FrameEnhancer
        from crispen.enhance.video.light import Light, light_in_clip
        from crispen.media.video.muxing import count_frames

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
        engines = [m.engine for m in self.models]
        light: dict[CurveEngine, Light] = {}
        for number, engine in enumerate(engines):
            if isinstance(engine, CurveEngine):
                engines[number] = mine = engine.showing(None)
                light[mine] = light_in_clip(self.source, mine.look)
        enhancer = FrameEnhancer(
            engines,
            (header.width, header.height),
            header.format,
            header.color,
            self.size,
            self.format,
            memory_bytes=memory_bytes,
            strength=self.strength,
            full=self.codec.full_range,
            light=light,
        )
        clock = FrameClock(header)
        damage = Damage()
        number = len(finished)
        total = header.frames or None
        with (
            progress.task(f"enhancing {self.source.name}", total, "frames") as task,
            Prefetch(clock.steady(read_frames(self.source, damage)), ahead=_AHEAD) as decoded,
            Prefetch(
                map(enhancer, islice(decoded, done, None)),
                ahead=_AHEAD,
                check=progress.check,
                interrupt=enhancer.interrupt,
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

        first = next(frames, None)
        if first is None:
            return False
        draft = parts.draft(f"seg-{number + 1:05d}")
        options = {"avoid_negative_ts": "disabled"}
        if self.codec.segment == "mov":
            options["video_track_timescale"] = str(self.header.time_base.denominator)
        with (
            writing(draft, self.target),
            av.open(str(draft), "w", self.codec.segment, container_options=options) as out,
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
        from crispen.media.video.muxing import apply_color

        header = self.header
        rate = header.rate or Fraction(25)
        options = dict(self.options)
        if header.top_left and self.format.chroma == "420":
            options["chroma_sample_location"] = "topleft"
        stream: Any = out.add_stream(self.codec.encoder, rate=rate, options=options)
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
        from crispen.media.video.muxing import Picture, join

        draft = parts.draft("whole")
        join(
            parts.finished(),
            self.source,
            self.header,
            draft,
            self._suffix,
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
            # As a picture's result: what nobody else may see is not shown by its copy.
            like = self.target if self.target.exists() else self.source
            draft.chmod(like.stat().st_mode & 0o777)
            draft.replace(self.target)
