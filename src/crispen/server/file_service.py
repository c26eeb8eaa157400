"""Serves sources, results, previews and archives, and measures results."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from fastapi.responses import Response, StreamingResponse

from crispen.errors import CrispenError, UsageError
from crispen.jobs.file_kinds import examine, renamed
from crispen.jobs.job import Job
from crispen.jobs.states import Status
from crispen.jobs.worker import SOURCE, result_path
from crispen.server.errors import ApiError, not_found, told
from crispen.server.names import clean_folder, clean_name, disposition, unique
from crispen.server.ranges import FileAnswer
from crispen.server.schemas import FrameTimes, Measured

if TYPE_CHECKING:
    from crispen.jobs.store import JobStore
    from crispen.server.database_threads import Asking
    from crispen.server.files import Files
    from crispen.server.helpers import Helpers
    from crispen.server.job_service import JobService
    from crispen.server.receiving import Received
    from crispen.server.settings import Settings

NO_SCRIPT = {"Content-Security-Policy": "sandbox; default-src 'none'"}
Side = Literal["before", "after"]
_KEEP = "private, max-age=0, must-revalidate"


class Uses(Protocol):
    """What of a server its jobs' files need; see `crispen.server.state.Server`."""

    settings: Settings
    files: Files
    helpers: Helpers
    store: JobStore
    ask: Asking
    jobs: JobService


