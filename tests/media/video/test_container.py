"""Real clips, codecs and pixel formats."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from crispen.errors import UsageError
from crispen.media.format_choice import is_video_name
from crispen.media.video.codecs import available_codecs, encoder_formats, find_codec
from crispen.media.video.completeness import ends_early
from crispen.media.video.container import Damage, probe, read_frames
from crispen.media.video.pixel_formats import Planar, choose_format, source_format


@pytest.fixture
def clips(shared_data: Path) -> Path:
    return shared_data / "video"


# Read with another program (the sizes, rates and counts are those of the folder's README).
REAL = {
    "bigbuckbunny.mp4": (1280, 720, Fraction(25), 132),
    "bikes.mp4": (640, 272, Fraction(25), 250),
    "carphone_pristine.mp4": (176, 144, Fraction(30000, 1001), 120),
    "realshort.mp4": (320, 240, Fraction(45000, 1499), 36),
}


@pytest.mark.parametrize("name", REAL)
def test_real_clips(clips: Path, name: str) -> None:
    header = probe(clips / name)
    assert (header.width, header.height, header.rate, header.frames) == REAL[name]
    damage = Damage()
    stamps = [frame.pts for frame in read_frames(clips / name, damage)]
    assert len(stamps) == REAL[name][3]
    assert not damage
    assert header.start == stamps[0]


EBML = bytes.fromhex("1a45dfa3 84 42868101")
SEGMENT = bytes.fromhex("18538067")


@pytest.mark.parametrize(
    ("whole", "states_length"),
    [
        (EBML + SEGMENT + b"\x90" + bytes(16), True),
        (EBML + SEGMENT + bytes.fromhex("01 00000000000010") + bytes(16), True),
        (EBML + SEGMENT + bytes.fromhex("01 ffffffffffffff") + bytes(16), False),  # streamed
        (b"\0\0\0\x08ftyp" + b"\0\0\0\x18mdat" + bytes(16), True),
        (b"\0\0\0\x08ftyp" + b"\0\0\0\1mdat" + bytes(7) + b"\x20" + bytes(16), True),
        (b"\0\0\0\x08ftyp" + b"\0\0\0\0mdat" + bytes(16), False),  # to the end of the file
        (b"\0\0\0\x08ftyp" + b"SEFT, a camera's own notes", False),
        (b"RIFF\x18\0\0\0AVI LIST" + bytes(16), True),
        (b"\x47" + bytes(187), False),
    ],
)
def test_a_file_ends_early_that_is_shorter_than_it_says(
    tmp_path: Path, whole: bytes, states_length: bool
) -> None:
    path = tmp_path / "a"
    path.write_bytes(whole)
    assert not ends_early(path)
    path.write_bytes(whole[:-1])
    assert ends_early(path) == states_length
    for size in range(1, len(whole)):  # however little is left of it
        path.write_bytes(whole[:size])
        ends_early(path)


def test_every_offered_codec_has_formats_and_fits_a_file() -> None:
    codecs = available_codecs()
    assert codecs[0].name == "h264"
    for codec in codecs:
        assert choose_format(Planar("420", 8), encoder_formats(codec)) is not None
        assert find_codec(codec.name, codec.suffixes[0]) is codec
        assert codec.preset is None or codec.preset in codec.presets


def test_unknown_codec_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean hevc"):
        find_codec("hevv", ".mp4")


@pytest.mark.parametrize(
    ("name", "planar", "rgb", "alpha"),
    [
        ("yuvj422p", Planar("422", 8), False, False),
        ("nv12", Planar("420", 8), False, False),
        ("p010le", Planar("420", 10), False, False),
        ("yuva444p12le", Planar("444", 12), False, True),
        ("yuyv422", Planar("422", 8), False, False),
        ("yuv411p", Planar("422", 8), False, False),
        ("gray10le", Planar("400", 10), False, False),
        ("ya8", Planar("400", 8), False, True),
        ("gbrp12le", Planar("444", 12), True, False),
        ("pal8", Planar("444", 8), True, False),
        ("rgb565le", Planar("444", 8), True, False),
    ],
)
def test_formats_of_decoders(name: str, planar: Planar, rgb: bool, alpha: bool) -> None:
    found = source_format(av.VideoFormat(name, 16, 16))
    assert (found.planar, found.rgb, found.alpha) == (planar, rgb, alpha)


@pytest.mark.parametrize(
    ("wanted", "offered", "chosen"),
    [
        (Planar("420", 8), ["yuv420p", "yuv444p"], "yuv420p"),
        (Planar("422", 8), ["yuv420p", "yuv444p"], "yuv444p"),
        (Planar("444", 12), ["yuv420p10le", "yuv444p10le"], "yuv444p10le"),
        (Planar("420", 8), ["yuv422p10le", "yuv444p10le"], "yuv422p10le"),
        (Planar("400", 8), ["yuv420p", "yuv420p10le"], "yuv420p"),
        (Planar("444", 10), ["yuv444p", "yuv420p10le"], "yuv420p10le"),
    ],
)
def test_the_format_that_loses_least(wanted: Planar, offered: list[str], chosen: str) -> None:
    found = choose_format(wanted, offered)
    assert found is not None
    assert found.name == chosen


def test_names() -> None:
    assert is_video_name("a/b.MKV")
    assert not is_video_name("b.gif")


def test_looking_at_a_name_loads_no_ffmpeg() -> None:
    code = (
        "import sys, crispen.media.format_choice as v\n"
        "import crispen.media.video.container, crispen.enhance.video.making\n"
        "v.is_video_name('a.mp4')\n"
        "sys.exit(any(m in sys.modules for m in ('av', 'openvino', 'torch')))\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=env).returncode == 0
