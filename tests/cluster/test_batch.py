"""Batches on a Ray of several nodes, as `crispen enhance --cluster` runs them."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from crispen.cluster import batch as cluster
from crispen.cluster import clips, pictures
from crispen.cluster.pool import Supply
from crispen.cluster.worker import Setup, Worker
from crispen.enhance import batch
from crispen.enhance.outcome import Options, Outcome
from crispen.enhance.record import NAME
from crispen.enhance.request import Request
from crispen.enhance.video import making

from ..ray_nodes import Nodes

# Ray leaves the files of its logs open.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

OPTIONS = Options(Request(models=("espcn",)), threads=1, recursive=True)
# Of the clip's 40 frames 5 each.
SEGMENT_S = 0.2


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "SEGMENT_S", SEGMENT_S)
    monkeypatch.setattr(making, "SEGMENT_S", SEGMENT_S)
    monkeypatch.setattr(making.make_video, "__kwdefaults__", _defaults())


def _defaults() -> dict[str, object]:
    return {**(making.make_video.__kwdefaults__ or {}), "segment_s": SEGMENT_S}


@pytest.fixture(scope="session")
def expected(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What one machine makes."""
    folder = tmp_path_factory.mktemp("one")
    before = making.make_video.__kwdefaults__
    making.make_video.__kwdefaults__ = _defaults()
    try:
        outcomes = batch.enhance_all([str(photos)], f"{folder}/", OPTIONS)
    finally:
        making.make_video.__kwdefaults__ = before
    assert {o.status for o in outcomes} == {"done"}
    return hashes(folder)


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "/." not in f"/{path.relative_to(folder).as_posix()}"
    }


def left_over(folder: Path) -> list[str]:
    """What should not be there at the end."""
    return [p.name for p in folder.rglob(".*") if p.name != NAME]


def recorded(folder: Path) -> Counter[str]:
    """How often each result is in the records."""
    return Counter(
        (record.parent / json.loads(line)["name"]).relative_to(folder).as_posix()
        for record in folder.rglob(NAME)
        for line in record.read_text().splitlines()
    )


