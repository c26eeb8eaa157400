"""A queue in a file, and jobs to put into it."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from crispen.enhance.request import Request
from crispen.jobs import job_folder
from crispen.jobs.file_kinds import Bounds, examine
from crispen.jobs.job import Job, JobSpec
from crispen.jobs.job_facts import Source
from crispen.jobs.job_store import JobStore
from crispen.jobs.pool import Pool
from crispen.jobs.states import Status
from crispen.jobs.worker import WorkerLimits
from crispen.jobs.worker_process import WorkerSetup
from crispen.media.image import Image, write_image

Make = Callable[..., JobSpec]

SOURCE = Source(
    kind="image", type="image/png", format="png", width=8, height=6, bytes=99, viewable=True
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    queue = JobStore(f"sqlite:///{tmp_path / 'queue.db'}")
    yield queue
    queue.close()


@pytest.fixture
def new_job() -> Make:
    def make(
        client: str = "local",
        *,
        source: Source = SOURCE,
        hidden: bool = False,
        options: Request | None = None,
    ) -> JobSpec:
        return JobSpec(
            id=secrets.token_hex(16),
            client=client,
            name="photo.png",
            options=options or Request(),
            source=source,
            models=("photo",),
            hidden=hidden,
        )

    return make


@pytest.fixture
def bounds() -> Bounds:
    return Bounds(max_pixels=100_000_000, max_frames=10_000, max_video_s=600)


@pytest.fixture
def limits(tmp_path: Path) -> WorkerLimits:
    (tmp_path / "jobs").mkdir()
    return WorkerLimits(
        jobs=tmp_path / "jobs",
        device="cpu",
        threads=1,
        memory_bytes=64 << 20,
        max_pixels=100_000_000,
        max_result_pixels=400_000_000,
    )


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    def make(width: int = 48, height: int = 40, name: str = "photo.png") -> Path:
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 256, (-(-height // 4), -(-width // 4), 3), np.uint8)
        pixels = coarse.repeat(4, 0).repeat(4, 1)[:height, :width]
        write_image(Image(np.ascontiguousarray(pixels)), tmp_path / name, overwrite=True)
        return tmp_path / name

    return make


PATIENCE_S = 60.0


# Slow enough to be caught at it, with one thread.
SLOW = Request(models=["photo-x4"])


@pytest.fixture
def pool(store: JobStore, limits: WorkerLimits, tmp_path: Path) -> Iterator[Pool]:
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    setup = WorkerSetup(url, limits, lease_s=30, max_job_s=600, lock=tmp_path / "workers.lock")
    workers = Pool(setup, 1, store, stop_s=20)
    workers.take()
    workers.start()
    yield workers
    workers.stop()


@pytest.fixture
def put(
    store: JobStore, new_job: Make, limits: WorkerLimits, bounds: Bounds
) -> Callable[[Path, Request], str]:
    def add(path: Path, options: Request) -> str:
        new = new_job(source=examine(path, path.name, bounds), options=options)
        (limits.jobs / new.id).mkdir()
        shutil.copy(path, limits.jobs / new.id / job_folder.SOURCE)
        return store.add(new).id

    return add


def until(store: JobStore, id: str, good: Callable[[Job], bool]) -> Job:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        job = store.get(id)
        assert job is not None
        if good(job):
            return job
        time.sleep(0.02)
    raise AssertionError(f"not in time: {store.get(id)}")


def working(job: Job) -> bool:
    return job.status is Status.RUNNING and job.progress is not None and job.progress.done > 0


@pytest.fixture
def moving(tmp_path: Path) -> Callable[[str], Path]:
    """Makes an animated picture of four frames, the third of which stays longer."""

    def make(format: str) -> Path:
        from crispen.media.image import Image, Metadata, write_image

        rows = np.add.outer(3 * np.arange(32), 4 * np.arange(48))
        frames = np.vstack([np.dstack([rows % 200 + 10 * n] * 3) for n in range(4)])
        path = tmp_path / f"moving.{format}"
        delays = Metadata(delays_ms=(100, 100, 300, 100))
        image = Image(frames.astype(np.uint8), frames=4, metadata=delays)
        write_image(image, path, overwrite=True)
        return path

    return make
