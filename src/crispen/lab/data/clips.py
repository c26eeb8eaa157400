"""Frames of clips, read directly from the clips."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from crispen.errors import InputError, MissingInput
from crispen.lab.data.material import Material
from crispen.lab.data.sources import Bytes, Failures, ShrunkSource, Source, for_each, to_color
from crispen.lab.data.tables import Color, VideoTable
from crispen.media.format_choice import is_video_name
from crispen.media.video.container import Damage, read_frames
from crispen.media.video.filtering import FilterChain
from crispen.progress import Progress

# FFmpeg's own measure of a cut, on small frames: its default threshold finds hard cuts.
_CUTS = "scale=160:-2,scdet=threshold=10:sc_pass=1"


@dataclass(frozen=True)
class Shot:
    """Frames of a clip between two cuts.

    Attributes:
        clip: The file.
        times: Seconds at which its frames are shown.
        height: Rows of a frame.
        width: Columns of a frame.
    """

    clip: Path
    times: Sequence[Fraction]
    height: int
    width: int

    def drawn(self, count: int) -> Sequence[Fraction]:
        """This many of its frames, evenly spaced; 0 for all."""
        if not count or count >= len(self.times):
            return self.times
        # From the middle of each part: a cut may fade.
        return [self.times[(2 * i + 1) * len(self.times) // (2 * count)] for i in range(count)]


def shots_in(clip: Path) -> list[Shot]:
    """The shots of a clip; decodes every frame once.

    Raises:
        InputError: Not one of its frames can be read.
    """
    times: list[Fraction] = []
    cuts: list[Fraction] = []
    chain: FilterChain | None = None
    shape = (0, 0)
    for frame in read_frames(clip, Damage()):
        if frame.pts is None or frame.time_base is None:
            continue
        if shape == (0, 0):
            shape = (frame.height, frame.width)
            chain = FilterChain(frame, _CUTS)
        if shape != (frame.height, frame.width):
            continue
        times.append(frame.pts * frame.time_base)
        assert chain is not None
        cuts += [
            cut.pts * cut.time_base
            for cut in chain.pushed(frame)
            if cut.pts is not None and cut.time_base is not None
        ]
    if not times:
        raise InputError(f"{clip}: no frame of it can be decoded; fetch it again")
    times.sort()
    places = [bisect.bisect_left(times, cut) for cut in cuts]
    edges = sorted({0, *(p for p in places if p < len(times)), len(times)})
    pieces = (times[begin:end] for begin, end in pairwise(edges))
    return [Shot(clip, piece, *shape) for piece in pieces]


class ClipSource(Source):
    """Frames at given times of clips, decoded on reading.

    Args:
        frames: Clip and time in seconds of each frame.
        sizes: Height and width of each frame.
        color: The colour to keep.
    """

    def __init__(
        self,
        frames: Sequence[tuple[Path, Fraction]],
        sizes: Sequence[tuple[int, int]],
        color: Color,
    ) -> None:
        self._frames = frames
        self._color = color
        self.names = [f"{clip.name} at {float(time):.3f} s" for clip, time in frames]
        self.sizes = np.array(sizes, np.int64).reshape(-1, 2)

    def read(self, index: int) -> Bytes:
        """``(height, width, channels)``."""
        clip, time = self._frames[index]
        for frame in read_frames(clip, Damage(), begin=time):
            if frame.pts is not None and frame.time_base and frame.pts * frame.time_base >= time:
                rgb = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                return to_color(rgb, self._color)
        raise InputError(f"{clip}: its frame at {float(time):.3f} s cannot be decoded again")


def clips_in(path: Path) -> list[Path]:
    """A clip, or every clip under a folder, sorted, without hidden files.

    Raises:
        MissingInput: There is nothing of that name.
        InputError: There are no clips in it.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise MissingInput(f"{path}: no such file or folder; give a clip with --data")
    found = (f for f in path.rglob("*") if is_video_name(f) and not f.name.startswith("."))
    clips = sorted(f for f in found if f.is_file())
    if not clips:
        raise InputError(f"{path}: no clips in it; put MP4, MKV or WebM files there")
    return clips


def clip_material(table: VideoTable, progress: Progress | None) -> Material:
    """The frames of some clips; the split keeps each shot together.

    If there is only one shot, its end is held out.
    """
    path = Path(table.path)
    clips = clips_in(path)
    failures = Failures()
    found = for_each(
        lambda index: shots_in(clips[index]),
        range(len(clips)),
        failures,
        workers=table.workers,
        what="looking for cuts",
        progress=progress,
    )
    failures.refuse(str(path), skip=table.skip_unreadable)
    shots = [shot for index in sorted(found) for shot in found[index]]
    drawn = [
        (number, time) for number, shot in enumerate(shots) for time in shot.drawn(table.frames)
    ]
    frames = [(shots[number].clip, time) for number, time in drawn]
    sizes = [(shots[number].height, shots[number].width) for number, _ in drawn]
    source = ClipSource(frames, sizes, table.color)
    last = len(frames) - max(1, round(table.valid_share * len(frames)))
    return Material(
        name=f"{path} ({len(shots)} shot{'s' if len(shots) > 1 else ''})",
        target=ShrunkSource(source, table.shortest) if table.shortest else source,
        digest=hashlib.sha256("\n".join(_listed(clips, source.names)).encode()).hexdigest(),
        licence="not stated",
        groups=[number for number, _ in drawn],
        held_out=range(last, len(frames)) if len(shots) == 1 and table.valid_share else None,
    )


def _listed(clips: Sequence[Path], names: Sequence[str]) -> Iterator[str]:
    yield from (f"{clip.name} {clip.stat().st_size}" for clip in clips)
    yield from names
