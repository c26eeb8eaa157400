"""Names of results: each its own, the same in every run."""

from pathlib import Path

import pytest

from crispen.enhance.inputs import plan_jobs
from crispen.enhance.record import Record

SUFFIXES = {".png", ".bmp", ".jpg", ".BMP"}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def made(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode())
    return [*names]


def results(inputs, output=None):
    jobs, problems, _ = plan_jobs(
        inputs,
        output,
        label="x2",
        format=None,
        recursive=False,
        is_picture=lambda path: path.suffix in SUFFIXES,
        is_video=lambda path: path.suffix in {".mkv", ".avi"},
    )
    assert not problems
    jobs = [*jobs]
    assert not any(job.problem for job in jobs)
    return {str(job.source): str(job.result) for job in jobs}


def done(inputs, output=None):
    """The same, as if it had been made and noted."""
    found = results(inputs, output)
    for source, result in found.items():
        Path(result).parent.mkdir(exist_ok=True)
        Path(result).touch()
        Record({}).add(Path(source), Path(result))
    return found


def test_a_source_of_another_format_is_named_in_full():
    made("a.bmp", "a.png", "clip.avi", "clip.mkv")
    expected = {
        "a.bmp": "a.bmp.x2.png",
        "a.png": "a.x2.png",
        "clip.avi": "clip.avi.x2.mkv",
        "clip.mkv": "clip.x2.mkv",
    }
    assert results(["."]) == expected
    assert results(["a.bmp"]) == {"a.bmp": "a.x2.png"}
    assert results(["a.bmp", "a.png"], "out/") == {"a.bmp": "out/a.bmp.png", "a.png": "out/a.png"}
    # No order of theirs changes it.
    assert results([*reversed(expected)]) == expected


def test_others_are_numbered():
    made("x/a.jpg", "y/a.jpg", "z/a.jpg", "w/a-2.jpg")
    assert results(["x/a.jpg", "y/a.jpg", "z/a.jpg", "w/a-2.jpg"], "out") == {
        "x/a.jpg": "out/a.jpg",
        "y/a.jpg": "out/a-3.jpg",
        "z/a.jpg": "out/a-4.jpg",
        "w/a-2.jpg": "out/a-2.jpg",
    }


def test_later_runs_know_them_again():
    x, y, z = made("x/a.jpg", "y/a.jpg", "z/a.jpg")
    first = done([x, y], "out")
    assert first == {x: "out/a.jpg", y: "out/a-2.jpg"}
    assert results([y, x], "out") == {y: "out/a-2.jpg", x: "out/a.jpg"}
    assert results([y], "out") == {y: "out/a-2.jpg"}
    # What is new gets a name that is nobody's, though its owner is not enhanced this time.
    assert results([z, x, y], "out")[z] == "out/a-3.jpg"
    assert results([x, z], "out") == {x: "out/a.jpg", z: "out/a-3.jpg"}
    # One alone wants its plain name, and --overwrite means that file.
    assert results([z], "out") == {z: "out/a.jpg"}


@pytest.mark.parametrize("letter", ["x", "é", "漢", "😀"])
def test_names_too_long_for_a_file_are_shortened(letter):
    width = len(letter.encode())
    (long,) = made(letter * (251 // width) + ".png")
    ((_, result),) = results([long]).items()
    assert result.endswith(f"{letter}.x2.png")
    Path(result).touch()
    ((_, result),) = results([long], "out").items()
    assert result.startswith(f"out/{letter}")


def test_long_names_of_one_beginning_stay_apart():
    names = made(*("x" * 248 + f"{i}.png" for i in range(3)))
    found = results(names)
    assert len({*found.values()}) == 3
    for result in found.values():
        Path(result).touch()


def test_a_path_that_no_file_can_have_fails_alone():
    (name,) = made("a.png")
    jobs, problems, _ = plan_jobs(
        [name, "x" * 300, "\0"],
        None,
        label="x2",
        format=None,
        recursive=False,
        is_picture=lambda path: True,
        is_video=lambda path: False,
    )
    assert [str(job.source) for job in jobs] == [name]
    assert [text[:1] for text, _ in problems] == ["x", "\0"]
