"""How well a batch scales over the nodes of a cluster, and what is lost when nodes fail.

python benchmarks/cluster.py            efficiency on 1, 2 and 4 nodes; prediction for 1000
python benchmarks/cluster.py --kill 30  30 batches in which a node is killed at a random moment
python benchmarks/cluster.py --hand-out the coordinating process alone, with workers that do nothing

The nodes are Ray's test nodes: each has its own raylet, object store and workers, all on this
machine. Each is pinned to its share of the processors, so that nodes cannot help each other.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from _coordination import Cost, simulate
from _table import print_table
from crispen.cluster import batch as cluster
from crispen.cluster import pictures
from crispen.enhance import batch as alone
from crispen.enhance.outcome import Options, Outcome
from crispen.enhance.record import NAME
from crispen.enhance.request import Request
from crispen.media.image import Image, write_image

OPTIONS = Options(Request(models=("espcn-x2",), format="png"), threads=1)
STORE_BYTES = 80 << 20
# Small ones, which say most about overhead, and some of a seventh of a megapixel.
SIDES = (192, 384)
EMPTY = 4000
FUTURE_NODES, FUTURE_PICTURES = 1000, 2_000_000


class Nodes:
    """A head without processors, and killable nodes with one processor each."""

    def __init__(self, count: int) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "object_store_memory": STORE_BYTES, "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._cores = sorted(os.sched_getaffinity(0))
        self.nodes: list[Any] = []
        self.address = str(self._cluster.address)
        for number in range(count):
            self.add(number)

    def add(self, number: int) -> None:
        """Start a node on its share of the processors."""
        mine = {self._cores[number % len(self._cores)]}
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, mine)
        try:
            node = self._cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES, wait=False)
        finally:
            os.sched_setaffinity(0, before)
        self.nodes.append(node)

    def kill(self, number: int) -> None:
        """Kill a node and everything that runs on it."""
        node = self.nodes.pop(number)
        workers = _workers(node)
        self._cluster.remove_node(node, allow_graceful=False)
        _end(workers)

    def close(self) -> None:
        """Stop everything."""
        for node in self.nodes:
            _end(_workers(node))
        self._cluster.shutdown()


def _workers(node: Any) -> list[int]:
    (raylet,) = node.all_processes["raylet"]
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{raylet.process.pid}/task").iterdir():
            found += [int(p) for p in (task / "children").read_text().split()]
    return found


def _end(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def running(count: int) -> Iterator[Nodes]:
    """Nodes that are stopped after the block."""
    nodes = Nodes(count)
    try:
        yield nodes
    finally:
        nodes.close()


def make_pictures(folder: Path, count: int, side: int = SIDES[0]) -> None:
    """Noise and waves, the same each time."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    for number in range(count):
        waves = 128 + 90 * np.sin(np.dstack([x / 9, y / 7, (x + y) / (5 + number % 5)]))
        noisy = np.clip(waves + chance.normal(0, 6, waves.shape), 0, 255)
        write_image(Image(noisy.astype(np.uint8)), folder / f"p{number:05}.png")


@dataclass(frozen=True, slots=True)
class Measured:
    """One batch.

    Attributes:
        nodes: Number of nodes.
        start_s: Seconds until the first result.
        wall_s: Seconds from the first result to the last.
        work_s: Seconds of work for all but the first results.
        driver_s: Processor time of the distributing process, per picture.
        files: Number of files.
    """

    nodes: int
    start_s: float
    wall_s: float
    work_s: float
    driver_s: float
    files: int

    @property
    def rate(self) -> float:
        """Pictures per second."""
        return self.files / self.wall_s

    @property
    def overhead_ms(self) -> float:
        """The overhead per picture."""
        return 1e3 * max(0.0, self.wall_s * self.nodes - self.work_s) / self.files


