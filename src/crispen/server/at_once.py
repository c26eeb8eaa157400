"""Pictures enhanced within one request: received, queued, returned and deleted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fastapi import Request
from fastapi.responses import FileResponse, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from crispen.enhance.request import Request as Wish
from crispen.errors import UsageError
from crispen.jobs.file_kinds import examine
from crispen.jobs.job import Job, JobSpec
from crispen.jobs.states import Status
from crispen.jobs.worker import result_path
from crispen.server.disconnection import gone as left
from crispen.server.errors import ApiError, not_found
from crispen.server.file_service import NO_SCRIPT
from crispen.server.names import clean_name, disposition

if TYPE_CHECKING:
    from crispen.server.database_threads import Asking
    from crispen.server.events import Hub
    from crispen.server.files import Files
    from crispen.server.helpers import Helpers
    from crispen.server.job_service import JobService
    from crispen.server.receiving import Received
    from crispen.server.settings import Settings

_RETRY_S = 5


class Uses(Protocol):
    """What of a server such requests need; see `crispen.server.state.Server`."""

    settings: Settings
    files: Files
    helpers: Helpers
    ask: Asking
    hub: Hub
    jobs: JobService


class AtOnce:
    """Who waits, and for what.

    Args:
        server: Whose workers do it.
    """

    def __init__(self, server: Uses) -> None:
        self._server = server
        self._waiting = 0

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
        self,
        request: Request,
        client: str,
        file: Received,
        options: Wish,
        *,
        jpeg_step: float | None = None,
    ) -> Response:
        """The enhanced picture. If the client disconnects, the job is cancelled.

        Raises:
            ApiError: It cannot be done, or not in time.
            ClientDisconnect: The client went away.
        """
        server = self._server
        name = clean_name(file.name, otherwise="picture")
        source = await server.helpers.quick(examine, file.path, name, self._server.jobs.bounds)
        if source.kind != "image":
            raise UsageError("only pictures are enhanced in one call; make a job of a video")
        if jpeg_step is not None:
            source = source.model_copy(update={"jpeg_step": jpeg_step})
        plan = await self._server.jobs.plan(client, options, source)
        new = JobSpec(
            id=file.path.name,
            client=client,
            name=name,
            options=options,
            source=source,
            models=plan.models,
            plan=plan,
            hidden=True,
        )
        job = await server.ask(self._server.jobs.queue, new, file.path)
        keep = False
        try:
            done = await self._ended(request, job)
            if done.status is not Status.DONE or done.result is None:
                raise ApiError(422, "failed", done.error or f"the job was {done.status.value}")
            path = result_path(server.files.job(job.id), done)
            headers = {
                "Content-Disposition": disposition(done.result.name, inline=True),
                "Server-Timing": f"enhance;dur={1000 * _took_s(done):.0f}",
            }
            keep = True
            return _Once(server, done, path, headers)
        finally:
            if not keep:
                await server.ask(self._server.jobs.abandon, job)

    async def _ended(self, request: Request, job: Job) -> Job:
        ended = asyncio.ensure_future(self._server.hub.ended(job.id))
        gone = asyncio.ensure_future(left(request))
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


def _took_s(job: Job) -> float:
    """Seconds of work, without those in the queue."""
    return (job.finished or 0.0) - (job.started or 0.0)


class _Once(FileResponse):
    """A result that is deleted as soon as it was sent, or could not be."""

    def __init__(self, server: Uses, job: Job, path: Path, headers: dict[str, str]) -> None:
        assert job.result is not None
        super().__init__(path, media_type=job.result.type, headers=headers | NO_SCRIPT)
        self._server = server
        self._job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._server.ask(self._server.jobs.abandon, self._job)