class FileService:
    """The files of one server's jobs, each only for its own client.

    Args:
        server: Whose they are.
    """

    def __init__(self, server: Uses) -> None:
        self._server = server

    def source(self, client: str, id: str) -> Response:
        """The file as it came."""
        job = self._server.jobs.find(client, id)
        return self._file(
            self._server.files.job(id) / SOURCE, job.source.type, disposition(job.name)
        )

    def result(self, client: str, id: str) -> Response:
        """The enhanced file."""
        job = self._done(client, id)
        assert job.result is not None
        path = result_path(self._server.files.job(id), job)
        return self._file(path, job.result.type, disposition(job.result.name))

    def _done(self, client: str, id: str) -> Job:
        job = self._server.jobs.find(client, id)
        if job.status is not Status.DONE:
            raise ApiError(409, "not_done", f"the job is {job.status.value}; there is no result")
        return job

    @staticmethod
    def _file(path: Path, type: str, shown: str) -> Response:
        if not path.is_file():
            raise not_found("file")
        headers = {"Content-Disposition": shown, "Cache-Control": _KEEP, **NO_SCRIPT}
        return FileAnswer(path, media_type=type, headers=headers)

    async def preview(self, client: str, id: str, side: Side) -> Response:
        """What a browser can show of the source or the result."""
        path, type = await self._shown(client, id, side)
        return self._file(path, type, "inline")

    async def frames(self, client: str, id: str) -> FrameTimes:
        """When the frames of a video's result begin, as its preview plays them."""
        from crispen.jobs.previews import frame_times

        job = await self._server.ask(self._done, client, id)
        if job.source.kind != "video":
            raise UsageError("only videos have frames with times")
        path, _ = await self._shown(client, id, "after")
        try:
            times_s = await self._server.helpers.quick(frame_times, path)
        except CrispenError as error:
            raise _under(error, path, job.name) from error
        return FrameTimes(times_s=times_s)

    async def _shown(self, client: str, id: str, side: Side) -> tuple[Path, str]:
        """The file that a preview is, made if need be, and its media type."""
        from crispen.jobs.previews import preview_picture, preview_video

        server = self._server
        find = self._server.jobs.find if side == "before" else self._done
        job = await server.ask(find, client, id)
        folder = server.files.job(id)
        about = job.source if side == "before" else job.result
        assert about is not None
        path = folder / SOURCE if side == "before" else result_path(folder, job)
        if about.viewable:
            return path, about.type
        video = job.source.kind == "video"
        shown = folder / f"{side}{'.mp4' if video else '.png'}"
        async with self._server.jobs.alone(f"{id}/{side}"):
            if not shown.is_file():
                await asyncio.to_thread(server.files.check_room, about.bytes)
                most = server.settings.max_result_pixels
                try:
                    if video:
                        await server.helpers.slow(preview_video, path, shown)
                    else:
                        await server.helpers.slow(preview_picture, path, shown, most)
                except CrispenError as error:
                    raise _under(error, path, job.name) from error
        return shown, "video/mp4" if video else "image/png"

    async def thumbnail(self, client: str, id: str, side: Side) -> Response:
        """A small picture of the source or the result; made when it is first asked for."""
        from crispen.jobs.thumbnails import picture_thumbnail, video_thumbnail

        server = self._server
        find = server.jobs.find if side == "before" else self._done
        job = await server.ask(find, client, id)
        folder = server.files.job(id)
        path = folder / SOURCE if side == "before" else result_path(folder, job)
        small = folder / f"{side}.webp"
        async with server.jobs.alone(f"{id}/{small.name}"):
            if not small.is_file():
                await asyncio.to_thread(server.files.check_room, 0)
                most = max(server.settings.max_pixels, server.settings.max_result_pixels)
                try:
                    if job.source.kind == "video":
                        await server.helpers.quick(video_thumbnail, path, small)
                    else:
                        await server.helpers.quick(picture_thumbnail, path, small, most)
                except CrispenError as error:
                    raise _under(error, path, job.name) from error
        return self._file(small, "image/webp", "inline")

    async def measure(self, client: str, id: str, reference: Received) -> Measured:
        """How close a result comes to a reference."""
        from crispen.jobs.previews import measure

        server = self._server
        job = await self._server.ask(self._done, client, id)
        if job.source.kind != "image" or job.source.frames > 1:
            raise UsageError("only still pictures are measured")
        name = clean_name(reference.name, otherwise="reference")
        await server.helpers.quick(examine, reference.path, name, self._server.jobs.bounds)
        folder = server.files.job(id)
        try:
            figures = await server.helpers.slow(
                measure,
                folder / SOURCE,
                result_path(folder, job),
                reference.path,
                server.settings.max_result_pixels,
            )
        except CrispenError as error:
            raise _under(error, reference.path, name) from error
        return Measured(**asdict(figures))

    def archive(
        self, client: str, ids: Sequence[str] | None, folders: Sequence[str] | None = None
    ) -> Response:
        """Results as one ZIP archive, made while it is sent.

        Args:
            client: Whose.
            ids: Which jobs; all finished ones unless given.
            folders: Where each of them goes in the archive.

        Raises:
            ApiError: No such job, or one that is not finished.
            UsageError: Not one folder for each id.
        """
        from zipstream import ZIP_STORED, ZipStream

        if folders is not None and len(folders) != len(ids or ()):
            raise UsageError("give one folder for each id, or none")
        places = dict(zip(ids or (), map(clean_folder, folders or ()), strict=False))
        if ids is None:
            jobs = self._server.store.jobs(client, [Status.DONE])
        else:
            jobs = [self._done(client, id) for id in dict.fromkeys(ids)]
        paths = [(job, result_path(self._server.files.job(job.id), job)) for job in jobs]
        paths = [(job, path) for job, path in paths if path.is_file()]
        if not paths:
            raise not_found("finished job")
        archive = ZipStream(compress_type=ZIP_STORED, sized=True)
        names = unique(
            [
                f"{places.get(job.id, '')}/{job.result.name}".lstrip("/")
                for job, _ in paths
                if job.result is not None
            ]
        )
        for name, (_, path) in zip(names, paths, strict=True):
            archive.add_path(path, name)
        return StreamingResponse(
            iter(archive),
            media_type="application/zip",
            headers={
                "Content-Length": str(len(archive)),
                "Content-Disposition": disposition("crispen.zip"),
            },
        )


def _under(error: CrispenError, path: Path, name: str) -> ApiError:
    said = told(error)
    return ApiError(said.status, said.code, renamed(error, path, name))