def measure(nodes: Nodes, source: Path, out: Path) -> Measured:
    """Enhance a folder, and measure."""
    began, cpu = time.perf_counter(), time.process_time()
    told: list[tuple[float, Outcome]] = []

    def report(outcome: Outcome) -> None:
        told.append((time.perf_counter(), outcome))

    shutil.rmtree(out, ignore_errors=True)
    cluster.enhance_all([str(source)], f"{out}/", OPTIONS, None, report, address=nodes.address)
    assert {o.status for _, o in told} == {"done"}, Counter(o.error for _, o in told)
    # Each worker opens its engines for its first pictures.
    seen: set[str] = set()
    first = next(
        n for n, (_, o) in enumerate(told) if not seen.add(o.node) and len(seen) == len(nodes.nodes)
    )
    rest = told[first + 1 :]
    return Measured(
        len(nodes.nodes),
        told[0][0] - began,
        rest[-1][0] - told[first][0],
        sum(o.seconds for _, o in rest),
        (time.process_time() - cpu) / len(told),
        len(rest),
    )


@dataclass(frozen=True, slots=True)
class Idle:
    """In place of `pictures.PictureWork`: says that pictures took so long, and makes none.

    Attributes:
        work: What it replaces.
        seconds: What each picture claims to have taken.
    """

    work: Any
    seconds: float

    def __call__(self, worker: Any) -> list[tuple[Outcome, dict[str, Any]]]:
        """As `pictures.PictureWork`."""
        told = []
        for job, result in zip(self.work.jobs, self.work.results, strict=True):
            job.result.touch()
            note = worker.batch.records[False].note(job.source, result, draft=job.result)
            outcome = Outcome(job.source_name, job.result_name, "done", seconds=self.seconds)
            told.append((outcome, note))
        return told


def hand_out(nodes: Nodes, source: Path, out: Path, seconds: float) -> tuple[float, float]:
    """What the coordinating process does for pictures that claim to take `seconds`.

    Returns:
        Pictures a task, and seconds of processor time a picture.
    """
    plain = pictures.PictureTask.work
    marks: list[tuple[int, float]] = []
    tasks = 0

    def work(task: pictures.PictureTask) -> Any:
        nonlocal tasks
        tasks += 1
        return Idle(plain(task), seconds)

    def report(outcome: Outcome) -> None:
        assert outcome.status == "done", outcome.error
        marks.append((tasks, time.process_time()))

    pictures.PictureTask.work = work  # type: ignore[assignment,method-assign]
    try:
        shutil.rmtree(out, ignore_errors=True)
        cluster.enhance_all([str(source)], f"{out}/", OPTIONS, None, report, address=nodes.address)
    finally:
        pictures.PictureTask.work = plain  # type: ignore[method-assign]
    # Without the start, nor the end, where tasks are smaller.
    (first, began), (last, ended) = marks[len(marks) // 10], marks[len(marks) * 7 // 10]
    count = len(marks) * 7 // 10 - len(marks) // 10
    return count / (last - first), (ended - began) / count


def coordination(folder: Path, count: int) -> Cost:
    """The table of what pictures and tasks cost the coordinating process."""
    source = folder / "small"
    make_pictures(source, 1)
    (one,) = source.iterdir()
    for number in range(count - 1):
        shutil.copy(one, source / f"q{number:06}.png")
    with running(2) as nodes:
        found = [hand_out(nodes, source, folder / "out", s) for s in (0.005, 0.05, 0.5)]
    rows = [[f"{size:.1f}", f"{1e3 * cpu:.2f} ms", f"{1 / cpu:,.0f}"] for size, cpu in found]
    header = ["pictures a task", "CPU a picture", "pictures/s at most"]
    print_table(f"{count} pictures handed out to workers that do nothing", header, rows)
    return Cost.fitted(found)


def measured(folder: Path, count: int, side: int, most: int) -> list[Measured]:
    """The table of a batch on more and more nodes."""
    source = folder / f"in{side}"
    make_pictures(source, count, side)
    found: list[Measured] = []
    for nodes in (n for n in (1, 2, 4) if n <= most):
        with running(nodes) as ray_nodes:
            found.append(measure(ray_nodes, source, folder / "out"))
    cores = len(os.sched_getaffinity(0))
    rows = [
        [
            str(m.nodes),
            f"{min(1.0, cores / m.nodes):g}",
            f"{m.start_s:.1f} s",
            f"{m.rate:.1f}",
            f"{m.rate / (found[0].rate * min(m.nodes, cores)):.2f}",
            f"{m.overhead_ms:.1f} ms",
            f"{1e3 * m.driver_s:.1f} ms",
        ]
        for m in found
    ]
    header = ["nodes", "cores each", "first result", "pictures/s", "of linear"]
    header += ["overhead a picture", "driver's CPU a picture"]
    print_table(f"{count} pictures of {side}x{side}, {cores} processors", header, rows)
    return found


def efficiency(folder: Path, count: int, most: int) -> None:
    """The tables, and the model fitted to them."""
    found, *_ = [measured(folder, count, side, most) for side in SIDES]
    cost = coordination(folder, EMPTY)
    overhead_s = statistics.median(m.overhead_ms for m in found) / 1e3
    rows = []
    for work_s in (0.05, 0.5, 5.0):
        took, busy = simulate(FUTURE_NODES, FUTURE_PICTURES, work_s, overhead_s, cost)
        ideal = FUTURE_PICTURES * work_s / FUTURE_NODES
        why = "the one process that hands out work" if busy > 0.95 else "the work"
        rows.append([f"{work_s:g} s", _time(ideal), _time(took), f"{ideal / took:.2f}", why])
    print_table(
        f"{FUTURE_PICTURES:,} pictures on {FUTURE_NODES:,} nodes of one worker, by simulation",
        ["a picture", "at best", "took", "of linear", "bottleneck"],
        rows,
    )


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds > 3600 else f"{seconds / 60:.1f} min"


def hashes(folder: Path) -> dict[str, str]:
    """The content of each result."""
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.iterdir()
        if not p.name.startswith(".")
    }


