"""Which files count as inputs, by rules, and without holding them."""

from __future__ import annotations

import itertools
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from crispen.enhance.folders import Found, Tree
from crispen.enhance.inputs import Inputs, plan_jobs
from crispen.enhance.record import Record
from crispen.enhance.sources import Sources


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def wanted(path: Path) -> bool:
    return path.suffix in {".png", ".jpg", ".mp4"}


def tree(folder: str, *, recursive: bool = True, skip: str | None = None) -> Tree:
    return Tree(Path(folder), recursive, None if skip is None else Path(skip), wanted)


def sources(
    *inputs: str | Tree, together: Callable[[str], str] | None = None
) -> tuple[Sources, list[list[str]]]:
    """Files and folders as typed, and the names in each group."""
    typed = [(n, Found(Path(text))) for n, text in enumerate(inputs) if isinstance(text, str)]
    trees = {n: tree for n, tree in enumerate(inputs) if isinstance(tree, Tree)}
    found = Sources(typed, trees, together)
    return found, [[str(item.path) for item in group] for group in found.groups()]


def planned(*inputs: str, output: str | None = None) -> Inputs:
    return plan_jobs(
        inputs,
        output,
        label="x2",
        format=None,
        recursive=True,
        is_picture=lambda path: path.suffix in {".png", ".jpg"},
        is_video=lambda path: path.suffix == ".mp4",
    )


def test_folders_come_in_order_and_once() -> None:
    made("in/b/2.png", "in/b/1.png", "in/a/3.png", "in/z.png", "in/b/c/4.png", "in/.h/5.png")
    _, groups = sources(tree("in"))
    right = [["in/z.png"], ["in/a/3.png"], ["in/b/1.png", "in/b/2.png"], ["in/b/c/4.png"]]
    assert groups == right
    # A folder below another one, and a file in it, change nothing.
    assert sources(tree("in"), tree("in/b"), "in/b/1.png")[1] == [*right, [], []]
    first = sources("in/b/1.png", tree("in"))[1]
    assert sorted(name for group in first for name in group) == sorted(itertools.chain(*right))


def test_a_file_is_found_by_its_real_path_only_if_the_walk_finds_it(here: Path) -> None:
    made("in/a.png", "in/a.txt", "in/.h.png", "in/.h/a.png", "in/out/a.png", "in/b/a.png", "c.png")
    found = tree("in", skip="in/out")
    right = {"in/a.png": "in/a.png", "in/b/a.png": "in/b/a.png"}
    for path in here.rglob("*"):
        name = path.relative_to(here).as_posix()
        assert found.find(str(path)) == (Path(right[name]) if name in right else None)
    assert found.find(str(here / "in/gone.png")) is None
    assert tree("in", recursive=False).find(str(here / "in/b/a.png")) is None


def test_a_link_counts_only_if_its_file_is_no_input(here: Path) -> None:
    made("in/b/a.png", "far/f.png", "far/g.png")
    for link, target in (("0", "in/b/a"), ("l", "far/f"), ("m", "far/f"), ("n", "far/g")):
        Path(f"in/{link}.png").symlink_to(here / f"{target}.png")
    found, groups = sources(tree("in"))
    assert groups == [["in/l.png", "in/n.png"], ["in/b/a.png"]]
    assert found.find(str(here / "far/f.png")) == Path("in/l.png")
    # Each time the same.
    assert [[str(item.path) for item in group] for group in found.groups()] == groups
    assert sources(tree("in"), "far/g.png")[1] == [["in/l.png"], ["in/b/a.png"], ["far/g.png"]]


@pytest.mark.parametrize("output", [None, "out"])
def test_results_of_several_folders_stay_apart(output: str | None) -> None:
    made("x/s/a.png", "y/s/a.png", "y/s/b.png", "x/a.png")
    found = {str(job.source): str(job.result) for job in planned("x", "y", output=output).jobs}
    assert len({*found.values()}) == 4
    if output is not None:
        assert found == {
            "x/a.png": "out/a.png",
            "x/s/a.png": "out/s/a.png",
            "y/s/a.png": "out/s/a-2.png",
            "y/s/b.png": "out/s/b.png",
        }


def test_folders_that_are_one_where_cases_do_not_count_are_settled_together() -> None:
    made("in/Sub/a.png", "in/sub/a.png", "in/t/a.png")
    assert sources(tree("in"), together=str.casefold)[1] == [
        [],
        ["in/Sub/a.png", "in/sub/a.png"],
        ["in/t/a.png"],
    ]


def test_a_typed_file_meets_those_of_its_folder() -> None:
    made("in/scan", "in/scan.png")
    found = {str(job.source): str(job.result) for job in planned("in", "in/scan").jobs}
    assert found == {"in/scan": "in/scan-2.x2.png", "in/scan.png": "in/scan.x2.png"}


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_result_under_another_name_of_an_input_is_refused(
    here: Path, link: Callable[[Path, Path], None]
) -> None:
    made("in/a.png", "in/b.png", "out/x")
    link(here / "in/b.png", here / "out/a.png")
    jobs = [*planned("in", output="out/").jobs]
    assert [str(job.problem or "")[:44] for job in jobs] == [
        "the result out/a.png would replace the input",
        "",
    ]


def test_files_that_come_and_go_correct_the_number() -> None:
    made("in/a.png", "in/b/c.png", "in/d/e.png")
    jobs = planned("in").jobs
    assert (len(jobs), jobs.count(video=True)) == (3, 0)
    Path("in/b/c.png").unlink()
    Path("in/b").rmdir()
    made("in/d/f.png", "in/d/g.mp4")
    seen = iter(jobs)
    next(seen)
    Path("in/d/f.png").unlink()
    assert [job.source_name for job in seen] == ["in/d/e.png", "in/d/g.mp4"]
    assert (len(jobs), jobs.count(video=True)) == (3, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everywhere")
def test_a_folder_that_cannot_be_read_any_more_is_reported() -> None:
    made("in/a.png", "in/b/c.png")
    jobs = planned("in").jobs
    Path("in/b").chmod(0)
    found = [*jobs]
    Path("in/b").chmod(0o700)
    assert [job.source_name for job in found] == ["in/a.png", "in/b"]
    assert "cannot be read" in str(found[1].problem)


def test_results_of_the_run_itself_are_no_inputs() -> None:
    """As if each was made as soon as its job is known."""
    made("in/a.png", "in/b/c.png", "in/b/d.png")
    record, names = Record({}), []
    for job in planned("in", "in/b").jobs:
        assert job.source is not None
        assert job.result is not None
        job.result.touch()
        record.add(job.source, job.result)
        names.append(job.source_name)
    assert names == ["in/a.png", "in/b/c.png", "in/b/d.png"]
    assert [job.source_name for job in planned("in").jobs] == names


def test_memory_does_not_grow_with_the_files_of_a_folder() -> None:
    """20,000 empty files in folders of 1,000: 1.5 KB for each of them were 30 MB."""
    for number in range(20_000):
        folder = f"in/{number // 1000:02}"
        if number % 1000 == 0:
            os.makedirs(folder)
        os.close(os.open(f"{folder}/photo-{number:06}.png", os.O_CREAT | os.O_WRONLY))
    planned("in/00")  # what is imported and cached once
    tracemalloc.start()
    try:
        count = sum(1 for job in planned("in", output="out/").jobs)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 20_000
    # A folder's names have 80 KB; Python's table of path parts may grow once.
    assert peak < 4 << 20
