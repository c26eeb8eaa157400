"""Live events: what changed in the queue, sent to every listener.

Changes are read from the queue itself, so that events are always true, whichever process
made the change. A slow listener misses steps in between, never the last one. Changes are numbered,
so neither a clock that is set back nor a database that was unavailable for a while hides any.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import anyio

from crispen.jobs.database import StoreError
from crispen.jobs.job import Job
from crispen.jobs.job_store import JobStore
from crispen.jobs.states import FINAL, Status
from crispen.server.api_errors import not_found
from crispen.server.schemas import JobList, JobView
from crispen.server.services.database_threads import DatabaseThreads
from crispen.server.services.job_views import JobViews

_EVERY_S = 1.0
_SPARE_S = 0.05
_RETRY_S = 0.5
_RECONNECT_MS = 2000
_POSITIONS = 20


class LiveEvent(NamedTuple):
    """One event of a stream.

    Attributes:
        name: What it is, such as ``job``.
        data: JSON.
        retry_ms: When a client that lost the stream should connect again.
    """

    name: str
    data: str
    retry_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A job after a change, and as the API shows it."""

    job: Job
    view: JobView


class Listener:
    """Changes that one listener has not received yet; only the newest of each job."""

    def __init__(self, client: str | None, id: str | None = None) -> None:
        self.client = client
        self.id = id
        self._changes: dict[str, Change | None] = {}
        self._any = asyncio.Event()

    def wants(self, job: Job) -> bool:
        """Whether a job concerns the listener."""
        if self.id is not None:
            return job.id == self.id
        return job.client == self.client and not job.hidden

    def put(self, id: str, change: Change | None) -> None:
        """A change of a job; None if it was deleted."""
        self._changes.pop(id, None)
        self._changes[id] = change
        self._any.set()

    async def get(self, stop: anyio.Event | None = None) -> dict[str, Change | None]:
        """The changes since the last call, as soon as there are any; none once it should stop."""
        if stop is None:
            await self._any.wait()
        else:
            waiting = {asyncio.ensure_future(self._any.wait()), asyncio.ensure_future(stop.wait())}
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waiting:
                    one.cancel()
        self._any.clear()
        changes, self._changes = self._changes, {}
        return changes


class JobEvents:
    """Passes changes of jobs on to listeners.

    Args:
        store: The queue.
        database: Threads to query it in.
        views: How jobs are shown.
        ended: Called with the status of each job that has ended.
    """

    def __init__(
        self,
        store: JobStore,
        database: DatabaseThreads,
        views: JobViews,
        ended: Callable[[str], None],
    ) -> None:
        self._store = store
        self._database = database
        self._views = views
        self._ended = ended
        self._listeners: set[Listener] = set()
        self._poked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._since: int | None = None
        self._places: dict[str, int] = {}
        self.counts: Mapping[Status, int] = dict.fromkeys(Status, 0)

    def poke(self) -> None:
        """Something may have changed; can be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._poked.set)

    def deleted(self, job: Job) -> None:
        """A job was deleted; can be called from any thread."""

        def notify() -> None:
            for listener in self._listeners:
                if listener.wants(job):
                    listener.put(job.id, None)

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(notify)

    async def round(self) -> None:
        """Wait for a change, or a second, and pass on what changed; one round of a loop."""
        self._loop = asyncio.get_running_loop()
        if self._since is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._poked.wait()
        self._poked.clear()
        for change in await asyncio.to_thread(self._changes):
            for listener in self._listeners:
                if listener.wants(change.job):
                    listener.put(change.job.id, change)
        await asyncio.sleep(_SPARE_S)

    def _changes(self) -> list[Change]:
        if self._since is None:
            self._since = self._store.last_change()
        changed = self._store.changed(self._since)
        jobs = {job.id: job for _, job in changed}
        places = self._views.places()
        for id, place in places.items():
            if place <= _POSITIONS and self._places.get(id) not in (None, place) and id not in jobs:
                moved = self._store.get(id)
                if moved is not None:
                    jobs[id] = moved
        self.counts = self._store.counts()
        # Only now, so that everything is read again after a failure above.
        self._places = places
        for number, job in changed:
            self._since = max(self._since, number)
            if job.status in FINAL:
                self._ended(job.status.value)
        return [Change(job, self._views.of(job, places)) for job in jobs.values()]

    @contextlib.contextmanager
    def listening(self, client: str | None, id: str | None = None) -> Iterator[Listener]:
        """A listener, as long as the block lasts."""
        listener = Listener(client, id)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def ended(self, id: str) -> Job | None:
        """A job, as soon as it has ended; None if it was deleted."""
        with self.listening(None, id) as listener:
            while True:
                try:
                    job = await self._database.run(self._store.get, id)
                    break
                except StoreError:  # listeners keep waiting
                    await asyncio.sleep(_RETRY_S)
            while job is not None and job.status not in FINAL:
                change = (await listener.get()).get(id)
                job = None if change is None else change.job
            return job

    async def check(self, client: str, id: str) -> None:
        """Before a stream of one job begins.

        Raises:
            ApiError: No such job.
        """
        job = await self._database.run(self._store.get, id)
        if job is None or job.client != client:
            raise not_found("job")

    async def all_jobs(self, client: str, stop: anyio.Event) -> AsyncGenerator[LiveEvent]:
        """All jobs of a client: a snapshot, then each change, until `stop` is set."""
        with self.listening(client) as listener:
            jobs = await self._database.run(self._views.all_of, client)
            snapshot = JobList(jobs=jobs).model_dump_json()
            yield LiveEvent("snapshot", snapshot, _RECONNECT_MS)
            while not stop.is_set():
                for id, change in (await listener.get(stop)).items():
                    yield _event(id, None if change is None else change.view)

    async def one_job(self, id: str, stop: anyio.Event) -> AsyncGenerator[LiveEvent]:
        """One job: as it is, then each change, until it has ended or `stop` is set."""
        with self.listening(None, id) as listener:
            view = await self._database.run(self._shown, id)
            yield _event(id, view)
            while view is not None and view.status not in FINAL:
                changes = await listener.get(stop)
                if id not in changes:
                    return
                change = changes[id]
                view = None if change is None else change.view
                yield _event(id, view)

    def _shown(self, id: str) -> JobView | None:
        job = self._store.get(id)
        return None if job is None else self._views.of(job)


def _event(id: str, view: JobView | None) -> LiveEvent:
    if view is None:
        return LiveEvent("deleted", f'{{"id":"{id}"}}')
    return LiveEvent("job", view.model_dump_json())
