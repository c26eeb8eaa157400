"""Pictures enhanced within one request: queued, waited for, returned and deleted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crispen.enhance.request import Request
from crispen.errors import UsageError
from crispen.jobs.job import Job, JobSpec
from crispen.jobs.job_folder import result_path
from crispen.jobs.states import Status
from crispen.server.api_errors import ApiError, not_found
from crispen.server.services.client_names import clean_name
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.database_threads import DatabaseThreads
from crispen.server.services.events import JobEvents
from crispen.server.services.files import JobFile
from crispen.server.services.inspection import Inspection
from crispen.server.services.job_queue import JobQueue
from crispen.server.services.planning import Planning

_RETRY_S = 5


class ClientGone(Exception):
    """The client disconnected before its picture was done."""


@dataclass(frozen=True, slots=True)
class ImmediateResult:
    """A picture that was enhanced within one request.

    Attributes:
        job: It is deleted once the file was sent.
        file: The picture.
        seconds: Of work, without the time in the queue.
    """

    job: Job
    file: JobFile
    seconds: float


class Immediate:
    """Enhances pictures within one request.

    Args:
        database: Threads to query the queue in.
        queue: Adds and deletes the jobs.
        events: Says when a job has ended.
        folder: The data folder.
        inspection: Says what a file is.
        planning: Says what will be done.
        max_waiting: Requests that may wait at the same time.
        max_wait_s: Seconds that one may wait.
    """

    def __init__(
        self,
        database: DatabaseThreads,
        queue: JobQueue,
        events: JobEvents,
        folder: DataFolder,
        inspection: Inspection,
        planning: Planning,
        *,
        max_waiting: int,
        max_wait_s: float,
    ) -> None:
        self._database = database
        self._queue = queue
        self._events = events
        self._folder = folder
        self._inspection = inspection
        self._planning = planning
        self._max_waiting = max_waiting
        self._max_wait_s = max_wait_s
        self._waiting = 0

    @contextlib.contextmanager
    def seat(self) -> Iterator[None]:
        """A place among the requests that wait for their picture.

        Raises:
            ApiError: All are taken.
        """
        if self._waiting >= self._max_waiting:
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

    async def enhance(
        self,
        client: str,
        path: Path,
        name: str | None,
        options: Request,
        *,
        disconnected: Callable[[], Coroutine[Any, Any, None]],
        jpeg_step: float | None = None,
    ) -> ImmediateResult:
        """The enhanced picture; `discard` it afterwards.

        Args:
            client: Who asks.
            path: The picture's file, in the data folder.
            name: What the client calls it.
            options: What is requested.
            disconnected: Returns when the client disconnects; the job is cancelled then.
            jpeg_step: How coarsely the JPEG file was quantised that the picture was cut out of.

        Raises:
            ApiError: It cannot be done, or not in time.
            ClientGone: The client disconnected.
        """
        shown = clean_name(name, otherwise="picture")
        async with contextlib.AsyncExitStack() as stack:
            source = await self._inspection.examine(path, shown)
            if source.kind != "image":
                raise UsageError("only pictures are enhanced in one call; make a job of a video")
            if jpeg_step is not None:
                source = source.model_copy(update={"jpeg_step": jpeg_step})
            plan = await self._planning.plan(client, options, source)
            new = JobSpec(
                id=path.name,
                client=client,
                name=shown,
                options=options,
                source=source,
                models=plan.models,
                plan=plan,
                hidden=True,
            )
            job = await self._database.run(self._queue.add, new, path)
            stack.push_async_callback(self._abandon, job)
            done = await self._ended(disconnected, job)
            if done.status is not Status.DONE or done.result is None:
                raise ApiError(422, "failed", done.error or f"the job was {done.status.value}")
            stack.pop_all()
        file = JobFile(
            result_path(self._folder.job(job.id), done), done.result.type, done.result.name
        )
        return ImmediateResult(done, file, (done.finished or 0.0) - (done.started or 0.0))

    async def discard(self, result: ImmediateResult) -> None:
        """Delete a result and its job."""
        await self._abandon(result.job)

    async def _abandon(self, job: Job) -> None:
        await self._database.run(self._queue.abandon, job)

    async def _ended(self, disconnected: Callable[[], Coroutine[Any, Any, None]], job: Job) -> Job:
        ended = asyncio.ensure_future(self._events.ended(job.id))
        gone = asyncio.ensure_future(disconnected())
        try:
            await asyncio.wait(
                {ended, gone}, timeout=self._max_wait_s, return_when="FIRST_COMPLETED"
            )
            if ended.done():
                done = ended.result()
                if done is None:
                    raise not_found("job")
                return done
            if gone.done():
                raise ClientGone()
            raise ApiError(
                504,
                "not_in_time",
                f"not done after {self._max_wait_s:,.0f} seconds; upload it and make a job instead",
            )
        finally:
            ended.cancel()
            gone.cancel()
