"""Margins that Matroska files tell players to hide, beside what FFmpeg's crop filter cuts off."""

from __future__ import annotations

import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crispen.enhance.api import enhance_video
from crispen.errors import InputError
from crispen.media.video import matroska
from crispen.media.video.box import Box
from crispen.media.video.container import Damage, probe, read_frames
from crispen.media.video.matroska import Margins, margins_of

from ...enhance.video.clips import make_clip, names, times

# IDs of RFC 9559: what is cut off at the top, bottom, left and right.
CROPS = (0x54BB, 0x54AA, 0x54CC, 0x54DD)


def with_margins(path: Path, margins: Margins) -> Path:
    """A Matroska file with further elements in the description of its first track.

    They take the place of the room that the clip's title has.
    """
    data = path.read_bytes()
    begin, end = matroska._tracks(data) or (0, 0)
    parts = []
    for number, first, start, stop in matroska._elements(data, begin, end):
        if number == matroska._CHECKSUM:
            continue
        if number != matroska._ENTRY or parts:
            parts.append(data[first:stop])
            continue
        entry = b""
        for inner, at, body, after in matroska._elements(data, start, stop):
            if inner == matroska._VIDEO:
                more = b"".join(map(matroska._number, CROPS, margins))
                entry += matroska._element(matroska._VIDEO, data[body:after] + more)
            elif inner != matroska._NAME:
                entry += data[at:after]
        parts.append(matroska._fitted(entry, stop - first))
    content = b"".join(parts)
    check = matroska._element(matroska._CHECKSUM, zlib.crc32(content).to_bytes(4, "little"))
    content = content if data[begin] != matroska._CHECKSUM else check + content
    assert len(content) == end - begin
    path.write_bytes(data[:begin] + content + data[end:])
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(
        tmp_path / "a.mkv",
        range(0, 400, 40),
        time_base=Fraction(1, 1000),
        size=(96, 64),
        codec="ffv1",
        title="room " * 12,
    )


MARGINS = Margins(top=8, bottom=4, left=16, right=2)


def test_margins_are_cut_off(tmp_path: Path, clip: Path) -> None:
    assert margins_of(clip, 0) is None
    whole = [f.to_ndarray() for f in read_frames(clip, Damage())]
    stamps = times(clip)
    with_margins(clip, MARGINS)
    assert margins_of(clip, 0) == MARGINS
    header = probe(clip)
    assert (header.width, header.height) == (78, 52)
    frames = list(read_frames(clip, Damage()))
    assert [f.pts * f.time_base for f in frames] == stamps
    for frame, before in zip(frames, whole, strict=True):
        right = av.VideoFrame.from_ndarray(before, "yuv420p")
        luma = np.frombuffer(frame.planes[0], np.uint8).reshape(52, -1)[:, :78]
        assert np.array_equal(luma, right.to_ndarray()[8:60, 16:94])
    report = enhance_video(clip, tmp_path / "b.mkv", 2, model="espcn-x2", codec="ffv1")
    assert (report.source_size, report.target_size) == ((78, 52), (156, 104))
    assert times(tmp_path / "b.mkv") == stamps
    assert margins_of(tmp_path / "b.mkv", 0) is None


def test_a_crop_is_within_what_is_shown(tmp_path: Path, clip: Path) -> None:
    with_margins(clip, MARGINS)
    enhance_video(clip, tmp_path / "b.mkv", 1, codec="ffv1", crop=str(Box(40, 30, 6, 4)))
    out = next(read_frames(tmp_path / "b.mkv", Damage()))
    shown = next(read_frames(clip, Damage())).to_ndarray()[4:34, 6:46]
    assert np.array_equal(out.to_ndarray()[:30, :40], shown)


@pytest.mark.parametrize("margins", [Margins(40, 40, 0, 0), Margins(0, 0, 96, 0)])
def test_margins_that_leave_nothing_are_refused(clip: Path, margins: Margins) -> None:
    with pytest.raises(InputError, match="not a video that can be read"):
        probe(with_margins(clip, margins))


def test_other_tracks_and_damaged_files_have_none(tmp_path: Path, clip: Path) -> None:
    with_margins(clip, MARGINS)
    assert margins_of(clip, 5) is None
    data = clip.read_bytes()
    for end in (4, 40, 200, 400):
        (tmp_path / "cut.mkv").write_bytes(data[:end])
        assert margins_of(tmp_path / "cut.mkv", 0) in (None, MARGINS)
    assert names(tmp_path) == ["a.mkv", "cut.mkv"]
