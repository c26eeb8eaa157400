"""One client that wants too much: bodies, guesses, streams, connections, headers."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import pytest
import uvicorn

from crispen.server.http.connections import protocol

from ..conftest import answer_on
from ..test_outage import until


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], socket.socket]]:
    """A server whose only answer is 204, with limits for everybody; gives connections to it."""
    monkeypatch.setattr("crispen.server.http.connections.is_loopback", lambda address: False)

    async def app(scope, receive, send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(1.5 if scope["path"] == "/slow" else 0)
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    import threading

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, ws="none", http=protocol(header_s=1.0, per_address=3), lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    until(lambda: server.started)
    opened: list[socket.socket] = []

    def connect() -> socket.socket:
        opened.append(socket.create_connection(listener.getsockname(), timeout=10))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()
    server.should_exit = True
    thread.join()
    listener.close()


def _closed_after(connection: socket.socket, drip: bytes = b"") -> float:
    began = time.monotonic()
    connection.settimeout(0.2)
    while time.monotonic() - began < 10:
        try:
            if drip:
                connection.sendall(drip)
            if not connection.recv(100):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def test_slow_headers_are_cut_off(limited: Callable[[], socket.socket]) -> None:
    assert 0.5 < _closed_after(limited()) < 4
    dripping = limited()
    dripping.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    assert 0.5 < _closed_after(dripping, b"X: y\r\n") < 4
    # A second request on a connection that was good before.
    again = limited()
    again.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer_on(again)[0] == 204
    again.sendall(b"GET / HTTP/1.1\r\n")
    assert 0.5 < _closed_after(again, b"X: y\r\n") < 4


def test_an_answer_may_take_longer_than_headers(limited: Callable[[], socket.socket]) -> None:
    connection = limited()
    connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer_on(connection)[0] == 204


def test_a_client_has_so_many_connections(limited: Callable[[], socket.socket]) -> None:
    good = [limited() for _ in range(3)]
    for connection in good:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer_on(connection)[0] == 204
    assert _closed_after(limited()) < 0.5
    good[0].close()
    time.sleep(0.2)
    again = limited()
    again.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer_on(again)[0] == 204
