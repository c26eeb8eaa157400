"""What goes over from a source beside its picture, and how the picture is tagged."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crispen.enhance.api import enhance_video
from crispen.errors import InputError
from crispen.media.video.container import probe

from .clips import QUARTER_TURN, frames, make_clip, payload, times

# With a scale of 1 no network runs; what is tested here does not depend on one.


def test_uneven_late_time_stamps_are_kept_to_the_tick(tmp_path: Path) -> None:
    stamps = [1001, 2002, 2003, 4500, 9009, 9100, 30000, 30001, 33033, 60060]
    source = make_clip(
        tmp_path / "a.mp4", stamps, time_base=Fraction(1, 30000), options={"bf": "3", "qp": "20"}
    )
    expected = [Fraction(s, 30000) for s in stamps]
    assert times(source) == expected
    for name in ("b.mp4", "b.mov"):
        enhance_video(source, tmp_path / name, 1)
        assert times(tmp_path / name) == expected
        assert probe(tmp_path / name).time_base == Fraction(1, 30000)


def test_matroska_keeps_its_milliseconds(tmp_path: Path) -> None:
    stamps = [7, 40, 41, 90, 333, 350, 1001]
    source = make_clip(tmp_path / "a.mkv", stamps, time_base=Fraction(1, 1000))
    enhance_video(source, tmp_path / "b.mkv", 1)
    enhance_video(source, tmp_path / "b.mp4", 1)
    expected = [Fraction(s, 1000) for s in stamps]
    assert times(tmp_path / "b.mkv") == times(tmp_path / "b.mp4") == expected


def test_segments_meet_without_a_seam_in_time(tmp_path: Path) -> None:
    stamps = [0, 512, 700, 1536, 2048, 2049, 3072, 3584, 5000, 5100, 5632, 6144, 6656]
    source = make_clip(tmp_path / "a.mp4", stamps, options={"bf": "0", "qp": "12"})
    report = enhance_video(source, tmp_path / "b.mp4", 1, preset="medium", segment_s=0.16)
    assert report.frames == 13
    assert times(tmp_path / "b.mp4") == [Fraction(s, 12800) for s in stamps]
    with av.open(str(tmp_path / "b.mp4")) as file:
        decoding = [p.dts for p in file.demux(video=0) if p.size]
    assert decoding == sorted(set(decoding))


@pytest.mark.parametrize(
    ("suffix", "sound", "text"),
    [(".mkv", "aac", "subrip"), (".mp4", "aac", "mov_text"), (".mov", "alac", "mov_text")],
)
def test_sound_and_subtitles_are_the_same_packets_at_the_same_times(
    tmp_path: Path, suffix: str, sound: str, text: str
) -> None:
    source = make_clip(
        tmp_path / f"a{suffix}",
        audio=[(sound, 0.0, 0.9), (sound, 0.25, 0.2)],
        subtitles=[(text, "eng"), (text, "fra")],
    )
    target = tmp_path / f"b{suffix}"
    report = enhance_video(source, target, 1)
    assert report.streams_copied == 4
    for kind in ("audio", "subtitle"):
        before, after = payload(source, kind), payload(target, kind)
        assert len(before) == 2
        assert [len(s) > 0 for s in before] == [True, True]
        assert after == before
    assert times(target) == times(source)
    with av.open(str(source)) as old, av.open(str(target)) as new:
        assert [s.language for s in new.streams] == [s.language for s in old.streams]
        assert [s.type for s in new.streams] == [s.type for s in old.streams]


def test_sound_keeps_its_distance_to_the_picture_across_formats(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", audio=[("aac", 0.0, 0.5)])
    enhance_video(source, tmp_path / "b.mkv", 1)
    before, after = payload(source, "audio")[0], payload(tmp_path / "b.mkv", "audio")[0]
    assert [data for _, data in after] == [data for _, data in before]
    shift = times(tmp_path / "b.mkv")[0] - times(source)[0]
    for (old, _), (new, _) in zip(before, after, strict=True):
        assert old is not None
        assert new is not None
        assert abs(new - old - shift) <= Fraction(1, 1000)


def test_chapters_titles_rotation_and_pixel_aspect(tmp_path: Path) -> None:
    chapters = [
        {
            "id": 1,
            "start": 0,
            "end": 200,
            "time_base": Fraction(1, 1000),
            "metadata": {"title": "A"},
        },
        {
            "id": 2,
            "start": 200,
            "end": 480,
            "time_base": Fraction(1, 1000),
            "metadata": {"title": "B"},
        },
    ]
    for suffix in (".mp4", ".mkv"):
        source = make_clip(
            tmp_path / f"a{suffix}",
            matrix=QUARTER_TURN,
            pixel_aspect=Fraction(4, 3),
            chapters=chapters,
            metadata={"title": "Tide", "artist": "Nobody"},
        )
        target = tmp_path / f"b{suffix}"
        enhance_video(source, target, 1)
        before, after = probe(source), probe(target)
        assert before.rotation == after.rotation != 0
        assert after.display_matrix == before.display_matrix
        assert after.pixel_aspect == before.pixel_aspect == Fraction(4, 3)
        with av.open(str(source)) as old, av.open(str(target)) as new:
            assert [c["metadata"]["title"] for c in new.chapters()] == ["A", "B"]
            spans = [
                [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in f.chapters()]
                for f in (old, new)
            ]
            assert spans[0] == spans[1]
            assert new.metadata["title"] == "Tide"
            assert {k.lower(): v for k, v in new.metadata.items()}["artist"] == "Nobody"
        bare = tmp_path / f"c{suffix}"
        enhance_video(source, bare, 1, strip_metadata=True)
        with av.open(str(bare)) as file:
            assert "title" not in file.metadata
            assert len(file.chapters()) == 2
            assert file.streams.video[0].language == "deu"


def test_tags_beyond_the_classic_ones_stay_in_mp4(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", metadata={"SHOT_ON": "tripod", "title": "Tide"})
    enhance_video(source, tmp_path / "b.mp4", 1)
    with av.open(str(tmp_path / "b.mp4")) as file:
        tags = {k.lower(): v for k, v in file.metadata.items()}
    assert tags["shot_on"] == "tripod"
    assert tags["title"] == "Tide"


def test_attachment_goes_over_or_is_named(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", attachment=b"not really a font")
    enhance_video(source, tmp_path / "b.mkv", 1)
    with av.open(str(tmp_path / "b.mkv")) as file:
        (kept,) = (s for s in file.streams if s.type == "attachment")
        assert kept.data == b"not really a font"
        assert kept.metadata["filename"] == "font.ttf"
    report = enhance_video(source, tmp_path / "b.mp4", 1)
    assert [n for n in report.notes if "attachment stream #1" in n and ".mp4" in n]


def test_subtitles_that_must_be_copied_and_do_not_fit_stop_it_before_any_work(
    tmp_path: Path,
) -> None:
    source = make_clip(tmp_path / "a.mkv", subtitles=[("subrip", "eng")])
    with pytest.raises(
        InputError,
        match=r"subtitle stream #1 \(.*\) does not go into .mp4 .*\.mkv, or --subtitles convert",
    ):
        enhance_video(source, tmp_path / "b.mp4", 1, subtitles="copy")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mkv"]


MS = Fraction(1, 1000)
COLORS = {
    "bt601": (6, 6, 6, 1),
    "bt601-pal": (5, 5, 6, 1),
    "bt709": (1, 1, 1, 1),
    "full": (1, 1, 13, 2),
    "bt2020-hlg": (9, 9, 18, 1),
}


@pytest.mark.parametrize("name", COLORS)
def test_colour_tags_and_levels_are_kept(tmp_path: Path, name: str) -> None:
    color = COLORS[name]
    source = make_clip(
        tmp_path / "a.mp4", color=color, fmt="yuv420p10le" if "2020" in name else "yuv420p"
    )
    target = tmp_path / "b.mp4"
    enhance_video(source, target, 2, crf=4, model="espcn-x2")
    tags = probe(target).color
    assert (tags.matrix, tags.primaries, tags.transfer, tags.range) == color
    with av.open(str(source)) as old, av.open(str(target)) as new:
        for a, b in zip(old.decode(video=0), new.decode(video=0), strict=True):
            for i in range(3):
                assert abs(_mean(a, i) - _mean(b, i)) < 0.6


def _mean(frame: av.VideoFrame, index: int) -> float:
    plane = frame.planes[index]
    bits = frame.format.components[0].bits
    rows = np.frombuffer(plane, np.uint8 if bits == 8 else np.uint16).reshape(plane.height, -1)
    return float(rows[:, : plane.width].mean()) / 2 ** (bits - 8)


@pytest.mark.parametrize(
    "fmt",
    ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "gray"],
)
def test_depth_and_subsampling_are_kept(tmp_path: Path, fmt: str) -> None:
    source = make_clip(tmp_path / "a.mkv", range(0, 160, 40), time_base=MS, fmt=fmt, codec="ffv1")
    report = enhance_video(source, tmp_path / "b.mp4", 2, crf=4, model="espcn-x2")
    assert report.pixel_format == fmt
    assert report.notes == ()
    with av.open(str(tmp_path / "b.mp4")) as file:
        # FFmpeg shows grey H.264 as 4:2:0 with even chroma.
        assert file.streams.video[0].format.name == fmt.replace("gray", "yuv420p")
        assert (file.streams.video[0].width, file.streams.video[0].height) == (96, 64)
    # Every other pixel lies on a source pixel's corner; 2x2 means come back close to the source.
    for small, large in zip(frames(source), frames(tmp_path / "b.mp4"), strict=True):
        means = large.reshape(32, 2, 48, 2).mean((1, 3))
        depth = 4 if "10" in fmt else 1
        assert np.abs(means - small).mean() < 2.0 * depth


def test_what_a_codec_cannot_hold_is_said(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 2048, 512), fmt="yuv444p10le")
    report = enhance_video(source, tmp_path / "b.mkv", 1, codec="av1")
    assert report.pixel_format == "yuv420p10le"
    assert any("10 bit 4:4:4 becomes 10 bit 4:2:0" in note for note in report.notes)
    assert times(tmp_path / "b.mkv") == [Fraction(n * 40, 1000) for n in range(4)]


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("hevc", "b.mp4"),
        ("vp9", "b.webm"),
        ("ffv1", "b.mkv"),
        ("prores", "b.mov"),
        (None, "b.webm"),
    ],
)
def test_codecs(tmp_path: Path, codec: str | None, name: str) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 4096, 512), color=(1, 1, 1, 1))
    report = enhance_video(source, tmp_path / name, 2, codec=codec)
    header = probe(tmp_path / name)
    assert report.codec == (codec or "vp9")
    assert (header.codec, header.width, header.height) == (report.codec, 96, 64)
    assert header.color.matrix == 1
    assert [round(t * 1000) for t in times(tmp_path / name)] == [40 * n for n in range(8)]


@pytest.mark.parametrize("location", [0, 2])
def test_where_chroma_lies_is_kept(tmp_path: Path, location: int) -> None:
    # x264 counts as H.264's table E-3 does: 0 left, 2 top left.
    options = {"x264-params": f"chromaloc={location}", "qp": "12"}
    source = make_clip(tmp_path / "a.mp4", range(0, 2048, 512), options=options)
    enhance_video(source, tmp_path / "b.mp4", 1)
    assert probe(source).top_left is (location == 2)
    assert probe(tmp_path / "b.mp4").top_left is (location == 2)


def test_interlaced_sources_are_named(tmp_path: Path) -> None:
    options = {"x264-params": "interlaced=1", "qp": "12"}
    source = make_clip(tmp_path / "a.mp4", range(0, 2048, 512), options=options)
    report = enhance_video(source, tmp_path / "b.mp4", 1)
    assert any(note.startswith("interlaced") for note in report.notes)
