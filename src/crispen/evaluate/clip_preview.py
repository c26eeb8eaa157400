"""One second of a video's result and three stills, for ``crispen enhance --preview``."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.enhance.naming import fitting
from crispen.enhance.request import Request, ask
from crispen.enhance.video.making import make_video
from crispen.enhance.video.part import about_frames
from crispen.errors import InputError, UsageError
from crispen.evaluate.compare import choose_windows, resized
from crispen.evaluate.grid import make_grid
from crispen.evaluate.scenes import telling_scenes
from crispen.media.atomic import check_target
from crispen.media.image import Image, write_image
from crispen.media.video.animation import is_picture
from crispen.media.video.colors import BICUBIC
from crispen.media.video.container import Damage, probe, read_frames
from crispen.media.video.crop import cropped
from crispen.media.video.header import VideoHeader
from crispen.models.athand import AtHand
from crispen.progress import Event, Progress

Bytes = NDArray[np.uint8]
STILLS = 3
_LENGTH = Fraction(1)
# Of what is shown of a still: all of it, and beside it the square where most has changed, enlarged.
_STILL_PX, _PLACE_PX, _ZOOM = 360, 180, 2


@dataclass(frozen=True, slots=True)
class Preview:
    """What was made instead of the whole.

    Attributes:
        source: The video.
        clip: The second of it that was enhanced.
        sheet: The picture of stills beside bicubic enlargement.
        begin_s: Where the second begins, from the source's beginning.
        stills_s: Where the stills are.
        frames: About how many frames the whole has; 0 if unknown.
        whole_s: About how many seconds of work the whole takes on this machine; None if unknown.
        models: Names of the networks, in order.
        codec: Of the clip.
        notes: What a person should know, a line each.
    """

    source: Path
    clip: Path
    sheet: Path
    begin_s: float
    stills_s: tuple[float, ...]
    frames: int
    whole_s: float | None
    models: tuple[str, ...]
    codec: str
    notes: tuple[str, ...]

    @property
    def estimate(self) -> str:
        """How long the whole would take, in words."""
        if self.whole_s is None:
            return "how long the whole would take is unknown: its file does not say its length"
        return (
            f"the whole has about {self.frames} frames and would take about {_told(self.whole_s)}"
        )

    def as_json(self) -> dict[str, Any]:
        """Plain types, for ``--json``."""
        facts = asdict(self)
        facts.update({name: str(facts[name]) for name in ("source", "clip", "sheet")})
        if self.whole_s is not None:
            facts["whole_s"] = round(self.whole_s, 1)
        return {**facts, "status": "preview"}


def _told(seconds: float) -> str:
    """A time in words.

    >>> _told(48.2), _told(400), _told(9000)
    ('48 s', '7 min', '2.5 h')
    """
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def preview_video(
    source: str | Path,
    target: str | Path,
    scale: float | None = None,
    *,
    device: str = "auto",
    threads: int | None = None,
    memory_bytes: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Preview:
    """One second of a video enhanced, where it shows most, and three stills beside bicubic.

    Args:
        source: A video file.
        target: Where the whole would go: ``large.mp4`` gives ``large.preview.mp4``, with the same
            codec and settings, and ``large.preview.png`` beside it. It is not written itself.
        scale: As for `crispen.enhance_video`.
        device: As for `crispen.load`.
        threads: Maximum number of CPU threads.
        memory_bytes: Budget of the network's windows.
        overwrite: Replace the two files if they exist.
        progress: Receives progress events; can cancel.
        options: Other keywords of `crispen.enhance_video`; the second is chosen from the part
            between `start` and `end`.

    Raises:
        UsageError: An option does not fit.
        InputError: The source cannot be read.
        OutputError: The files cannot be written.
        Cancelled: It was cancelled.
    """
    request, at_hand = ask(options.pop("model", None), scale=scale, **options)
    return make_preview(
        Path(source),
        Path(target),
        request,
        at_hand,
        device=device,
        threads=threads,
        memory_bytes=memory_bytes,
        overwrite=overwrite,
        progress=progress,
    )


def make_preview(
    source: Path,
    target: Path,
    request: Request,
    at_hand: AtHand,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    **machine: Any,
) -> Preview:
    """A preview as requested; see `preview_video`.

    Args:
        source: A video file.
        target: Where the whole would go.
        request: What is wanted.
        at_hand: The models that it names.
        overwrite: Replace the two files if they exist.
        progress: Receives progress events; can cancel.
        machine: `device`, `threads` and `memory_bytes` of `make_video`.

    Raises:
        UsageError: An option does not fit, or the source is an animated picture.
        InputError: The source cannot be read.
        OutputError: The files cannot be written.
        Cancelled: It was cancelled.
    """
    header = probe(source)
    if is_picture(source):
        raise UsageError(f"{source}: previews are of videos; enhance an animated picture itself")
    clip = fitting(target.parent, target.stem, f".preview{target.suffix}")
    sheet = clip.with_suffix(".png")
    if clip == sheet:
        raise UsageError(f"{target}: not the name of a video; choose one such as NAME.mp4")
    for path in (clip, sheet):
        check_target(path, overwrite=overwrite)
    timed = _Timed(progress or Progress())
    box = None if request.box is None else request.box.stored(header)
    scenes = telling_scenes(source, header, STILLS, span=request.span, box=box)
    times = [scene.time for scene in scenes]
    begin, end = _second(times[0], request, header)
    done = make_video(
        source,
        clip,
        _part(request, begin, end),
        at_hand,
        overwrite=overwrite,
        resume=False,
        progress=timed,
        **machine,
    )
    rows = []
    for time in sorted(times):
        pair = _still(source, header, request, at_hand, time, timed, machine)
        rows.append(_row(float(time), " + ".join(done.models) or "without a network", *pair))
    write_image(Image(make_grid(rows)), sheet, overwrite=overwrite)
    frames = about_frames(header, request.span.moved(header.origin))
    if request.rate is not None and header.rate:
        frames = round(frames * request.rate / header.rate)
    return Preview(
        source=source,
        clip=clip,
        sheet=sheet,
        begin_s=float(begin),
        stills_s=tuple(float(time) for time in sorted(times)),
        frames=frames,
        whole_s=frames / timed.rate if frames and timed.rate else None,
        models=done.models,
        codec=done.codec,
        notes=done.notes,
    )


class _Timed(Progress):
    """Passes events on, and measures how fast frames of the first video follow each other."""

    def __init__(self, outer: Progress) -> None:
        super().__init__(outer.emit)
        self._outer = outer
        self._first: Event | None = None
        self._last: Event | None = None
        self._over = False

    def emit(self, event: Event) -> None:
        super().emit(event)
        if event.unit == "frames" and event.done and not self._over:
            self._first = self._first or event
            self._last = event
            self._over = event.finished

    def check(self) -> None:
        self._outer.check()

    @property
    def rate(self) -> float | None:
        """Frames a second, without the time in which networks were opened."""
        if self._first is None or self._last is None:
            return None
        frames = self._last.done - self._first.done
        seconds = self._last.elapsed_s - self._first.elapsed_s
        if frames > 0 and seconds > 0:
            return frames / seconds
        return self._last.rate or None


def _second(
    time: Fraction, request: Request, header: VideoHeader
) -> tuple[Fraction, Fraction | None]:
    """A second that begins at a time, or earlier if there is less than one left."""
    span = request.span
    ends = [end for end in (span.end, header.length) if end is not None]
    if ends and time + _LENGTH > min(ends):
        time = max(span.begin or Fraction(0), min(time, min(ends) - _LENGTH))
    end = time + _LENGTH
    return time, min([end, *([span.end] if span.end is not None else [])])


def _part(request: Request, begin: Fraction, end: Fraction | None) -> Request:
    times = {"start": str(begin), "end": None if end is None else str(end), "duration": None}
    return request.model_copy(update=times)


def _still(
    source: Path,
    header: VideoHeader,
    request: Request,
    at_hand: AtHand,
    time: Fraction,
    progress: Progress,
    machine: dict[str, Any],
) -> tuple[Bytes, Bytes]:
    """One frame enlarged bicubically and as requested, both as shown."""
    lossless = dict.fromkeys(("crf", "preset", "pix_fmt", "quality", "format"))
    alone = {"codec": "ffv1", "streams": "video", "fps": None, "deinterlace": request.deinterlace}
    part = _part(request, time, time + 1 / (header.rate or Fraction(25)))
    with tempfile.TemporaryDirectory(prefix="crispen-") as folder:
        made = Path(folder) / "still.mkv"
        wanted = part.model_copy(update={**lossless, **alone})
        make_video(source, made, wanted, at_hand, resume=False, progress=progress, **machine)
        after = next(read_frames(made, Damage()), None)
    moment = (time + header.origin) / header.time_base
    frames = (
        f for f in read_frames(source, Damage(), time + header.origin) if (f.pts or 0) >= moment
    )
    box = None if request.box is None else request.box.stored(header)
    before = next(cropped(frames, box, header), None)
    if before is None or after is None:
        raise InputError(f"{source}: its frame at {float(time):g} s cannot be read; fetch it again")
    size = (after.width, after.height)
    turns = header.rotation // 90
    bicubic, enhanced = (
        np.rot90(f.reformat(*size, "rgb24", interpolation=BICUBIC).to_ndarray(), turns)
        for f in (before, after)
    )
    return np.ascontiguousarray(bicubic), np.ascontiguousarray(enhanced)


def _row(time: float, models: str, bicubic: Bytes, enhanced: Bytes) -> list[tuple[str, Bytes]]:
    """Both stills whole, and the place where they differ most."""
    side = min(_PLACE_PX, *bicubic.shape[:2])
    (place,) = choose_windows(bicubic, enhanced, side, 1)
    row = []
    for label, pixels in ((f"{time:.2f} s, bicubic", bicubic), (models, enhanced)):
        height, width = pixels.shape[:2]
        shown = max(1, round(width * _STILL_PX / height))
        row.append((label, resized(pixels, _STILL_PX, shown, "bicubic")))
        zoomed = resized(place.cut(pixels), _PLACE_PX * _ZOOM, _PLACE_PX * _ZOOM, "nearest")
        row.append(("", zoomed))
    return row
