"""Sources, results, previews and thumbnails of jobs, each only for its own client."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal, NamedTuple

from crispen.errors import CrispenError, UsageError
from crispen.jobs.file_kinds import renamed
from crispen.jobs.job import Job
from crispen.jobs.job_folder import SOURCE, result_path
from crispen.media.file_names import portable
from crispen.media.video.box import Box
from crispen.media.video.span import Span
from crispen.server.api_errors import ApiError, as_api_error, not_found
from crispen.server.schemas import FrameTimes, Measured
from crispen.server.services.client_names import clean_name, unique
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.database_threads import DatabaseThreads
from crispen.server.services.helper_processes import HelperProcesses
from crispen.server.services.inspection import Inspection
from crispen.server.services.job_access import JobAccess
from crispen.server.services.keyed_locks import KeyedLocks

Side = Literal["before", "after"]


class JobFile(NamedTuple):
    """A file of a job.

    Attributes:
        path: Where it is.
        type: Its media type.
        name: What a download is called; None if it is only shown.
    """

    path: Path
    type: str
    name: str | None = None


class JobFiles:
    """The files of one server's jobs.

    Args:
        access: Finds a client's jobs.
        database: Threads to query the queue in.
        folder: The data folder.
        helpers: Make previews and measure results.
        inspection: Says what a reference picture is.
        locks: Keep two requests from making one preview.
        max_pixels: Largest source.
        max_result_pixels: Largest result.
    """

    def __init__(
        self,
        access: JobAccess,
        database: DatabaseThreads,
        folder: DataFolder,
        helpers: HelperProcesses,
        inspection: Inspection,
        locks: KeyedLocks,
        *,
        max_pixels: int,
        max_result_pixels: int,
    ) -> None:
        self._access = access
        self._database = database
        self._folder = folder
        self._helpers = helpers
        self._inspection = inspection
        self._locks = locks
        self._max_pixels = max_pixels
        self._max_result_pixels = max_result_pixels

    def source(self, client: str, id: str) -> JobFile:
        """The file as it was uploaded."""
        job = self._access.find(client, id)
        return _existing(JobFile(self._folder.job(id) / SOURCE, job.source.type, job.name))

    def result(self, client: str, id: str) -> JobFile:
        """The enhanced file."""
        job = self._access.done(client, id)
        assert job.result is not None
        path = result_path(self._folder.job(id), job)
        return _existing(JobFile(path, job.result.type, job.result.name))

    def results(self, client: str, ids: Sequence[str] | None) -> list[tuple[str, Path]]:
        """Names and paths of finished results, for an archive, in the folders of their sources.

        Args:
            client: Whose.
            ids: Which jobs; all finished ones unless given.

        Raises:
            ApiError: No such job, or one that is not finished.
        """
        if ids is None:
            jobs = self._access.all_done(client)
        else:
            jobs = [self._access.done(client, id) for id in dict.fromkeys(ids)]
        paths = [(job, result_path(self._folder.job(job.id), job)) for job in jobs]
        paths = [(job, path) for job, path in paths if path.is_file()]
        if not paths:
            raise not_found("finished job")
        # An archive may be unpacked on any system.
        names = unique(
            [
                portable(f"{job.source.folder}/{job.result.name}".lstrip("/"))
                for job, _ in paths
                if job.result is not None
            ]
        )
        return [(name, path) for name, (_, path) in zip(names, paths, strict=True)]

    async def preview(self, client: str, id: str, side: Side) -> JobFile:
        """What a browser can show of the source or the result; made when first requested."""
        from crispen.jobs.previews import preview_picture, preview_video

        job, path = await self._side(client, id, side)
        about = job.source if side == "before" else job.result
        assert about is not None
        span, box = _part(job, side)
        video = job.kind == "video"
        still = job.source.kind == "image" and side == "before"  # a picture that became a video
        if about.viewable and not (video and (span or box or still)):
            return _existing(JobFile(path, about.type))
        preview = self._folder.job(id) / f"{side}{'.mp4' if video else '.png'}"
        async with self._locks.hold(f"{id}/{side}"):
            if not preview.is_file():
                await asyncio.to_thread(self._folder.check_room, about.bytes)
                try:
                    if video:
                        await self._helpers.slow(preview_video, path, preview, span, box)
                    else:
                        most = self._max_result_pixels
                        await self._helpers.slow(preview_picture, path, preview, most)
                except CrispenError as error:
                    raise _renamed(error, path, job.name) from error
        return _existing(JobFile(preview, "video/mp4" if video else "image/png"))

    async def thumbnail(self, client: str, id: str, side: Side) -> JobFile:
        """A small picture of the source or the result; made when first requested."""
        from crispen.jobs.thumbnails import picture_thumbnail, video_thumbnail

        job, path = await self._side(client, id, side)
        small = self._folder.job(id) / f"{side}.webp"
        async with self._locks.hold(f"{id}/{small.name}"):
            if not small.is_file():
                await asyncio.to_thread(self._folder.check_room, 0)
                try:
                    if job.kind == "video":
                        span, box = _part(job, side)
                        await self._helpers.quick(video_thumbnail, path, small, span, box)
                    else:
                        most = max(self._max_pixels, self._max_result_pixels)
                        await self._helpers.quick(picture_thumbnail, path, small, most)
                except CrispenError as error:
                    raise _renamed(error, path, job.name) from error
        return _existing(JobFile(small, "image/webp"))

    async def frames(self, client: str, id: str) -> FrameTimes:
        """When the frames of a video's result begin, as its preview plays them."""
        from crispen.jobs.previews import frame_times

        job = await self._database.run(self._access.done, client, id)
        if job.kind != "video":
            raise UsageError("only videos have frames with times")
        preview = await self.preview(client, id, "after")
        try:
            times_s = await self._helpers.quick(frame_times, preview.path)
        except CrispenError as error:
            raise _renamed(error, preview.path, job.name) from error
        return FrameTimes(times_s=times_s)

    async def measure(self, client: str, id: str, reference: Path, name: str | None) -> Measured:
        """How close a result comes to a reference picture.

        Args:
            client: Who asks.
            id: Of the job.
            reference: The picture's file.
            name: What the client calls it.
        """
        from crispen.jobs.previews import measure

        job = await self._database.run(self._access.done, client, id)
        if job.kind != "image" or job.source.frames > 1:
            raise UsageError("only still pictures are measured")
        shown = clean_name(name, otherwise="reference")
        await self._inspection.examine(reference, shown)
        folder = self._folder.job(id)
        source, result = folder / SOURCE, result_path(folder, job)
        try:
            figures = await self._helpers.slow(
                measure, source, result, reference, self._max_result_pixels
            )
        except CrispenError as error:
            raise _renamed(error, reference, shown) from error
        return Measured(**asdict(figures))

    async def _side(self, client: str, id: str, side: Side) -> tuple[Job, Path]:
        find = self._access.find if side == "before" else self._access.done
        job = await self._database.run(find, client, id)
        folder = self._folder.job(id)
        return job, folder / SOURCE if side == "before" else result_path(folder, job)


def _part(job: Job, side: Side) -> tuple[Span, Box | None]:
    """If a result is a part of its source, only that part is shown."""
    return (job.options.span, job.options.box) if side == "before" else (Span(), None)


def _existing(file: JobFile) -> JobFile:
    if not file.path.is_file():
        raise not_found("file")
    return file


def _renamed(error: CrispenError, path: Path, name: str) -> ApiError:
    """An error that names the file as the client does."""
    said = as_api_error(error)
    return ApiError(said.status, said.code, renamed(error, path, name))
