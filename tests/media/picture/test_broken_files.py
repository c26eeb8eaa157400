"""Damage is told from what is merely unusual, by what djpeg (or libjpeg in Pillow) makes of it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from crispen.cli.main import main
from crispen.errors import InputError
from crispen.media.image import open_image, read_image

NEEDS_DJPEG = pytest.mark.skipif(shutil.which("djpeg") is None, reason="djpeg is not installed")


def photo() -> np.ndarray:
    """Something with as much detail as a photo has."""
    rng = np.random.default_rng(1)
    steps = np.cumsum(rng.normal(0, 4, (200, 300, 3)), axis=1)
    return np.clip(steps + 128, 0, 255).astype(np.uint8)


def jpeg(**options: object) -> bytearray:
    out = io.BytesIO()
    PIL.Image.fromarray(photo()).save(out, "jpeg", quality=90, **options)
    return bytearray(out.getvalue())


def scan_without_parameters() -> bytes:
    data = jpeg()
    start = data.index(b"\xff\xda")
    end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    data[end - 3 : end] = bytes(3)
    return bytes(data)


def newer_jfif() -> bytes:
    data = jpeg()
    data[data.index(b"JFIF\0") + 5] = 2
    return bytes(data)


def without_end() -> bytes:
    return bytes(jpeg()[:-2])


def junk_between_segments() -> bytes:
    data = jpeg()
    table = data.index(b"\xff\xdb")
    return bytes(data[:table] + b"abcd" + data[table:])


def wrong_restart() -> bytes:
    data = jpeg(restart_marker_rows=2)
    scan = data.index(b"\xff\xda")
    marks = [i for i in range(scan, len(data) - 1) if data[i] == 0xFF and data[i + 1] >> 3 == 26]
    data[marks[3] + 1] = 0xD0 + (data[marks[3] + 1] - 0xD0 + 3) % 8
    return bytes(data)


UNUSUAL: list[tuple[Callable[[], bytes], str]] = [
    (scan_without_parameters, "the parameters of its scan"),
    (newer_jfif, "its JFIF version"),
    (without_end, "its end marker is missing"),
    (junk_between_segments, "bytes that belong to nothing"),
    (wrong_restart, "a restart marker has a wrong number"),
]


def djpeg(data: bytes) -> tuple[np.ndarray, str]:
    done = subprocess.run(["djpeg", "-ppm"], input=data, capture_output=True, check=False)
    return np.asarray(PIL.Image.open(io.BytesIO(done.stdout))), done.stderr.decode()


@pytest.mark.parametrize(("make", "told"), UNUSUAL)
def test_unusual_files_are_read_with_a_note(make: Callable[[], bytes], told: str) -> None:
    data = make()
    with open_image(data) as reader:
        pixels = np.concatenate(list(reader.bands(24)))
        assert reader.notes == [f"its JPEG is unusual, and complete: {told}"]
    np.testing.assert_array_equal(pixels, np.asarray(PIL.Image.open(io.BytesIO(jpeg()))))
    if shutil.which("djpeg"):
        shown, warning = djpeg(data)
        np.testing.assert_array_equal(pixels, shown)
        assert warning or make is newer_jfif or make is junk_between_segments


@NEEDS_DJPEG
def test_damage_in_the_scan_is_found_where_djpeg_finds_it() -> None:
    whole = jpeg()
    scan = whole.index(b"\xff\xda") + 20
    found = 0
    for i in range(60):
        data = whole.copy()
        data[scan + (len(whole) - scan - 30) * i // 60] ^= 1 << i % 8
        _, warning = djpeg(bytes(data))
        if not warning:
            read_image(bytes(data))
            continue
        # libjpeg-turbo sees a bad code only where its input buffer happens to end.
        if warning.strip() == "Corrupt JPEG data: bad Huffman code":
            continue
        found += 1
        said = warning.splitlines()[0].removeprefix("Corrupt JPEG data: ")
        with pytest.raises(InputError) as caught:
            read_image(bytes(data))
        assert said in str(caught.value) or "Unsupported marker" in str(caught.value)
        with open_image(bytes(data), keep_damaged=True) as reader:
            assert reader.read().shape == (200, 300, 3)
            assert reader.notes[0].startswith("the file is damaged: ")
    assert found > 5


def test_what_is_unusual_does_not_hide_damage() -> None:
    data = jpeg()
    data[data.index(b"JFIF\0") + 5] = 2
    with pytest.raises(InputError, match="damaged"):
        read_image(bytes(data[: len(data) // 2]) + b"\xff\xd9")


def cut(suffix: str) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(photo()).save(out, suffix)
    return out.getvalue()[: len(out.getvalue()) * 6 // 10]


@pytest.mark.parametrize("suffix", ["jpeg", "png"])
def test_a_cut_file_is_kept_as_far_as_it_goes(suffix: str) -> None:
    data = cut(suffix)
    with pytest.raises(InputError, match="read what is left of it with --keep-damaged"):
        read_image(data)
    whole = io.BytesIO()
    PIL.Image.fromarray(photo()).save(whole, suffix)
    expected = np.asarray(PIL.Image.open(whole))
    with open_image(data, keep_damaged=True) as reader:
        pixels = np.concatenate(list(reader.bands(24)))
        damage, missing = reader.notes
        np.testing.assert_array_equal(reader.read(), pixels)
    rows = int(missing.split()[2])
    assert damage.startswith("the file is damaged: ")
    assert missing == f"the last {rows} of its 200 rows are missing"
    assert 60 <= rows <= 110
    there = 200 - rows - 34  # two rows of blocks, the last of which is there in part
    np.testing.assert_array_equal(pixels[:there], expected[:there])
    assert (pixels[200 - rows :] == pixels[-1, 0]).all()


def test_a_cut_gif_keeps_its_whole_frames(shared_data: Path) -> None:
    data = (shared_data / "odd/valid/animated.gif").read_bytes()
    whole = read_image(data)
    image = read_image(data[: len(data) * 6 // 10], keep_damaged=True)
    assert 1 <= image.frames < whole.frames
    np.testing.assert_array_equal(image.frame(0)[..., :3], whole.frame(0)[..., :3])


def test_a_whole_file_is_read_as_ever(shared_data: Path) -> None:
    for name in ("photo_rgb.png", "jpeg_420_odd_size.jpg", "animated.gif", "grey_16bit.tiff"):
        path = shared_data / "odd/valid" / name
        with open_image(path, keep_damaged=True) as reader:
            np.testing.assert_array_equal(reader.read(), read_image(path).pixels)
            assert reader.notes == []


def test_nothing_left_is_told(shared_data: Path) -> None:
    with pytest.raises(InputError, match="nothing of it can be read; get a fresh copy"):
        read_image(shared_data / "odd/broken/truncated.webp", keep_damaged=True)


@pytest.mark.parametrize("flags", [[], ["--keep-damaged"]])
def test_keep_damaged_on_the_command_line(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(cut("jpeg"))
    command = ["enhance", str(tmp_path / "a.jpg"), "--model", "espcn-x2", "--json", *flags]
    with pytest.raises(SystemExit) as ended:
        main(command)
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (ended.value.code, outcome["status"]) == ((0, "done") if flags else (1, "failed"))
    assert (tmp_path / "a.x2.jpg").is_file() == bool(flags)
    if flags:
        assert any("rows are missing" in note for note in outcome["notes"])
