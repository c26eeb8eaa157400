"""A pool whose workers are actors on a Ray of two nodes: they and their machines are lost."""

from __future__ import annotations

import logging
import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from crispen.cluster import head as heads
from crispen.cluster.share import Share
from crispen.enhance.request import Request
from crispen.errors import UsageError
from crispen.jobs.file_kinds import Bounds, examine
from crispen.jobs.job import Job, JobSpec
from crispen.jobs.job_folder import SOURCE, result_path
from crispen.jobs.job_store import JobStore
from crispen.jobs.ownership import Ownership
from crispen.jobs.pool import Pool
from crispen.jobs.states import FINAL, Status
from crispen.jobs.worker import WorkerLimits
from crispen.jobs.worker_process import WorkerSetup
from crispen.media.image import open_image
from crispen.server.services import cluster_launcher
from crispen.server.services.cluster_launcher import ClusterLauncher

from ...ray_nodes import Nodes
from ..conftest import png

# Ray leaves the files of its logs open.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

PATIENCE_S = 120.0
FAST = Request(models=["espcn-x2"])
SLOW = Request(models=["photo-x4"])
LIMITS = Bounds(max_pixels=100_000_000, max_frames=10_000, max_video_s=600)


class Place:
    """A queue, its folder, and a pool on a cluster."""

    def __init__(self, folder: Path, address: str, workers: int = 8) -> None:
        self.folder = folder
        self.jobs = folder / "jobs"
        self.jobs.mkdir()
        url = f"sqlite:///{folder / 'queue.db'}"
        self.store = JobStore(url)
        self.ownership = Ownership(self.store, folder)
        self.ownership.take()
        limits = WorkerLimits(self.jobs, "cpu", 1, 64 << 20, 100_000_000, 400_000_000)
        setup = WorkerSetup(url, limits, lease_s=30, max_job_s=600, lock=folder / "workers.lock")
        self.launcher = ClusterLauncher(address, Share(1, 64 << 20))
        self.pool = Pool(setup, workers, self.store, stop_s=20, launcher=self.launcher)

    def put(self, options: Request, side: int = 48) -> str:
        id = secrets.token_hex(16)
        (self.jobs / id).mkdir()
        file = self.jobs / id / SOURCE
        file.write_bytes(png(side, side))
        source = examine(file, "photo.png", LIMITS)
        self.store.add(
            JobSpec(id=id, client="local", name="photo.png", options=options, source=source)
        )
        self.pool.wake()
        return id

    def until(self, id: str, good: Callable[[Job], bool]) -> Job:
        def now() -> Job:
            job = self.store.get(id)
            assert job is not None
            return job

        wait(lambda: good(now()))
        return now()

    def close(self) -> None:
        self.pool.stop()
        self.ownership.release()
        self.store.close()


