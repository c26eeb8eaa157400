"""A clip enhanced while it is played: fragmented MP4, made a few seconds ahead of its player.

As for files, one thread decodes, one enhances and one encodes. What is new is that nobody waits for
a frame: `Pacing` decides whether there is time for the network.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.enhance.modelfile import ModelFiles
from crispen.enhance.prefetch import Prefetch
from crispen.enhance.request import Request
from crispen.enhance.video.animated import as_clip
from crispen.enhance.video.frame_flow import AHEAD, FrameFlow, enhancer_of
from crispen.enhance.video.making import MEMORY_BYTES, Decision, decide
from crispen.enhance.video.pacing import FRAGMENT_S, START_S, Pacing
from crispen.enhance.video.part import nothing_left
from crispen.enhance.video.production import Work
from crispen.errors import Cancelled, UsageError
from crispen.media.video.container import writing
from crispen.media.video.live_sound import LiveSound, sound_of
from crispen.media.video.span import Span
from crispen.media.video.tracks import Track
from crispen.models.athand import AtHand
from crispen.progress import Progress

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer

LIVE: dict[str, Any] = {"codec": "h264", "pix_fmt": "yuv420p", "realtime": True}
"""Fields of a request whose result browsers play, and machines make, as it is shown."""
_SUFFIX = ".mp4"
_KEY_S = 1  # between two frames from which a player can begin
_NAP_S = 0.02
_MUXING = {
    # The header comes first and describes no frame; every fragment can be read alone.
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
    # With frag_discont: sound that begins later does so. Otherwise its first packet is moved to 0.
    "avoid_negative_ts": "disabled",
    "frag_duration": str(round(FRAGMENT_S * 1_000_000)),
    "flush_packets": "1",
    # A stream that ends before the other does not hold it back.
    "max_interleave_delta": str(round(FRAGMENT_S * 1_000_000)),
}


@dataclass(slots=True)
class Counts:
    """How many frames were made in which way.

    Attributes:
        enhanced: By the networks.
        bicubic: Enlarged only, since there was no time for more.
        dropped: Not at all.
    """

    enhanced: int = 0
    bicubic: int = 0
    dropped: int = 0

    @property
    def share(self) -> float | None:
        """The enhanced part of all, from 0 to 1; None before the first frame."""
        total = self.enhanced + self.bicubic + self.dropped
        return self.enhanced / total if total else None

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.enhanced + other.enhanced,
            self.bicubic + other.bicubic,
            self.dropped + other.dropped,
        )


class LiveClip:
    """A clip that can be played from anywhere; see `open_live`.

    Attributes:
        decision: What will be done.
        length: Seconds from its beginning to its end; None if unknown.
        size: Width and height of the result, as shown.
    """

    def __init__(self, decision: Decision, files: ModelFiles, threads: int | None) -> None:
        self.decision = decision
        self._files = files
        self._threads = threads
        header = decision.header
        self.length: float | None = None
        if header.length is not None:
            self.length = float(header.length)
        elif header.rate and header.frames:
            self.length = float(header.frames / header.rate)
        self.size = (decision.plan.width, decision.plan.height)
        self._sound = sound_of(decision.source, header)
        if decision.request.audio == "none":
            self._sound = None
        with tempfile.TemporaryDirectory() as folder:  # refuses what cannot be encoded
            self._work().encoder.rehearse(Path(folder) / "frame")

    def _work(self) -> Work:
        return self.decision.work(self._files, self._threads)

    def play(
        self,
        start: Fraction | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        memory_bytes: int = MEMORY_BYTES,
    ) -> Live:
        """The clip from a second on.

        Args:
            start: Its first frame is the first one shown from then on; the clip's first unless
                given.
            clock: See `Pacing`.
            memory_bytes: Budget of the networks' windows.
        """
        request = self.decision.request
        if start is not None:
            end = None if request.span.end is None else str(request.span.end)
            request = request.model_copy(update={"start": str(start), "end": end, "duration": None})
        work = replace(self.decision, request=request).work(self._files, self._threads)
        return Live(work, self._sound, memory_bytes, Pacing(clock))


@contextmanager
def open_live(
    source: Path,
    request: Request,
    at_hand: AtHand,
    *,
    device: str = "auto",
    threads: int | None = None,
) -> Iterator[LiveClip]:
    """A clip to play, as long as the block lasts.

    Args:
        source: A video file, or an animated picture.
        request: What is wanted, with the fields of `LIVE`.
        at_hand: The models that it names.
        device: As for `crispen.load`.
        threads: Maximum number of CPU threads of the networks and of the encoder.

    Raises:
        UsageError: An option does not fit.
        InputError: The source cannot be read.
    """
    if request.fps is not None:
        raise UsageError("a live picture keeps the times of its frames; leave out --fps")
    # Never written: the name says the container.
    target = source.with_name(f"{source.stem}.live{_SUFFIX}")
    with (
        as_clip(source, target, request, Progress()) as clip,
        ModelFiles(at_hand, device=device, threads=threads) as files,
    ):
        decision = decide(clip.path, target, clip.request, at_hand, overwrite=True)
        yield LiveClip(decision, files, threads)


class Live:
    """A clip from one position on, made while it is played.

    Args:
        work: The video.
        sound: Its sound, if any.
        memory_bytes: Budget of the networks' windows.
        pacing: Knows what has been played.

    Attributes:
        counts: How many frames were made so far, in which way.
        pacing: The same, to be told where the player is.
    """

    def __init__(self, work: Work, sound: Track | None, memory_bytes: int, pacing: Pacing) -> None:
        self.counts = Counts()
        self.pacing = pacing
        self._work = work
        self._sound = sound
        self._memory_bytes = memory_bytes
        self._flow = FrameFlow(work)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ends `pieces` within a tenth of a second, from any thread."""
        self._stopped.set()

    def pieces(self) -> Generator[bytes]:
        """The bytes of the MP4 file, a fragment or so at a time; close it to stop the work.

        Raises:
            UsageError: The clip has no frame there.
            InputError: It cannot be read.
        """
        with ExitStack() as threads:
            try:
                yield from self._pieces(threads)
            except Cancelled:
                return
            finally:
                self.stop()  # ends a wait in the second thread

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Cancelled()

    def _pieces(self, threads: ExitStack) -> Iterator[bytes]:
        import av

        work = self._work
        decoded = threads.enter_context(
            Prefetch(self._flow.selected(), ahead=AHEAD, check=self._check)
        )
        enhancer = enhancer_of(work, self._memory_bytes)
        made = threads.enter_context(
            Prefetch(
                self._made(decoded, enhancer),
                ahead=AHEAD,
                check=self._check,
                interrupt=enhancer.interrupt,
            )
        )
        shown = self._shown(made)
        first = next(shown, None)
        if first is None:
            raise nothing_left(work.source, work.header.length, work.span)
        pipe = _Pipe()
        with writing(work.target):
            options = {**_MUXING, "video_track_timescale": str(work.header.time_base.denominator)}
            out = threads.enter_context(av.open(pipe, "w", "mp4", container_options=options))
            yield from self._delivered(pipe, self._muxed(out, chain([first], shown), threads))
            out.close()
        yield pipe.take()

    def _made(
        self, frames: Iterator[av.VideoFrame], enhancer: Callable[[Any], av.VideoFrame]
    ) -> Iterator[av.VideoFrame]:
        """The frames of the result, as there is time; those that are too late are left out."""
        bicubic = enhancer_of(self._work, self._memory_bytes, bicubic=True)
        base = self._work.header.time_base
        for frame in frames:
            time = float(((frame.pts or 0) - self._flow.clock.first + self._offset) * base)
            while self.pacing.is_far(time):
                if self._stopped.wait(_NAP_S):
                    return
            way = self.pacing.way(time)
            if way == "drop":
                self.counts.dropped += 1
            elif way == "bicubic":
                self.counts.bicubic += 1
                yield bicubic(frame)
            else:
                self.counts.enhanced += 1
                yield enhancer(frame)

    @property
    def _offset(self) -> int:
        """When the first frame is shown, in units of the time base: sound may come before it."""
        header = self._work.header
        if self._work.span.begin is not None:
            return 0
        return max(0, header.start - round(header.origin / header.time_base))

    def _shown(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The frames at their times in the result, with a key frame in each second."""
        from av.video.frame import PictureType

        due = Fraction(0)
        for frame in self._flow.placed(frames):
            frame.pts = (frame.pts or 0) + self._offset
            time = frame.pts * self._work.header.time_base
            if time >= due:
                frame.pict_type = PictureType.I
                due = time + _KEY_S
            yield frame

    def _muxed(
        self, out: OutputContainer, frames: Iterator[av.VideoFrame], threads: ExitStack
    ) -> Iterator[Fraction]:
        """Encodes and muxes picture and sound; the time of each frame as it goes."""
        work = self._work
        options = dict(work.encoder.options)
        # The last one counts: frames leave in the order in which they are shown.
        options["x264-params"] = ":".join(
            [*filter(None, [options.get("x264-params")]), "bframes=0"]
        )
        encoder = replace(work.encoder, options=options)
        stream = encoder.stream(out)
        stream.set_display_matrix(work.header.display_matrix)
        sound = None
        if self._sound is not None:
            sound = threads.enter_context(LiveSound(work.source, self._sound, out, self._heard()))
        for frame in chain(frames, [None]):
            for packet in stream.encode(frame):
                now = (packet.pts or 0) * packet.time_base
                out.mux(packet)
                if sound is not None:
                    for heard in sound.until(now):
                        out.mux(heard)
                yield now
        if sound is not None:
            for heard in sound.until(None):
                out.mux(heard)
                yield now

    def _heard(self) -> Span:
        """The part of the sound that is heard, on the source's clock."""
        header, span = self._work.header, self._work.span
        begin = header.origin
        if span.begin is not None:  # the first frame is shown at 0, and it may be later
            begin = (header.start + self._flow.clock.first) * header.time_base
        elif header.start * header.time_base < begin:
            begin = header.start * header.time_base
        return Span(begin, span.end)

    def _delivered(self, pipe: _Pipe, times: Iterator[Fraction]) -> Iterator[bytes]:
        """What the muxer wrote, once there is enough of it to begin."""
        for now in times:
            self._check()
            if not self.pacing.started:
                if now < START_S + self._work.header.time_base * self._offset:
                    continue
                self.pacing.start(0.0)
            piece = pipe.take()
            if piece:
                with self.pacing.handing_over():
                    yield piece


class _Pipe:
    """A file that keeps what is written to it until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keeps bytes."""
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """All bytes since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
