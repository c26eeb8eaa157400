"""What a file is, told by its content alone."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from crispen.enhance.plan import plan, result_format
from crispen.enhance.request import Request
from crispen.errors import InputError, UsageError
from crispen.jobs.file_kinds import PICTURES, UNWRITTEN, VIDEOS, Bounds, examine, renamed
from crispen.media.image import open_image
from crispen.models.athand import AtHand

from .conftest import SOURCE


def test_a_pictures_facts(picture: Callable[..., Path], bounds: Bounds) -> None:
    path = picture(50, 30)
    source = examine(path, "x", bounds)
    assert (source.kind, source.type, source.width, source.height) == ("image", "image/png", 50, 30)
    assert source.bytes == path.stat().st_size
    assert source.viewable


def test_a_videos_facts(shared_data: Path, bounds: Bounds) -> None:
    clips = sorted(p for p in (shared_data / "video").iterdir() if p.suffix == ".mp4")
    for clip in clips:
        source = examine(clip, clip.name, bounds)
        assert source.kind == "video"
        assert source.frames > 10
        assert source.duration_s is not None
        assert source.duration_s == pytest.approx(source.frames / 25, rel=0.7)


def test_the_name_says_nothing(picture: Callable[..., Path], bounds: Bounds) -> None:
    assert (
        examine(picture(name="a.png").rename(picture().parent / "b.mp4"), "b.mp4", bounds).kind
        == "image"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"hello, world\n", "text"),
        (b"<!doctype html><title>x</title>", "web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04" + bytes(60), "ZIP"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\0\0\0\x18ftypisom" + bytes(60), "video"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\nfile:///etc/passwd\n", "text"),
    ],
)
def test_what_is_neither_picture_nor_video(
    tmp_path: Path, bounds: Bounds, content: bytes, said: str
) -> None:
    path = tmp_path / "source"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        examine(path, "strange.png", bounds)
    assert str(error.value).startswith("strange.png: ")
    assert str(tmp_path) not in str(error.value)


def test_bounds(picture: Callable[..., Path], shared_data: Path) -> None:
    with pytest.raises(InputError, match="pixels"):
        examine(picture(50, 30), "x", Bounds(1499, 10, 10))
    clip = next((shared_data / "video").glob("*.mp4"))
    with pytest.raises(InputError, match="frames"):
        examine(clip, "x", Bounds(10**8, 3, 100))
    with pytest.raises(InputError, match="seconds"):
        examine(clip, "x", Bounds(10**8, 10**6, 0.1))
    with pytest.raises(InputError, match="pixels"):
        examine(clip, "x", Bounds(100, 10**6, 1000))


def odd_files() -> list[str]:
    manifest = Path(__file__).parents[3] / "shared" / "data" / "odd" / "MANIFEST.csv"
    if not manifest.is_file():
        return ["missing"]
    with manifest.open(newline="", encoding="utf-8") as file:
        return [row["file"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", odd_files())
def test_odd_files_are_taken_or_refused_in_one_line(
    shared_data: Path, bounds: Bounds, name: str
) -> None:
    path = shared_data / "odd" / name
    if name.startswith("valid/") or _readable(path, bounds):
        source = examine(path, path.name, bounds)
        assert source.kind == "image"
        assert 0 < source.width * source.height <= bounds.max_pixels
        return
    with pytest.raises(InputError) as error:
        examine(path, path.name, bounds)
    assert "\n" not in str(error.value)
    assert str(shared_data) not in str(error.value)


def _readable(path: Path, bounds: Bounds) -> bool:
    try:
        open_image(path, max_pixels=bounds.max_pixels).close()
    except InputError:
        return False
    return True


def test_paths_never_stand_in_errors() -> None:
    error = InputError("/data/jobs/12/source: cut; see /data/jobs/12/result.png")
    assert renamed(error, Path("/data/jobs/12/source"), "a.png") == "a.png: cut; see result.png"


def test_only_what_moves_becomes_a_video_and_videos_no_still_pictures() -> None:
    with pytest.raises(UsageError, match="png, jpeg"):
        plan(Request(format="mp4"), SOURCE, AtHand())
    with pytest.raises(UsageError, match="mp4"):
        result_format(Request(format="png"), SOURCE.model_copy(update={"kind": "video"}))


def test_formats_can_be_written() -> None:
    from crispen.enhance.naming import PICTURE_FORMATS, VIDEO_FORMATS

    assert set(PICTURES) - UNWRITTEN == set(PICTURE_FORMATS) - {"jpg", "tif"}
    assert set(VIDEOS) == set(VIDEO_FORMATS)