def wait(good: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not good():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def working(job: Job) -> bool:
    return job.status is Status.RUNNING and job.progress is not None and job.progress.done > 0


def process_of(job: Job) -> int:
    """The process of a job's worker."""
    assert job.worker is not None
    return int(job.worker.rsplit("-", 2)[1])


@pytest.fixture
def place(ray_nodes: Nodes, tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path, ray_nodes.address)
    found.pool.take()
    found.pool.start()
    yield found
    found.close()


def test_there_are_as_many_as_there_is_room_for_and_they_do_the_jobs(place: Place) -> None:
    assert place.pool.fewest == 1
    wait(lambda: place.pool.alive == 2)
    ids = [place.put(FAST) for _ in range(6)]
    jobs = [place.until(id, lambda job: job.status in FINAL) for id in ids]
    assert {job.status for job in jobs} == {Status.DONE}
    assert os.getpid() not in place.pool.pids
    contents = {result_path(place.jobs / job.id, job).read_bytes() for job in jobs}
    assert len(contents) == 1
    with open_image(result_path(place.jobs / ids[0], jobs[0])) as image:
        assert image.header.width == 96


def test_a_killed_actor_loses_no_job_and_a_cancel_is_heard(place: Place) -> None:
    id = place.put(SLOW, 1200)
    first = place.until(id, working)
    os.kill(process_of(first), signal.SIGKILL)
    again = place.until(id, lambda job: working(job) and job.worker != first.worker)
    assert again.attempts == 2
    place.store.cancel(id)
    # Each of the workers can take a job, so that which had this one has stopped.
    wait(lambda: place.pool.alive == 2)
    small = [place.put(FAST) for _ in range(4)]
    for one in small:
        assert place.until(one, lambda job: job.status in FINAL).status is Status.DONE
    wait(lambda: [p.name for p in (place.jobs / id).iterdir()] == [SOURCE])


def test_what_kills_its_actor_three_times_fails(place: Place) -> None:
    id = place.put(SLOW, 1200)
    for attempt in (1, 2, 3):
        job = place.until(id, lambda job, n=attempt: job.attempts == n and job.worker is not None)
        os.kill(process_of(job), signal.SIGKILL)
        place.until(id, lambda job, worker=job.worker: job.worker != worker)
    failed = place.until(id, lambda job: job.status is Status.FAILED)
    assert failed.error is not None
    assert failed.error.startswith("gave up after 3 tries: its worker process was ended")


def test_a_lost_machine_loses_no_job_and_a_new_one_gets_a_worker(
    place: Place, ray_nodes: Nodes
) -> None:
    wait(lambda: place.pool.alive == 2)
    id = place.put(SLOW, 700)
    first = place.until(id, working)
    number = next(n for n, node in enumerate(ray_nodes.nodes) if _runs(node, process_of(first)))
    ray_nodes.lose(number)
    again = place.until(id, lambda job: job.worker not in (None, first.worker))
    assert again.attempts == 2
    assert place.until(id, lambda job: job.status in FINAL).status is Status.DONE
    wait(lambda: place.pool.alive == 1)
    ray_nodes.add()
    wait(lambda: place.pool.alive == 2)


def _runs(node: object, pid: int) -> bool:
    return pid in Nodes.workers(node)


def test_a_stop_puts_jobs_back(place: Place) -> None:
    id = place.put(SLOW, 1200)
    place.until(id, working)
    place.pool.stop()
    job = place.store.get(id)
    assert job is not None
    assert (job.status, job.attempts, job.worker) == (Status.QUEUED, 0, None)


def test_what_a_worker_logs_is_in_the_log_of_the_server(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    wait(lambda: place.pool.alive == 2)
    with caplog.at_level(logging.WARNING, "crispen.jobs"):
        with place.store.engine.begin() as connection:
            connection.execute(text("ALTER TABLE crispen_job RENAME TO away"))
        said = re.compile(rf"worker {place.pool.pids[0]} on .*: ERROR .*queue fails")
        wait(lambda: any(said.match(record.message) for record in caplog.records))
        with place.store.engine.begin() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO crispen_job"))
    id = place.put(FAST)
    assert place.until(id, lambda job: job.status in FINAL).status is Status.DONE


def test_a_machine_that_sees_another_folder_gets_no_jobs(
    ray_nodes: Nodes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plain = cluster_launcher.actor_setup
    monkeypatch.setattr(
        cluster_launcher, "actor_setup", lambda setup: replace(plain(setup), mark="another")
    )
    place = Place(tmp_path, ray_nodes.address)
    place.pool.take()
    with caplog.at_level(logging.ERROR, "crispen.jobs"):
        place.pool.start()
        wait(lambda: caplog.text.count("it gets no jobs") == 2)
    assert f"does not see the server's {tmp_path}" in caplog.text
    assert place.pool.alive == 0
    id = place.put(FAST)
    place.close()
    again = JobStore(place.store.engine.url.render_as_string())
    job = again.get(id)
    assert job is not None
    assert (job.status, job.attempts) == (Status.QUEUED, 0)
    again.close()


def test_a_cluster_without_room_is_told(ray_nodes: Nodes, caplog: pytest.LogCaptureFixture) -> None:
    launcher = ClusterLauncher(ray_nodes.address, Share(999, 64 << 20))
    launcher.begin()
    with caplog.at_level(logging.WARNING, "crispen.jobs"):
        # One is wanted all the same, for which a cluster may grow.
        assert [launcher.room(8) for _ in range(3)] == [1, 1, 1]
    launcher.end()
    assert caplog.text.count("no machine of the cluster has 999 processors") == 1


def test_a_lost_head_loses_no_job_and_its_return_is_noticed(
    ray_nodes: Nodes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(heads, "_AWAY_S", 1.0)
    monkeypatch.setattr(heads, "_ASK_EVERY_S", 0.2)
    monkeypatch.setattr(cluster_launcher, "_TRY_EVERY_S", 1.0)
    doomed = Nodes(1)
    place = Place(tmp_path, doomed.address)
    place.pool.take()
    place.pool.start()
    wait(lambda: place.pool.alive == 1)
    with caplog.at_level(logging.WARNING, "crispen.jobs"):
        doomed.kill_head()
        wait(lambda: "is gone; jobs wait for it" in caplog.text)
        wait(lambda: place.pool.alive == 0)
        id = place.put(FAST)
        doomed.close()
        # As if another head had begun at the same address.
        place.pool._launcher._address = ray_nodes.address
        assert place.until(id, lambda job: job.status in FINAL).status is Status.DONE
    assert "is back" in caplog.text
    place.close()


def test_an_address_where_nobody_answers(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    place = Place(tmp_path, "127.0.0.1:1")
    with pytest.raises(UsageError, match="no cluster answers there"):
        place.pool.take()
    place.close()
