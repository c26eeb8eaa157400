"""``crispen enhance --preview``: a second of the result, stills beside bicubic, and no more."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

import crispen
from crispen.cli.main import main
from crispen.errors import OutputError, UsageError
from crispen.evaluate.clip_preview import preview_video
from crispen.media.image import read_image
from crispen.media.video.container import probe

from .test_scenes import clip

MODEL = "espcn-x2"


def pixels(path: Path) -> dict[float, bytes]:
    """Frames by the time at which they are shown."""
    with av.open(str(path)) as file:
        return {float(f.time or 0): f.to_ndarray().tobytes() for f in file.decode(video=0)}


def test_the_second_is_that_of_the_whole_result(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", (2, 4), seconds=6)
    target = tmp_path / "b.mkv"
    made = preview_video(source, target, model=MODEL, codec="ffv1")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mkv", "b.preview.mkv", "b.preview.png"]
    assert 2 <= made.begin_s < 4
    assert made.frames == 150
    assert made.whole_s is not None
    assert 0 < made.whole_s < 600
    assert (made.models, made.codec) == ((MODEL,), "ffv1")
    crispen.enhance_video(source, target, model=MODEL, codec="ffv1")
    whole, part = pixels(target), pixels(made.clip)
    assert len(part) == 25
    for time, shown in part.items():
        assert shown == whole[min(whole, key=lambda t: abs(t - time - made.begin_s))]


def test_the_sheet_has_a_row_for_each_still(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", (2, 4), seconds=6)
    made = crispen.preview_video(source, tmp_path / "b.mp4", 2, model=MODEL, crop="48:64:0:0")
    sheet = read_image(made.sheet)
    assert len(made.stills_s) == 3
    assert sheet.height > 3 * 360
    # Two stills of 3:4 and two squares.
    assert sheet.width == 2 * 270 + 2 * 360 + 5 * 8
    assert probe(made.clip).width == 96


def test_a_part_at_the_end_begins_a_second_before_it(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", (3.7, 4), seconds=4)  # type: ignore[arg-type]
    made = preview_video(source, tmp_path / "b.mp4", model=MODEL, start=2)
    assert made.begin_s == 3
    assert probe(made.clip).frames == 25
    assert made.frames == 50


def test_the_command_says_where_and_how_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = clip(tmp_path / "a.mp4", (1, 2), seconds=2)
    with pytest.raises(SystemExit) as stopped:
        main(["enhance", str(source), "--preview", "--model", MODEL, "--json"])
    assert not stopped.value.code
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["status"] == "preview"
    assert said["clip"] == str(tmp_path / "a.x2.preview.mp4")
    assert said["frames"] == 50
    with pytest.raises(SystemExit):
        main(["enhance", str(source), "--preview", "--model", MODEL, "--overwrite"])
    shown = capsys.readouterr().out
    assert "a.x2.preview.png" in shown
    assert "about 50 frames and would take about" in shown
    assert not (tmp_path / "a.x2.mp4").exists()


def test_it_is_named_as_the_result_would_be(tmp_path: Path) -> None:
    """In a folder without the size, and with as much of a long name as a file can have."""
    source = clip(tmp_path / f"{'a' * 245}.mp4", (1, 2), seconds=1)
    (tmp_path / "out").mkdir()
    for arguments in (["-o", str(tmp_path / "out")], []):
        with pytest.raises(SystemExit) as stopped:
            main(["enhance", str(source), "--preview", "--model", MODEL, *arguments])
        assert not stopped.value.code
    (film,) = (tmp_path / "out").glob("*.mp4")
    assert film.name.endswith("a.preview.mp4")
    assert len(film.name) <= 255
    assert len(list(tmp_path.glob("a*.preview.mp4"))) == 1


def test_what_is_there_stays_and_pictures_are_refused(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", (0, 1), seconds=1)
    (tmp_path / "b.preview.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        preview_video(source, tmp_path / "b.mp4", model=MODEL)
    assert not (tmp_path / "b.preview.mp4").exists()
    for arguments in ([str(tmp_path)], [str(source), str(source)]):
        with pytest.raises(SystemExit) as stopped:
            main(["enhance", *arguments, "--preview"])
        assert stopped.value.code == 2
    with pytest.raises(UsageError, match="name of a video"):
        preview_video(source, tmp_path / "b.png", model=MODEL)
