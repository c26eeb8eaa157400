"""A queue in a file, and jobs to put into it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from crispen.enhance.request import Request
from crispen.jobs.file_kinds import Bounds
from crispen.jobs.job import JobSpec
from crispen.jobs.job_facts import Source
from crispen.jobs.store import JobStore
from crispen.jobs.worker import WorkerLimits
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
