"""Streams of events: how many, and that they end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from ..conftest import Live, error_of
from ..test_outage import until


def test_a_client_has_so_many_streams(start: Callable[..., Live]) -> None:
    live = start(max_streams_per_address=3)
    with live.client() as api, contextlib.ExitStack() as streams:
        lines = []  # kept, since a stream that nobody reads any more is closed
        for _ in range(3):
            lines.append(streams.enter_context(api.stream("GET", "/events")).iter_lines())
            next(lines[-1])
        error_of(api.get("/events"), 429, "too_many_streams")
        streams.close()
        until(lambda: not live.app.state.streams.full("127.0.0.1"))
        with api.stream("GET", "/events") as answer:
            assert answer.status_code == 200
