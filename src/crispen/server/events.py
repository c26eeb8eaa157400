"""Live events: what changed in the queue, told to whoever listens.

Changes are read from the queue itself, so that nothing is told that is not so, whoever
made the change. Somebody slow misses steps in between, never the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent

from crispen.jobs.job import Job
from crispen.jobs.states import FINAL, Status
from crispen.jobs.store import JobStore
from crispen.server.errors import not_found
from crispen.server.schemas import JobList, JobView

if TYPE_CHECKING:
    from crispen.server.metrics import Metrics

_EVERY_S = 1.0
_SPARE_S = 0.05
_OVERLAP_S = 2.0
_PING_S = 15
_GRACE_S = 3.0
_POSITIONS = 20


def sse(events: AsyncIterator[ServerSentEvent], stop: anyio.Event) -> EventSourceResponse:
    """A stream of events that ends properly when the server stops.

    Args:
        events: They end soon after `stop` is set.
        stop: Set when the server stops.
    """
    return EventSourceResponse(
        events, ping=_PING_S, shutdown_event=stop, shutdown_grace_period=_GRACE_S
    )


class Listener:
    """What one listener has not been told yet; only the newest of each job."""

    def __init__(self, client: str | None, id: str | None = None) -> None:
        self.client = client
        self.id = id
        self._news: dict[str, Job | None] = {}
        self._any = asyncio.Event()

    def wants(self, job: Job) -> bool:
        """Whether a job is the listener's business."""
        if self.id is not None:
            return job.id == self.id
        return job.client == self.client and not job.hidden

    def put(self, id: str, job: Job | None) -> None:
        """News of a job; None if it is gone."""
        self._news.pop(id, None)
        self._news[id] = job
        self._any.set()

    async def get(self, stop: anyio.Event | None = None) -> dict[str, Job | None]:
        """What there is to tell, as soon as there is something; nothing once it should stop."""
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
        news, self._news = self._news, {}
        return news


class Hub:
    """Passes changes on.

    Args:
        store: The queue.
        metrics: Counts jobs that ended.
        expires: When a finished job is deleted.
    """

    def __init__(
        self, store: JobStore, metrics: Metrics, expires: Callable[[Job], float | None]
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._expires = expires
        self._listeners: set[Listener] = set()
        self._poked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._since = 0.0
        self._seen: dict[str, float] = {}
        self._places: dict[str, int] = {}

    def poke(self) -> None:
        """Something may have changed; may be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._poked.set)

    def gone(self, job: Job) -> None:
        """A job was deleted; may be called from any thread."""

        def tell() -> None:
            for listener in self._listeners:
                if listener.wants(job):
                    listener.put(job.id, None)

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(tell)

    async def run(self) -> None:
        """Looks for changes until it is cancelled."""
        import time

        self._loop = asyncio.get_running_loop()
        self._since = time.time()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._poked.wait()
            self._poked.clear()
            changed = await asyncio.to_thread(self._look)
            for job in changed:
                for listener in self._listeners:
                    if listener.wants(job):
                        listener.put(job.id, job)
            await asyncio.sleep(_SPARE_S)

    def _look(self) -> Sequence[Job]:
        fresh = [
            job
            for job in self._store.changed(self._since - _OVERLAP_S)
            if self._seen.get(job.id) != job.updated
        ]
        for job in fresh:
            self._seen[job.id] = job.updated
            self._since = max(self._since, job.updated)
            if job.status in FINAL:
                self._metrics.job_ended(job.status.value)
        old = self._since - 2 * _OVERLAP_S
        self._seen = {id: when for id, when in self._seen.items() if when > old}
        places = {id: place for place, id in enumerate(self._store.queue(), 1)}
        moved = [
            id
            for id, place in places.items()
            if place <= _POSITIONS and self._places.get(id) not in (None, place)
        ]
        self._places = places
        known = {job.id for job in fresh}
        more = (self._store.get(id) for id in moved if id not in known)
        return [*fresh, *(job for job in more if job is not None)]

    def view(self, job: Job, places: dict[str, int] | None = None) -> JobView:
        """A job as the API shows it."""
        if places is None:
            places = self._places
        if job.status is Status.QUEUED and job.id not in places:
            places = {id: place for place, id in enumerate(self._store.queue(), 1)}
        return JobView(
            id=job.id,
            name=job.name,
            kind=job.source.kind,
            status=job.status,
            created=job.created,
            started=job.started,
            finished=job.finished,
            expires=self._expires(job),
            attempts=job.attempts,
            error=job.error,
            options=job.options,
            models=list(job.models),
            source=job.source,
            result=job.result,
            progress=job.progress,
            position=places.get(job.id) if job.status is Status.QUEUED else None,
        )

    def views(self, client: str) -> list[JobView]:
        """All of a client's jobs as the API shows them."""
        places = {id: place for place, id in enumerate(self._store.queue(), 1)}
        return [self.view(job, places) for job in self._store.jobs(client)]

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
            job = await asyncio.to_thread(self._store.get, id)
            while job is not None and job.status not in FINAL:
                job = (await listener.get()).get(id)
            return job

    def stream(self, client: str) -> EventSourceResponse:
        """All jobs of a client as server-sent events."""
        stop = anyio.Event()
        return sse(self._all(client, stop), stop)

    async def stream_job(self, client: str, id: str) -> EventSourceResponse:
        """One job as server-sent events.

        Raises:
            ApiError: No such job.
        """
        job = await asyncio.to_thread(self._store.get, id)
        if job is None or job.client != client:
            raise not_found("job")
        stop = anyio.Event()
        return sse(self._one(id, stop), stop)

    async def _all(self, client: str, stop: anyio.Event) -> AsyncIterator[ServerSentEvent]:
        with self.listening(client) as listener:
            jobs = await asyncio.to_thread(self.views, client)
            yield _event("snapshot", JobList(jobs=jobs).model_dump_json())
            while not stop.is_set():
                for id, job in (await listener.get(stop)).items():
                    yield self._told(id, job)

    async def _one(self, id: str, stop: anyio.Event) -> AsyncIterator[ServerSentEvent]:
        with self.listening(None, id) as listener:
            job = await asyncio.to_thread(self._store.get, id)
            yield self._told(id, job)
            while job is not None and job.status not in FINAL:
                news = await listener.get(stop)
                if id not in news:
                    return
                job = news[id]
                yield self._told(id, job)

    def _told(self, id: str, job: Job | None) -> ServerSentEvent:
        if job is None:
            return _event("deleted", f'{{"id":"{id}"}}')
        return _event("job", self.view(job).model_dump_json(), f"{job.id}-{job.updated:.3f}")


def _event(name: str, data: str, id: str | None = None) -> ServerSentEvent:
    return ServerSentEvent(data, event=name, id=id, retry=2000 if name == "snapshot" else None)
