"""Jobs at the counter: taken in, shown, handed out, each only to its own client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fastapi import Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from crispen.errors import CrispenError, UsageError
from crispen.jobs.choice import Choice, choose, result_size
from crispen.jobs.job import Job, NewJob
from crispen.jobs.kinds import Bounds, examine, renamed, result_format
from crispen.jobs.options import Options, Source
from crispen.jobs.states import FINAL, Status
from crispen.jobs.work import SOURCE, clean, result_path
from crispen.server import schemas
from crispen.server.errors import ApiError, not_found, told
from crispen.server.names import clean_name, disposition, unique
from crispen.server.receiving import Received

if TYPE_CHECKING:
    from crispen.server.state import Server

log = logging.getLogger("crispen.server")

_RETRY_S = 5
_NO_SCRIPT = {"Content-Security-Policy": "sandbox; default-src 'none'"}
_KEEP = "private, max-age=0, must-revalidate"


class Desk:
    """The jobs of one server.

    Args:
        server: Whose they are.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        settings = server.settings
        self._bounds = Bounds(settings.max_pixels, settings.max_frames, settings.max_video_s)
        self._waiting = 0
        self._making = asyncio.Lock()
        self._taking: dict[str, asyncio.Lock] = {}

    def list(
        self, client: str, statuses: Sequence[Status] | None, limit: int
    ) -> list[schemas.JobView]:
        """A client's jobs, newest first."""
        store, hub = self._server.store, self._server.hub
        places = {id: place for place, id in enumerate(store.queue(), 1)}
        return [hub.view(job, places) for job in store.jobs(client, statuses, limit)]

    def get(self, client: str, id: str) -> schemas.JobView:
        """One job."""
        return self._server.hub.view(self.find(client, id))

    def find(self, client: str, id: str) -> Job:
        """A client's own job.

        Raises:
            ApiError: There is none, or it is somebody else's.
        """
        job = self._server.store.get(id)
        if job is None or job.client != client:
            raise not_found("job")
        return job

    async def create(self, client: str, wish: schemas.NewJob) -> schemas.JobView:
        """Queue what was wished for.

        Raises:
            ApiError: No such upload, not finished, or too many jobs.
            CrispenError: It cannot be read, or the wishes do not fit it.
        """
        if (wish.upload is None) == (wish.from_job is None):
            raise UsageError("give either upload or from_job, and not both")
        server = self._server
        if wish.from_job is not None:
            return await self._again(client, wish.from_job, wish)
        assert wish.upload is not None
        uid = wish.upload.rstrip("/").rpartition("/")[2]
        lock = self._taking.setdefault(uid, asyncio.Lock())
        try:
            async with lock:
                there = await asyncio.to_thread(server.store.get, uid)
                # Whoever did not hear the answer asks again, and gets the same.
                if there is not None and there.client == client:
                    return server.hub.view(there)
                return await self._take(client, uid, wish)
        finally:
            self._taking.pop(uid, None)

    async def _take(self, client: str, uid: str, wish: schemas.NewJob) -> schemas.JobView:
        server = self._server
        upload = await asyncio.to_thread(server.uploads.find, uid, client)
        self._check_count(client)
        if upload["offset"] != upload["size"]:
            raise ApiError(
                409,
                "not_finished",
                f"{upload['offset']:,} of {upload['size']:,} bytes are here; send the rest first",
            )
        path = server.uploads.disk.path(uid)
        name = clean_name(wish.name or upload["metadata"].get("filename"))
        try:
            source = await server.aides.quick(examine, path, name, self._bounds)
        except CrispenError:
            await server.uploads.disk.delete(uid)  # nothing can ever be made of it
            raise
        choice = await asyncio.to_thread(self._check, wish.options, source)
        job = await asyncio.to_thread(
            self._queue,
            NewJob(
                id=uid,
                client=client,
                name=name,
                options=wish.options,
                source=source,
                models=choice.models,
            ),
            path,
        )
        await server.uploads.disk.delete(uid)
        return server.hub.view(job)

    async def _again(self, client: str, id: str, wish: schemas.NewJob) -> schemas.JobView:
        server = self._server
        before = await asyncio.to_thread(self.find, client, id)
        self._check_count(client)
        source = server.files.job(id) / SOURCE
        if not source.is_file():
            raise not_found("job")
        choice = await asyncio.to_thread(self._check, wish.options, before.source)
        draft = server.files.draft()
        await asyncio.to_thread(server.files.check_room, 0)
        try:
            await asyncio.to_thread(_link, source, draft)
            new = NewJob(
                id=draft.name,
                client=client,
                name=clean_name(wish.name or before.name),
                options=wish.options,
                source=before.source,
                models=choice.models,
            )
            job = await asyncio.to_thread(self._queue, new, draft)
        finally:
            draft.unlink(missing_ok=True)
        return server.hub.view(job)

    def _check_count(self, client: str) -> None:
        most = self._server.settings.max_jobs_per_client
        if self._server.store.unfinished(client) >= most:
            raise ApiError(
                429,
                "too_many_jobs",
                f"{most} of your jobs are not finished; wait for one, or cancel one",
                {"Retry-After": str(_RETRY_S)},
            )

    def _check(self, options: Options, source: Source) -> Choice:
        """What would run, after a check that it can."""
        result_format(options, source)
        choice = choose(options, source.kind, self._server.catalogue.cards())
        width, height = result_size(choice, source)
        pixels = width * height * (source.frames if source.kind == "image" else 1)
        if pixels > self._server.settings.max_result_pixels:
            raise ApiError(
                422,
                "result_too_large",
                f"the result would have {pixels:,} pixels, and "
                f"{self._server.settings.max_result_pixels:,} are the most; choose a smaller size",
            )
        return choice

    def _queue(self, new: NewJob, path: Path) -> Job:
        server = self._server
        folder = server.files.job(new.id)
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            path.replace(folder / SOURCE)
            job = server.store.add(new)
        except BaseException:
            server.files.drop_job(new.id)
            raise
        server.pool.wake()
        server.hub.poke()
        return job

    def delete(self, client: str, id: str) -> None:
        """Delete a job with its files, whatever it does."""
        self.drop(self.find(client, id))

    def drop(self, job: Job) -> None:
        """Forget a job; a worker that has it learns so at its next beat."""
        self._server.store.delete(job.id)
        self._server.files.drop_job(job.id)
        self._server.hub.gone(job)

    def cancel(self, client: str, id: str) -> schemas.JobView:
        """Stop a job."""
        before = self.find(client, id)
        job = self._server.store.cancel(id)
        if before.status is Status.QUEUED:  # of an attempt whose worker was killed
            clean(self._server.files.job(id))
        return self._changed(job)

    def retry(self, client: str, id: str) -> schemas.JobView:
        """Queue a job again that failed or was cancelled."""
        self.find(client, id)
        self._check_count(client)
        job = self._server.store.retry(id)
        self._server.pool.wake()
        return self._changed(job)

    def _changed(self, job: Job | None) -> schemas.JobView:
        if job is None:
            raise not_found("job")
        self._server.hub.poke()
        return self._server.hub.view(job)

    def source(self, client: str, id: str) -> Response:
        """The file as it came."""
        job = self.find(client, id)
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
        job = self.find(client, id)
        if job.status is not Status.DONE:
            raise ApiError(409, "not_done", f"the job is {job.status.value}; there is no result")
        return job

    @staticmethod
    def _file(path: Path, type: str, shown: str) -> Response:
        if not path.is_file():
            raise not_found("file")
        headers = {"Content-Disposition": shown, "Cache-Control": _KEEP, **_NO_SCRIPT}
        return FileResponse(path, media_type=type, headers=headers)

    async def preview(self, client: str, id: str, side: Literal["before", "after"]) -> Response:
        """What a browser can show of the source or the result."""
        from crispen.jobs.looks import preview_picture, preview_video

        server = self._server
        find = self.find if side == "before" else self._done
        job = await asyncio.to_thread(find, client, id)
        folder = server.files.job(id)
        about = job.source if side == "before" else job.result
        assert about is not None
        path = folder / SOURCE if side == "before" else result_path(folder, job)
        if about.viewable:
            return self._file(path, about.type, "inline")
        video = job.source.kind == "video"
        shown = folder / f"{side}{'.mp4' if video else '.png'}"
        async with self._making:
            if not shown.is_file():
                await asyncio.to_thread(server.files.check_room, about.bytes)
                most = server.settings.max_result_pixels
                try:
                    if video:
                        await server.aides.slow(preview_video, path, shown)
                    else:
                        await server.aides.slow(preview_picture, path, shown, most)
                except CrispenError as error:
                    raise _under(error, path, job.name) from error
        return self._file(shown, "video/mp4" if video else "image/png", "inline")

    async def measure(self, client: str, id: str, reference: Received) -> schemas.Measured:
        """How close a result comes to a reference."""
        from dataclasses import asdict

        from crispen.jobs.looks import measure

        server = self._server
        job = await asyncio.to_thread(self._done, client, id)
        if job.source.kind != "image" or job.source.frames > 1:
            raise UsageError("only still pictures are measured")
        name = clean_name(reference.name, otherwise="reference")
        await server.aides.quick(examine, reference.path, name, self._bounds)
        folder = server.files.job(id)
        try:
            figures = await server.aides.slow(
                measure,
                folder / SOURCE,
                result_path(folder, job),
                reference.path,
                server.settings.max_result_pixels,
            )
        except CrispenError as error:
            raise _under(error, reference.path, name) from error
        return schemas.Measured(**asdict(figures))

    def archive(self, client: str, ids: Sequence[str] | None) -> Response:
        """Results as one ZIP archive, made while it is sent."""
        from zipstream import ZIP_STORED, ZipStream

        if ids is None:
            jobs = self._server.store.jobs(client, [Status.DONE])
        else:
            jobs = [self._done(client, id) for id in dict.fromkeys(ids)]
        paths = [(job, result_path(self._server.files.job(job.id), job)) for job in jobs]
        paths = [(job, path) for job, path in paths if path.is_file()]
        if not paths:
            raise not_found("finished job")
        archive = ZipStream(compress_type=ZIP_STORED, sized=True)
        names = unique([job.result.name for job, _ in paths if job.result is not None])
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

    @contextlib.contextmanager
    def seat(self) -> Iterator[None]:
        """A place among the requests that wait for their picture.

        Raises:
            ApiError: All are taken.
        """
        if self._waiting >= self._server.settings.max_waiting:
            raise ApiError(
                503,
                "busy",
                f"{self._waiting} pictures are being waited for; try again in a moment",
                {"Retry-After": str(_RETRY_S)},
            )
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def enhance_now(
        self, request: Request, client: str, file: Received, options: Options
    ) -> Response:
        """The enhanced picture; who goes away takes the work with them.

        Raises:
            ApiError: It cannot be done, or not in time.
            ClientDisconnect: The client went away.
        """
        server = self._server
        name = clean_name(file.name, otherwise="picture")
        source = await server.aides.quick(examine, file.path, name, self._bounds)
        if source.kind != "image":
            raise UsageError("only pictures are enhanced in one call; make a job of a video")
        choice = await asyncio.to_thread(self._check, options, source)
        new = NewJob(
            id=file.path.name,
            client=client,
            name=name,
            options=options,
            source=source,
            models=choice.models,
            hidden=True,
        )
        job = await asyncio.to_thread(self._queue, new, file.path)
        keep = False
        try:
            done = await self._ended(request, job)
            if done.status is not Status.DONE or done.result is None:
                raise ApiError(422, "failed", done.error or f"the job was {done.status.value}")
            path = result_path(server.files.job(job.id), done)
            headers = {"Content-Disposition": disposition(done.result.name, inline=True)}
            keep = True
            return _Once(self, done, path, headers)
        finally:
            if not keep:
                await asyncio.to_thread(self.drop, job)

    async def _ended(self, request: Request, job: Job) -> Job:
        ended = asyncio.ensure_future(self._server.hub.ended(job.id))
        gone = asyncio.ensure_future(_gone(request))
        limit_s = self._server.settings.max_wait_s
        try:
            await asyncio.wait({ended, gone}, timeout=limit_s, return_when="FIRST_COMPLETED")
            if ended.done():
                done = ended.result()
                if done is None:
                    raise not_found("job")
                return done
            if gone.done():
                raise ClientDisconnect()
            raise ApiError(
                504,
                "not_in_time",
                f"not done after {limit_s:,.0f} seconds; upload it and make a job instead",
            )
        finally:
            ended.cancel()
            gone.cancel()

    def sweep(self) -> int:
        """Delete what is old: finished jobs, and folders that belong to no job."""
        server, now = self._server, time.time()
        expired = server.store.expired(now - server.settings.result_ttl_s)
        for job in expired:
            self.drop(job)
        for folder in list(server.files.jobs.iterdir()):
            with contextlib.suppress(OSError):
                young = now - folder.stat().st_mtime < server.settings.upload_ttl_s
                if not young and server.store.get(folder.name) is None:
                    shutil.rmtree(folder, ignore_errors=True)
        return len(expired)

    def expires(self, job: Job) -> float | None:
        """When a job will be deleted."""
        if job.status not in FINAL or job.finished is None:
            return None
        return job.finished + self._server.settings.result_ttl_s


class _Once(FileResponse):
    """A result that is deleted as soon as it was sent, or could not be."""

    def __init__(self, desk: Desk, job: Job, path: Path, headers: dict[str, str]) -> None:
        assert job.result is not None
        super().__init__(path, media_type=job.result.type, headers=headers | _NO_SCRIPT)
        self._desk = desk
        self._job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await asyncio.to_thread(self._desk.drop, self._job)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def _under(error: CrispenError, path: Path, name: str) -> ApiError:
    said = told(error)
    return ApiError(said.status, said.code, renamed(error, path, name))
