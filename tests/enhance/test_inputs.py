import json
import os
from pathlib import Path

import pytest

from crispen.enhance.inputs import plan_jobs
from crispen.enhance.naming import check_format, suffix_for
from crispen.enhance.record import NAME, Record
from crispen.errors import UsageError

PICTURES = {".png", ".jpg", ".bmp"}


def apart(jobs, problems):
    """The jobs that can be done, and all reasons why others cannot."""
    refused = [(job.source_name, job.problem) for job in jobs if job.problem is not None]
    return [job for job in jobs if job.problem is None], [*problems, *refused]


def plan(inputs, output=None, *, label="x2", format=None, recursive=False):
    found = plan_jobs(
        [str(i) for i in inputs],
        None if output is None else str(output),
        label=label,
        format=format,
        recursive=recursive,
        is_picture=lambda path: path.suffix in PICTURES,
        is_video=lambda path: path.suffix in {".mp4", ".avi"},
    )
    jobs = [*found.jobs]
    assert len(found.jobs) == len(jobs)
    for video in (False, True):
        assert found.jobs.count(video=video) == sum(job.video == video for job in jobs)
    return apart(jobs, found.problems)


def results(inputs, output=None, **more):
    jobs, problems = plan(inputs, output, **more)
    assert not problems
    return [str(job.result) for job in jobs]


