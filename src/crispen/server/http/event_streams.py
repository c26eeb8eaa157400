"""Streams of server-sent events, limited in number for each client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated

import anyio
from fastapi import Depends, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from crispen.server.api_errors import ApiError
from crispen.server.http.addresses import address_of, counted_as
from crispen.server.http.rates import Seats
from crispen.server.services.events import LiveEvent

_PING_S = 15
_GRACE_S = 3.0


class EventStreams:
    """The streams of one client's address.

    Args:
        seats: Counts the streams of all addresses.
        key: The address, as it is counted.
    """

    def __init__(self, seats: Seats, key: str) -> None:
        self._seats = seats
        self._key = key

    def check(self) -> None:
        """Before a stream begins.

        Raises:
            ApiError: The client has too many already.
        """
        if self._seats.full(self._key):
            raise ApiError(
                429,
                "too_many_streams",
                f"{self._seats.most} event streams are open from your address; close some",
                {"Retry-After": "30"},
            )

    def open(
        self, events: Callable[[anyio.Event], AsyncGenerator[LiveEvent]]
    ) -> EventSourceResponse:
        """A stream that ends properly when the server stops.

        Args:
            events: They end soon after the event that they are given is set.
        """
        stop = anyio.Event()
        return _CountedStream(
            _encoded(events(stop)),
            ping=_PING_S,
            shutdown_event=stop,
            shutdown_grace_period=_GRACE_S,
            counted=(self._seats, self._key),
        )


class _CountedStream(EventSourceResponse):
    """A stream that counts towards its client's limit while it is open."""

    def __init__(
        self,
        content: AsyncIterator[ServerSentEvent],
        *,
        ping: int,
        shutdown_event: anyio.Event,
        shutdown_grace_period: float,
        counted: tuple[Seats, str],
    ) -> None:
        super().__init__(
            content,
            ping=ping,
            shutdown_event=shutdown_event,
            shutdown_grace_period=shutdown_grace_period,
        )
        self._counted = counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seats, key = self._counted
        with seats.seat(key):
            await super().__call__(scope, receive, send)


async def _encoded(events: AsyncGenerator[LiveEvent]) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(events):
        async for event in events:
            yield ServerSentEvent(event.data, event=event.name, retry=event.retry_ms)


async def _streams(request: Request) -> EventStreams:
    streams = EventStreams(request.app.state.streams, counted_as(address_of(request.scope)))
    streams.check()
    return streams


Streams = Annotated[EventStreams, Depends(_streams)]
"""Streams to the client of a request that is below its limit."""
