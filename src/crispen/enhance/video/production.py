"""One video's way: what is decided before the first frame, then its segments, then its file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.enhance.modelfile import ModelFile
from crispen.enhance.plan import Plan, video_suffix
from crispen.enhance.record import identity
from crispen.enhance.request import Request
from crispen.enhance.video.encoder import Encoder
from crispen.enhance.video.rate import Pace
from crispen.enhance.video.segments import Ending, Parts
from crispen.media.format_choice import animation_of
from crispen.media.video.box import Box
from crispen.media.video.codecs import find_codec
from crispen.media.video.container import (
    writing,
)
from crispen.media.video.fields import Fields
from crispen.media.video.header import Color, VideoHeader
from crispen.media.video.pixel_formats import STUDIO_RANGE, source_format
from crispen.media.video.span import Span
from crispen.progress import Progress

if TYPE_CHECKING:
    from crispen.media.video.muxing import Joint
    from crispen.media.video.tracks import Track

_VERSION = 7  # of what segments hold; a change restarts unfinished work


class Work:
    """One video's way: its source, its plan, and what each needs of FFmpeg.

    Args:
        source: The file to read.
        target: The file to write.
        header: Of the source.
        plan: What will be done.
        models: The plan's, in order.
        threads: Of the encoder.
        fields: What the frames of the source are made of; whole pictures unless given.
        span: The part of the source that goes over, in seconds from its beginning.
        rate: Frames per second of the result; the source's own times unless given.
        box: The rectangle of its pictures that goes over, as shown; all of them unless given.
        quality: Of an animated picture that it becomes; its format's own unless given.
        grain: How much of the grain that its networks remove is put back, from 0 to 1.

    Attributes:
        header: Of the source, once it is made of whole pictures.
        result: The same of the result, whose frames may be shown at other times.
        steady: Noise that frames are averaged against; see `temporally_denoised`.
        tracks: The source's other streams that go over; see `settle`.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        header: VideoHeader,
        plan: Plan,
        models: Sequence[ModelFile],
        threads: int | None,
        fields: Fields | None = None,
        span: Span | None = None,
        rate: Fraction | None = None,
        box: Box | None = None,
        quality: int | None = None,
        grain: float = 0.0,
    ) -> None:
        import av

        self.source = source
        self.target = target
        self.fields = fields or Fields()
        self.header = self.fields.header(header)
        self.pace = None if rate is None else Pace(rate, self.header)
        self.result = self.header if self.pace is None else self.pace.header
        self._counted = header.rate
        self.box = None if box is None else box.stored(header)
        self.span = (span or Span()).moved(header.origin)
        self._suffix = video_suffix(target)
        self._animation = animation_of(target)
        self._quality = quality
        self.grain = grain
        self.codec = find_codec(plan.codec, self._suffix)
        self.options = plan.encoder_options
        self.pixel_aspect = None if plan.square else header.pixel_aspect
        coded = source_format(av.VideoFormat(plan.pixel_format))
        self.format = replace(coded.planar, alpha=coded.alpha)
        self.size = (plan.width, plan.height)
        self.padding = plan.padding
        if header.turned:
            self.size = (plan.height, plan.width)
            self.padding = (plan.padding[1], plan.padding[0])
        self.strength = plan.strength
        self.steady = plan.steady
        self.models = models
        self.tracks: tuple[Track, ...] = ()
        self.unchanged = 0.0
        self.notes = [*plan.notes, *self.fields.notes]
        if header.light is not None:
            self.options = header.light.options(self.codec.name, self.options)
            self.notes += header.light.notes(self.codec.name)
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
        self.encoder = Encoder(
            self.codec,
            self.options,
            self.size,
            self.format,
            self.color,
            self.result,
            self.pixel_aspect,
            threads,
        )

    def settle(self, request: Request) -> None:
        """Find out what the result's file can hold, before any work is done for it.

        One frame is encoded, and joined with the beginning of the other streams.

        Raises:
            InputError: A stream is to be copied that the file cannot hold.
            UsageError: The encoder refuses the size or a setting.
        """
        from crispen.media.video.muxing import rehearse
        from crispen.media.video.tracks import plan_tracks

        plan = plan_tracks(
            self.source,
            self.header,
            self._suffix,
            audio=request.audio,
            subtitles=request.subtitles,
            selection=request.selection,
        )
        with tempfile.TemporaryDirectory() as folder:
            trial = Path(folder) / "frame"
            self.encoder.rehearse(trial)
            joint = self._joint([trial], plan.tracks, request.strip_metadata)
            self.tracks = rehearse(joint, self.target)
        left_out = [t.info for t in plan.tracks if t not in self.tracks]
        self.notes[:0] = [
            *(n for n in plan.notes if not any(n.startswith(i.label()) for i in left_out)),
            *(
                f"{i.label()} left out: it does not go into one file with the rest"
                for i in left_out
            ),
        ]

    def job(self, segment_s: float) -> dict[str, Any]:
        """Everything the segments depend on."""
        import av

        return {
            "version": _VERSION,
            "source": identity(self.source),
            "size": self.size,
            "padding": self.padding,
            "format": self.format.name,
            "codec": self.codec.encoder,
            "options": self.options,
            "pixel_aspect": str(self.pixel_aspect),
            "fields": repr(self.fields),
            "span": repr(self.span),
            "crop": str(self.box),
            "rate": str(self.pace and self.result.rate),
            "ffmpeg": av.library_versions["libavcodec"],
            "segment_s": segment_s,
            "strength": self.strength,
            "grain": self.grain,
            "steady": self.steady,
            "models": [m.sha256 for m in self.models],
            "dials": [repr(m.dials) for m in self.models],
        }

    def segment_frames(self, segment_s: float) -> int:
        """How many frames each segment has but the last."""
        return max(1, round(segment_s * float(self.result.rate or 25)))

    def _joint(
        self,
        segments: Sequence[Path],
        tracks: tuple[Track, ...],
        strip_metadata: bool,
        ending: Ending | None = None,
    ) -> Joint:
        from crispen.media.video.muxing import Joint, Picture

        header = self.result
        span = Span()
        if ending is not None and self.span:
            first = (self.header.start + ending.first) * self.header.time_base
            span = replace(self.span, begin=None if self.span.begin is None else first)
        picture = Picture(
            self.color,
            self.pixel_aspect,
            header.rate,
            header.display_matrix,
            hevc=self.codec.family == "hevc",
            alpha_mode=self.format.alpha and self.codec.family == "vp9",
        )
        return Joint(
            segments,
            self.source,
            header,
            self._suffix,
            picture,
            tracks,
            last_duration=0 if ending is None else ending.last_duration,
            span=span,
            strip_metadata=strip_metadata,
            counted=self._counted,
        )

    def join(self, parts: Parts, ending: Ending, strip_metadata: bool, progress: Progress) -> None:
        """The finished file under its own name."""
        from crispen.media.video import muxing
        from crispen.media.video.animation import Animation

        # As a picture's result: what nobody else may see is not shown by its copy.
        like = self.target if self.target.exists() else self.source
        if self._animation is not None:
            animation = Animation(
                self.target, self._animation, self.result, self.color, like, self._quality
            )
            segments, last = parts.finished(), ending.last_duration
            self.notes += animation.write(segments, last, progress.check)
            return
        draft = parts.draft("whole")
        joint = self._joint(parts.finished(), self.tracks, strip_metadata, ending)
        self.notes += muxing.join(joint, draft, check=progress.check, shown=self.target)
        with writing(self.target):
            draft.chmod(like.stat().st_mode & 0o777)
            draft.replace(self.target)
