"""Live events: what changed in the queue, sent to every listener.

Changes are read from the queue itself, so that events are always true, whichever process
made the change. A slow listener misses steps in between, never the last one. Changes are numbered,
so neither a clock that is set back nor a database that was away for a while hides any.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from fastapi import Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from crispen.jobs.database import StoreError
from crispen.jobs.job import Job
from crispen.jobs.states import FINAL, Status
from crispen.jobs.store import JobStore
from crispen.server.addresses import address_of, counted_as
from crispen.server.database_threads import Asking
from crispen.server.errors import ApiError, not_found
from crispen.server.rates import Seats
from crispen.server.schemas import JobList, JobView

if TYPE_CHECKING:
    from crispen.server.metrics import Metrics

_EVERY_S = 1.0
_SPARE_S = 0.05
_RETRY_S = 0.5
_PING_S = 15
_GRACE_S = 3.0
_POSITIONS = 20


def sse(events: AsyncIterator[ServerSentEvent], stop: anyio.Event) -> EventSourceResponse:
    """A stream of events that ends properly when the server stops.

    Args:
        events: They end soon after `stop` is set.
        stop: Set when the server stops.
    """
    return _Seated(events, ping=_PING_S, shutdown_event=stop, shutdown_grace_period=_GRACE_S)


class _Seated(EventSourceResponse):
    """A stream that counts among those of its client as long as it lasts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seats: Seats = scope["app"].state.server.streams
        with seats.seat(counted_as(address_of(scope))):
            await super().__call__(scope, receive, send)


def check_streams(request: Request) -> None:
    """Before a stream begins.

    Raises:
        ApiError: The client has too many already.
    """
    seats: Seats = request.app.state.server.streams
    if seats.full(counted_as(address_of(request.scope))):
        raise ApiError(
            429,
            "too_many_streams",
            f"{seats.most} streams of events go to your address; close some",
            {"Retry-After": "30"},
        )


@dataclass(frozen=True, slots=True)
class News:
    """A job after a change, and as the API shows it."""

    job: Job
    view: JobView


class Listener:
    """What one listener has not been told yet; only the newest of each job."""

    def __init__(self, client: str | None, id: str | None = None) -> None:
        self.client = client
        self.id = id
        self._news: dict[str, News | None] = {}
        self._any = asyncio.Event()

    def wants(self, job: Job) -> bool:
        """Whether a job is the listener's business."""
        if self.id is not None:
            return job.id == self.id
        return job.client == self.client and not job.hidden

    def put(self, id: str, news: News | None) -> None:
        """News of a job; None if it is gone."""
        self._news.pop(id, None)
        self._news[id] = news
        self._any.set()

    async def get(self, stop: anyio.Event | None = None) -> dict[str, News | None]:
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
        ask: Threads to ask it in.
        metrics: Counts jobs that ended.
        expires: When a finished job is deleted.
    """

    def __init__(
        self,
        store: JobStore,
        ask: Asking,
        metrics: Metrics,
        expires: Callable[[Job], float | None],
    ) -> None:
        self._store = store
        self._ask = ask
        self._metrics = metrics
        self._expires = expires
        self._listeners: set[Listener] = set()
        self._poked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._since: int | None = None
        self._places: dict[str, int] = {}
        self.counts: Mapping[Status, int] = dict.fromkeys(Status, 0)

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

    async def look(self) -> None:
        """Wait for a change, or a second, and pass on what changed; one round of a loop."""
        self._loop = asyncio.get_running_loop()
        if self._since is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._poked.wait()
        self._poked.clear()
        for news in await asyncio.to_thread(self._changes):
            for listener in self._listeners:
                if listener.wants(news.job):
                    listener.put(news.job.id, news)
        await asyncio.sleep(_SPARE_S)

    def _changes(self) -> list[News]:
        if self._since is None:
            self._since = self._store.last_change()
        changed = self._store.changed(self._since)
        jobs = {job.id: job for _, job in changed}
        places = self.places()
        for id, place in places.items():
            if place <= _POSITIONS and self._places.get(id) not in (None, place) and id not in jobs:
                moved = self._store.get(id)
                if moved is not None:
                    jobs[id] = moved
        self.counts = self._store.counts()
        # Only now, since whatever failed above is asked again.
        self._places = places
        for number, job in changed:
            self._since = max(self._since, number)
            if job.status in FINAL:
                self._metrics.job_ended(job.status.value)
        return [News(job, self.view(job, places)) for job in jobs.values()]

    def places(self) -> dict[str, int]:
        """Places of waiting jobs in the queue; 1 is next."""
        return {id: place for place, id in enumerate(self._store.queue(), 1)}

    def view(self, job: Job, places: Mapping[str, int] | None = None) -> JobView:
        """A job as the API shows it; asks the database for its place unless that is given."""
        if places is None:
            places = self.places() if job.status is Status.QUEUED else {}
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
            found=job.source.found,
            result=job.result,
            progress=job.progress,
            position=places.get(job.id) if job.status is Status.QUEUED else None,
        )

    def views(self, client: str) -> list[JobView]:
        """All of a client's jobs as the API shows them."""
        places = self.places()
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
            while True:
                try:
                    job = await self._ask(self._store.get, id)
                    break
                except StoreError:  # listeners keep waiting
                    await asyncio.sleep(_RETRY_S)
            while job is not None and job.status not in FINAL:
                news = (await listener.get()).get(id)
                job = None if news is None else news.job
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
        job = await self._ask(self._store.get, id)
        if job is None or job.client != client:
            raise not_found("job")
        stop = anyio.Event()
        return sse(self._one(id, stop), stop)

    async def _all(self, client: str, stop: anyio.Event) -> AsyncIterator[ServerSentEvent]:
        with self.listening(client) as listener:
            jobs = await self._ask(self.views, client)
            yield _event("snapshot", JobList(jobs=jobs).model_dump_json())
            while not stop.is_set():
                for id, news in (await listener.get(stop)).items():
                    yield _told(id, None if news is None else news.view)

    async def _one(self, id: str, stop: anyio.Event) -> AsyncIterator[ServerSentEvent]:
        with self.listening(None, id) as listener:
            view = await self._ask(self._shown, id)
            yield _told(id, view)
            while view is not None and view.status not in FINAL:
                heard = await listener.get(stop)
                if id not in heard:
                    return
                news = heard[id]
                view = None if news is None else news.view
                yield _told(id, view)

    def _shown(self, id: str) -> JobView | None:
        job = self._store.get(id)
        return None if job is None else self.view(job)


def _told(id: str, view: JobView | None) -> ServerSentEvent:
    if view is None:
        return _event("deleted", f'{{"id":"{id}"}}')
    return _event("job", view.model_dump_json())


def _event(name: str, data: str) -> ServerSentEvent:
    return ServerSentEvent(data, event=name, retry=2000 if name == "snapshot" else None)
