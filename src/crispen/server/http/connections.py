"""Connections: slow ones are closed, and their number per client is limited.

Uvicorn waits without limit for the headers of a request; a few thousand clients that send a byte
now and then would use up all connections.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from crispen.server.http.addresses import counted_as, is_loopback
from crispen.server.http.rates import Seats


def protocol(*, header_s: float, per_address: int) -> type[asyncio.Protocol]:
    """Uvicorn's HTTP/1.1 with limits.

    Args:
        header_s: Seconds within which the headers of a request must be there.
        per_address: Most connections of one client beyond this machine.
    """
    seats = Seats(per_address)

    class Limited(H11Protocol):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self._timer: asyncio.TimerHandle | None = None
            self._seat: Any = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            address = self.client[0] if self.client else ""
            if address and not is_loopback(address):
                key = counted_as(address)
                if seats.full(key):
                    transport.abort()
                    return
                self._seat = seats.seat(key)
                self._seat.__enter__()
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch()
            seat, self._seat = self._seat, None
            if seat is not None:
                seat.__exit__(None, None, None)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is h11.IDLE:  # in the middle of headers
                self._watch()
            else:
                self._unwatch()

        def _watch(self) -> None:
            # Once per request, however many pieces its headers arrive in.
            if self._timer is None:
                self._timer = self.loop.call_later(header_s, self._too_slow)

        def _unwatch(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _too_slow(self) -> None:
            self._timer = None
            # Once the response has begun, the headers are complete.
            busy = self.cycle is not None and not self.cycle.response_complete
            if not busy and not self.transport.is_closing():
                self.transport.close()

    return Limited