def kill_loop(folder: Path, rounds: int, count: int) -> None:
    """Batches in which nodes die, compared with an undisturbed one."""
    chance = random.Random(0)
    source = folder / "in"
    make_pictures(source, count)
    alone.enhance_all([str(source)], f"{folder / 'right'}/", OPTIONS)
    right = hashes(folder / "right")
    counts: Counter[str] = Counter()
    with running(2) as nodes:
        out = folder / "out"
        for number in range(rounds):
            shutil.rmtree(out, ignore_errors=True)
            doomed = chance.randrange(count * 3 // 4)
            told: list[Outcome] = []

            def report(outcome: Outcome, told: list[Outcome] = told, doomed: int = doomed) -> None:
                if len(told) == doomed:
                    nodes.kill(chance.randrange(len(nodes.nodes)))
                    counts["nodes killed"] += 1
                    nodes.add(len(nodes.nodes))
                told.append(outcome)

            outcomes = cluster.enhance_all(
                [str(source)], f"{out}/", OPTIONS, None, report, address=nodes.address
            )
            found = hashes(out)
            noted = Counter(line.split('"')[3] for line in (out / NAME).read_text().splitlines())
            counts["batches"] += 1
            counts["files"] += len(outcomes)
            counts["lost"] += len(right.keys() - found.keys())
            counts["different"] += sum(found.get(n, right[n]) != right[n] for n in right)
            counts["doubled"] += sum(n > 1 for n in noted.values())
            counts["left over"] += len([p for p in out.glob(".*") if p.name != NAME])
            print(f"{number + 1} of {rounds}: {dict(counts)}", flush=True)
    names = ("batches", "nodes killed", "files", "lost", "different", "doubled", "left over")
    print_table(f"nodes killed in {rounds} batches", names, [[str(counts[n]) for n in names]])


def main() -> None:
    """Run the requested benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kill", type=int, default=0, metavar="ROUNDS")
    parser.add_argument("--hand-out", action="store_true")
    parser.add_argument("--pictures", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=4, help="as many at most")
    chosen = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with tempfile.TemporaryDirectory() as folder:
        if chosen.kill:
            kill_loop(Path(folder), chosen.kill, chosen.pictures or 60)
        elif chosen.hand_out:
            coordination(Path(folder), chosen.pictures or EMPTY)
        else:
            efficiency(Path(folder), chosen.pictures or 300, chosen.nodes)


if __name__ == "__main__":
    main()