def recorded(result, source):
    """As if a run had made `result` of `source`."""
    Path(result).touch()
    Record({}).add(Path(source), Path(result))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ("a.png", "b.jpg", "a.x2.png", "clip.mp4", "notes.txt", "sub/c.png", ".hidden.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    recorded(tmp_path / "a.x2.png", tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_beside_the_source(tree):
    assert results(["a.png"]) == ["a.x2.png"]
    assert results(["sub/c.png"], label="3840x2160") == ["sub/c.3840x2160.png"]
    assert results(["a.png"], format="jpeg") == ["a.x2.jpg"]
    assert results(["b.jpg"], format="jpeg") == ["b.x2.jpg"]
    assert results(["clip.mp4"], format="mkv") == ["clip.x2.mkv"]


def test_folders_leave_out_what_is_no_picture_and_earlier_results(tree):
    assert results(["."]) == ["a.x2.png", "b.x2.jpg", "clip.x2.mp4"]
    assert results(["."], recursive=True)[-1] == "sub/c.x2.png"


def test_only_what_the_record_names_is_an_earlier_result(tree):
    (tree / "a.denoise.png").touch()  # the person's own
    assert results(["."]) == ["a.denoise.x2.png", "a.x2.png", "b.x2.jpg", "clip.x2.mp4"]


def test_a_record_that_does_not_say_of_what(tree):
    """As 0.2 wrote them."""
    notes = [json.loads(line) for line in (tree / NAME).read_text().splitlines()]
    old = [json.dumps({k: v for k, v in note.items() if k != "of"}) for note in notes]
    (tree / NAME).write_text("\n".join(old))
    assert results(["a.png", "a.x2.png"]) == ["a.x2.png"]
    assert results(["b.jpg", "a.x2.png"]) == ["b.x2.jpg", "a.x2.x2.png"]


def test_results_in_another_folder_are_recognised(tree):
    (tree / "out").mkdir()
    recorded(tree / "out/a.png", tree / "a.png")
    assert not {"out/a.x2.png"} & {*results(["."], recursive=True)}
    # Alone they are pictures like any other.
    assert results(["out"]) == ["out/a.x2.png"]


@pytest.mark.parametrize("link", ["0.png", "z.png"])
def test_of_a_file_and_links_to_it_its_own_name_counts(tree, link):
    (tree / link).symlink_to("a.png")
    assert results(["."]) == ["a.x2.png", "b.x2.jpg", "clip.x2.mp4"]
    assert results([link, "a.png"]) == ["a.x2.png"]
    assert results([link]) == [f"{link[0]}.x2.png"]


def test_an_earlier_result_is_taken_when_named(tree):
    assert results(["a.x2.png"]) == ["a.x2.x2.png"]


def test_a_pattern_leaves_out_earlier_results_as_a_folder_does(tree):
    assert results(["*.png"]) == ["a.x2.png"]
    assert results(["*.png"], "out") == ["out/a.png"]
    # As the shell expands it.
    assert results(["a.png", "a.x2.png"]) == ["a.x2.png"]
    assert results(["./a.png", tree / "a.x2.png", "b.jpg"], "out") == ["out/a.png", "out/b.jpg"]
    # Its source is not enhanced now.
    assert results(["sub/c.png", "a.x2.png"])[1] == "a.x2.x2.png"


def test_a_result_without_its_source_is_a_picture_like_any_other(tree):
    (tree / "a.png").unlink()
    assert "a.x2.x2.png" in results(["."])


def test_mirrored(tree):
    assert results([tree], "out", recursive=True) == [
        "out/a.png",
        "out/b.jpg",
        "out/clip.mp4",
        "out/sub/c.png",
    ]
    assert results(["a.png", "sub/c.png"], "out") == ["out/a.png", "out/c.png"]


def test_the_output_folder_is_not_walked(tree):
    (tree / "out").mkdir()
    (tree / "out/a.png").write_bytes(b"")
    assert "out/out/a.png" not in results(["."], "out", recursive=True)


def test_one_input_and_a_file(tree):
    assert results(["a.png"], "big.jpg") == ["big.jpg"]
    assert results(["a.png"], "big") == ["big/a.png"]
    assert results(["a.png"], "big.jpg/") == ["big.jpg/a.png"]
    assert results(["a.png"], "sub") == ["sub/a.png"]


def test_several_inputs_do_not_go_into_one_file(tree):
    for inputs in (["a.png", "b.jpg"], ["*.*g"], ["."]):
        for name in ("out.png", "out.mp4"):
            with pytest.raises(UsageError, match=rf"-o {name}: one file cannot take"):
                plan(inputs, name)
    assert results(["a.png", "b.jpg"], "out.png/") == ["out.png/a.png", "out.png/b.jpg"]
    assert results(["a.png", "b.jpg"], "2024.07") == ["2024.07/a.png", "2024.07/b.jpg"]
    (tree / "out.png").mkdir()
    assert results(["a.png", "b.jpg"], "out.png") == ["out.png/a.png", "out.png/b.jpg"]


def test_patterns(tree):
    assert results(["*.jpg"]) == ["b.x2.jpg"]
    assert results(["**/c.*"]) == ["sub/c.x2.png"]
    jobs, problems = plan(["*.gif"])
    assert not jobs
    assert "no file matches" in str(problems[0][1])


def test_a_file_whose_name_looks_like_a_pattern(tree):
    (tree / "a[1].png").write_bytes(b"")
    assert results(["a[1].png"]) == ["a[1].x2.png"]


def test_the_same_file_twice_is_done_once(tree):
    assert results(["a.png", "./a.png", tree / "a.png"]) == ["a.x2.png"]


def test_missing_and_empty_inputs_do_not_stop_the_rest(tree):
    (tree / "empty").mkdir()
    jobs, problems = plan(["gone.png", "empty", "a.png"])
    assert [job.source for job in jobs] == [Path("a.png")]
    assert [text for text, _ in problems] == ["gone.png", "empty"]
    assert "no such file" in str(problems[0][1])
    assert "--recursive" in str(problems[1][1])


def test_streams(tree):
    (job,), _ = plan(["-"])
    assert (job.source, job.result) == (None, None)
    (job,), _ = plan(["-"], "out.png")
    assert (job.source, job.result) == (None, Path("out.png"))
    (job,), _ = plan(["a.png"], "-")
    assert (job.source, job.result) == (Path("a.png"), None)
    for inputs, output in (
        (["-", "a.png"], None),
        (["-", "-"], None),
        (["a.png", "b.jpg"], "-"),
        (["clip.mp4"], "-"),
        (["-"], "sub"),
    ):
        with pytest.raises(UsageError):
            plan(inputs, output)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_input_is_never_overwritten(tree, link):
    with pytest.raises(UsageError, match="would replace the input"):
        plan(["a.png"], "a.png")
    with pytest.raises(UsageError, match="would replace the input"):
        plan(["."], ".")
    link(tree / "a.png", tree / "other.png")
    with pytest.raises(UsageError, match="would replace the input"):
        plan(["a.png"], "other.png")


def test_a_result_that_would_replace_an_input_fails_alone(tree):
    (tree / "b.x2.jpg").touch()
    jobs, problems = plan(["."])
    assert [str(job.source) for job in jobs] == ["a.png", "b.x2.jpg", "clip.mp4"]
    ((name, error),) = problems
    assert name == "b.jpg"
    assert "would replace the input b.x2.jpg" in str(error)


def test_addresses_are_told_from_patterns(tree):
    for text, told in (
        (
            "https://example.org/a.jpg?size=1",
            "an address, and files are not fetched here; download",
        ),
        ("file:///tmp/a%20b.jpg", "give /tmp/a b.jpg"),
    ):
        jobs, ((_, error),) = plan([text])
        assert not jobs
        assert told in str(error)


def test_what_a_shell_makes_of_a_command_needs_a_name(tree):
    read, write = os.pipe()
    with pytest.raises(UsageError, match=r"has no folder for its result; give -o FILE"):
        plan([f"/dev/fd/{read}"])
    assert results([f"/dev/fd/{read}"], "out.png") == ["out.png"]
    os.close(read)
    os.close(write)


def test_formats():
    assert suffix_for(Path("a.JPG"), video=False, format=None) == ".JPG"
    assert suffix_for(Path("a.bmp"), video=False, format=None) == ".png"
    assert suffix_for(Path("a"), video=False, format=None) == ".png"
    assert suffix_for(Path("a.tif"), video=False, format="tiff") == ".tif"
    assert suffix_for(Path("a.avi"), video=True, format=None) == ".mkv"
    # A picture's format says nothing about a video beside it.
    assert suffix_for(Path("a.mov"), video=True, format="png") == ".mov"
    check_format("PNG")
    with pytest.raises(
        UsageError, match=r"jpegg: this format cannot be written.*choose one of avif, .*webm"
    ):
        check_format("jpegg")
    with pytest.raises(UsageError, match=r"mp4 is for videos, and the input is a picture"):
        check_format("mp4", videos=False)
    with pytest.raises(UsageError, match=r"png is for pictures.*choose one of mkv, .*gif, webp$"):
        check_format("png", pictures=False)


@pytest.mark.parametrize(
    ("name", "format", "fits"),
    [
        ("o.png", "jpeg", False),
        ("o.jpeg", "jpg", True),
        ("o.JFIF", "jpeg", True),
        ("o.tif", "tiff", True),
        ("o.apng", "png", True),
        ("o.webp", "mp4", True),
    ],
)
def test_a_name_that_contradicts_the_format_is_refused(tree, name, format, fits):
    if fits:
        assert results(["a.png"], name, format=format) == [name]
        return
    with pytest.raises(UsageError, match=r"o\.png: its name does not fit --format jpeg"):
        plan(["a.png"], name, format=format)
