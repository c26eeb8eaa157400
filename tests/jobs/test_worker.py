"""One job done in this process: the same work as in a worker."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from crispen.enhance.request import Request
from crispen.errors import Cancelled, InputError
from crispen.jobs.file_kinds import Bounds, examine
from crispen.jobs.job import Job
from crispen.jobs.job_folder import SOURCE, clean, result_path
from crispen.jobs.job_store import JobStore
from crispen.jobs.worker import Worker, WorkerLimits
from crispen.media.image import open_image
from crispen.media.picture.vips import vips
from crispen.media.video.container import probe
from crispen.progress import Progress

from .conftest import Make

Take = Callable[[Path, Request], Job]


@pytest.fixture
def take(store: JobStore, new_job: Make, limits: WorkerLimits, bounds: Bounds) -> Take:
    def make(path: Path, options: Request) -> Job:
        new = new_job(source=examine(path, path.name, bounds), options=options)
        folder = limits.jobs / new.id
        folder.mkdir()
        shutil.copy(path, folder / SOURCE)
        return store.add(new.model_copy(update={"name": path.name}))

    return make


def test_a_picture(take: Take, picture: Callable[..., Path], limits: WorkerLimits) -> None:
    job = take(picture(48, 40), Request(models=["espcn"], scale=2, format="webp"))
    worker = Worker(limits)
    result, models = worker.do(job, Progress())
    worker.close()
    path = result_path(limits.jobs / job.id, job)
    assert (result.name, result.type, models) == ("photo.x2.webp", "image/webp", ("espcn-x2",))
    assert (result.width, result.height, result.bytes) == (96, 80, path.stat().st_size)
    with open_image(path) as image:
        assert (image.header.width, image.header.format) == (96, "webp")
    assert sorted(p.name for p in path.parent.iterdir()) == ["result.webp", "source"]


def test_pages_that_are_left_out_are_told(take: Take, tmp_path: Path, limits: WorkerLimits) -> None:
    book = tmp_path / "book.tiff"
    vips().Image.black(16, 36, bands=3).copy(interpretation="srgb").tiffsave(
        str(book), page_height=12
    )
    job = take(book, Request(models=["espcn"], scale=2))
    worker = Worker(limits)
    result, _ = worker.do(job, Progress())
    worker.close()
    assert (result.width, result.height) == (32, 24)
    assert result.notes == ["of its 3 pages the first was enhanced"]


def test_a_video(take: Take, limits: WorkerLimits) -> None:
    clip = Path(__file__).parents[2] / "docs" / "demo" / "clip.mp4"
    job = take(clip, Request(models=["espcn"], scale=2, quality=50))
    worker = Worker(limits)
    result, models = worker.do(job, Progress())
    worker.close()
    header = probe(result_path(limits.jobs / job.id, job))
    assert (header.width, header.height) == (result.width, result.height) == (640, 360)
    assert (result.frames, models, result.viewable) == (62, ("espcn-x2",), True)


def test_a_part_of_a_video(take: Take, limits: WorkerLimits) -> None:
    clip = Path(__file__).parents[2] / "docs" / "demo" / "clip.mp4"
    some = {"start": "1", "duration": "0.5", "fps": "30", "crop": "60:40:20:14"}
    job = take(clip, Request(models=["espcn"], scale=2, **some))
    worker = Worker(limits)
    result, _ = worker.do(job, Progress())
    worker.close()
    assert (result.width, result.height, result.frames) == (120, 80, 15)


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_a_video_becomes_an_animated_picture(take: Take, limits: WorkerLimits, format: str) -> None:
    clip = Path(__file__).parents[2] / "docs" / "demo" / "clip.mp4"
    asked = {"scale": 1, "format": format, "duration": "0.4", "quality": 60}
    job = take(clip, Request(models=["espcn"], **asked))
    assert job.kind == "video"
    worker = Worker(limits)
    result, _ = worker.do(job, Progress())
    worker.close()
    path = result_path(limits.jobs / job.id, job)
    assert (path.name, result.type) == (f"result.{format}", f"image/{format}")
    assert result.name == f"clip.x1.{format}"
    assert (result.frames, result.viewable) == (10, False)
    with open_image(path) as image:
        assert (image.header.width, image.header.frames) == (result.width, 10)


@pytest.mark.parametrize("format", ["mp4", "webm"])
def test_an_animated_picture_becomes_a_video(
    take: Take, limits: WorkerLimits, moving: Callable[[str], Path], format: str
) -> None:
    job = take(moving("gif"), Request(models=["espcn"], scale=2, format=format))
    assert (job.source.kind, job.kind) == ("image", "video")
    worker = Worker(limits)
    result, models = worker.do(job, Progress())
    worker.close()
    path = result_path(limits.jobs / job.id, job)
    assert (path.name, result.type) == (f"result.{format}", f"video/{format}")
    assert (result.frames, result.viewable, models) == (4, True, ("espcn-x2",))
    with av.open(str(path)) as video:
        shown = [float(f.pts * f.time_base) for f in video.decode(video=0)]
    assert shown == pytest.approx([0, 0.1, 0.2, 0.5])


@pytest.mark.parametrize(("quality", "format"), [(1, "mp4"), (5, "mkv")])
def test_the_worst_quality_of_a_video(
    take: Take, limits: WorkerLimits, quality: int, format: str
) -> None:
    """Below 6 the numbers of H.264 end."""
    clip = Path(__file__).parents[2] / "docs" / "demo" / "clip.mp4"
    job = take(clip, Request(models=["espcn"], scale=1, quality=quality, format=format))
    worker = Worker(limits)
    result, _ = worker.do(job, Progress())
    worker.close()
    assert (result.frames, result.type.split("/")[0]) == (62, "video")


def test_engines_stay_open(take: Take, picture: Callable[..., Path], limits: WorkerLimits) -> None:
    worker = Worker(limits)
    for name in ("a.png", "b.png"):
        worker.do(take(picture(name=name), Request(models=["espcn-x2"])), Progress())
    assert len(worker._open) == 1
    worker.close()


def test_a_source_that_is_gone(
    take: Take, picture: Callable[..., Path], limits: WorkerLimits
) -> None:
    job = take(picture(), Request())
    (limits.jobs / job.id / SOURCE).unlink()
    with pytest.raises(InputError, match="upload it again"):
        Worker(limits).do(job, Progress())


def test_cancelled_work_leaves_no_result(
    take: Take, picture: Callable[..., Path], limits: WorkerLimits
) -> None:
    job = take(picture(), Request(models=["espcn-x2"]))
    progress = Progress()
    progress.cancel()
    worker = Worker(limits)
    with pytest.raises(Cancelled):
        worker.do(job, progress)
    worker.close()
    assert [p.name for p in (limits.jobs / job.id).iterdir()] == [SOURCE]


def test_what_failed_leaves_its_source_only(
    take: Take, picture: Callable[..., Path], limits: WorkerLimits
) -> None:
    job = take(picture(), Request())
    folder = limits.jobs / job.id
    (folder / ".result.png.1234.part").write_bytes(b"half")
    (folder / ".result.mp4.part").mkdir()
    (folder / ".result.mp4.part" / "seg-00001.seg").write_bytes(b"half")
    clean(folder)
    assert [p.name for p in folder.iterdir()] == [SOURCE]