def enhanced(
    nodes: Nodes, photos: Path, out: Path, report: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    return cluster.enhance_all(
        [str(photos)], f"{out}/", OPTIONS, report=report, address=nodes.address
    )


def test_results_are_those_of_one_machine(
    ray_nodes: Nodes, photos: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    outcomes = enhanced(ray_nodes, photos, tmp_path)
    assert Counter(o.status for o in outcomes) == {"done": 13}
    assert hashes(tmp_path) == expected
    assert left_over(tmp_path) == []
    assert recorded(tmp_path) == dict.fromkeys(expected, 1)
    # Both nodes did something, and the clip's segments were made by both.
    assert len({n for o in outcomes for n in o.node.split(", ")}) == 2
    (clip,) = [o for o in outcomes if o.source.endswith("clip.mp4")]
    assert len(clip.node.split(", ")) == 2
    assert clip.frames == 40
    # One machine takes them for its own, and so does the cluster.
    again = batch.enhance_all([str(photos)], f"{tmp_path}/", OPTIONS)
    assert {o.status for o in again} == {"skipped"}
    assert {o.status for o in enhanced(ray_nodes, photos, tmp_path)} == {"skipped"}


def test_lost_nodes_lose_nothing(
    ray_nodes: Nodes, photos: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    chance = random.Random(15)
    before = ray_nodes.lost
    for number in range(2):
        out = tmp_path / str(number)
        # Early enough that there is work left for the others.
        kills = {chance.randrange(9)}
        told: list[Outcome] = []

        def report(outcome: Outcome, told: list[Outcome] = told, kills: set[int] = kills) -> None:
            if len(told) in kills:
                ray_nodes.lose(chance.randrange(len(ray_nodes.nodes)))
                ray_nodes.add()
            told.append(outcome)

        outcomes = enhanced(ray_nodes, photos, out, report=report)
        assert outcomes == told
        assert Counter(o.status for o in outcomes) == {"done": 13}
        assert hashes(out) == expected
        assert recorded(out) == dict.fromkeys(expected, 1)
        assert left_over(out) == []
    assert ray_nodes.lost == before + 2


class Poisoned:
    """Work that ends its process where one picture is in it."""

    def __init__(self, work: pictures.PictureWork) -> None:
        self.work = work

    def __call__(self, worker: object) -> object:
        import os as system

        if any(job.source.name == "p05.webp" for job in self.work.jobs):
            system.kill(system.getpid(), 9)
        return self.work(worker)


def test_a_file_that_ends_its_process_fails_after_three_tries_and_the_rest_goes_on(
    ray_nodes: Nodes,
    photos: Path,
    expected: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    plain = pictures.PictureTask.work
    begun = 0

    def work(self: pictures.PictureTask) -> Poisoned:
        nonlocal begun
        sent = plain(self)
        begun += any(job.source is not None and job.source.stem == "p05" for job in sent.jobs)
        return Poisoned(sent)

    monkeypatch.setattr(pictures.PictureTask, "work", work)
    outcomes = enhanced(ray_nodes, photos, tmp_path)
    assert Counter(o.status for o in outcomes) == {"done": 12, "failed": 1}
    (failed,) = [o for o in outcomes if o.status == "failed"]
    assert failed.source.endswith("p05.webp")
    assert "ended 3 times" in failed.error
    assert begun >= 3
    assert hashes(tmp_path) == {k: v for k, v in expected.items() if "p05" not in k}
    assert left_over(tmp_path) == []


def test_a_driver_that_is_killed_loses_nothing(
    ray_nodes: Nodes, photos: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "crispen", "enhance", str(photos), "-r", "-o", f"{tmp_path}/"]
    command += ["--model", "espcn", "--threads", "1", "--cluster", ray_nodes.address, "--json"]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert first.stdout is not None
    told = [json.loads(first.stdout.readline()) for _ in range(3)]
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert {line["status"] for line in told} == {"done"}
    assert all(line["node"] for line in told)
    made = hashes(tmp_path)
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    lines = [json.loads(line) for line in second.stdout.splitlines()]
    skipped = {line["source"] for line in lines if line["status"] == "skipped"}
    assert {line["source"] for line in told} <= skipped
    assert len(lines) == 13
    assert {k: v for k, v in hashes(tmp_path).items() if k in made} == made
    # The record and the files agree: nothing was made twice.
    assert set(recorded(tmp_path).values()) == {1}


def test_a_cluster_is_reached_from_outside(
    ray_nodes: Nodes, photos: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "crispen", "enhance", str(photos / "p00.png")]
    command += [str(photos / "below"), "-o", f"{tmp_path}/", "--model", "espcn", "--cluster"]
    done = subprocess.run(
        [*command, ray_nodes.outside, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(json.loads(line)["node"] for line in done.stdout.splitlines())
    right = {name.removeprefix("below/"): digest for name, digest in expected.items()}
    made = hashes(tmp_path)
    assert len(made) == 7
    assert made.items() <= right.items()


def test_a_file_that_fails_does_not_stop_the_rest(
    ray_nodes: Nodes, photos: Path, tmp_path: Path
) -> None:
    here = tmp_path / "in"
    here.mkdir()
    (here / "a.png").write_bytes((photos / "p00.png").read_bytes())
    (here / "b.png").write_bytes(b"no picture")
    (here / "c.mp4").write_bytes(b"no clip")
    outcomes = {Path(o.source).name: o for o in enhanced(ray_nodes, here, tmp_path / "out")}
    assert outcomes["a.png"].status == "done"
    alone = batch.enhance_all([str(here)], f"{tmp_path}/one/", OPTIONS)
    for one in alone:
        there = outcomes[Path(one.source).name]
        assert there.error == one.error.replace("/one/", "/out/")


class Alone:
    """In place of `pool.Pool`: a worker in this process, so that no Ray is needed."""

    def __init__(
        self, ray: object, worker: type[Worker], setup: Setup, share: object, head: object
    ) -> None:
        self.folders = setup.folders
        self.worker = worker(setup)
        self.do = SimpleNamespace(remote=self.worker.do)

    def run(self, supply: Supply) -> Iterator[None]:
        while not supply.finished:
            task = supply.next(1)
            if task is not None:
                task.done(task.send(self), "here")
            supply.tick()
            yield

    def close(self) -> None:
        self.worker.batch.enhancer.close()


def test_files_are_listed_as_they_are_sent(
    photos: Path, expected: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that is gone by then is not missed, and one that has come is taken as well."""
    here = tmp_path / "in"
    shutil.copytree(photos, here)
    monkeypatch.setattr(cluster, "connected", nullcontext)
    monkeypatch.setattr(cluster, "Head", lambda *_: None)
    monkeypatch.setattr(cluster, "Pool", Alone)
    told: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        if not told:
            (here / "below/p11.webp").unlink()
            shutil.copy(here / "p00.png", here / "below/p99.png")
        told.append(outcome)

    out = tmp_path / "out"
    cluster.enhance_all([str(here)], f"{out}/", OPTIONS, report=report, address="here")
    assert Counter(o.status for o in told) == {"done": 13}
    made = hashes(out)
    assert made.pop("below/p99.png") == expected["p00.png"]
    assert made == {k: v for k, v in expected.items() if k != "below/p11.webp"}
    assert left_over(out) == []


def test_an_address_where_nobody_answers_is_told_in_one_line(tmp_path: Path, photos: Path) -> None:
    pytest.importorskip("ray")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "crispen", "enhance", str(photos / "p00.png")),
            *("-o", f"{tmp_path}/", "--cluster", "127.0.0.1:1"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no cluster answers there" in done.stderr.splitlines()[-1]
