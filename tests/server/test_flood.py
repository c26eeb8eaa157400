"""One client that wants too much: bodies, guesses, streams, connections, headers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from pydantic import SecretStr

from crispen.server.http.connections import protocol

from .conftest import Live, answer_on, error_of
from .test_outage import until

TOKEN = "correct horse battery"


@pytest.mark.parametrize("path", ["/session", "/jobs"])
def test_json_is_limited_before_sign_in(start: Callable[..., Live], path: str) -> None:
    live = start(token=SecretStr(TOKEN))
    body = json.dumps({"token": "x" * (2 << 20)}).encode()

    def pieces() -> Iterator[bytes]:
        for place in range(0, len(body), 1 << 16):
            yield body[place : place + (1 << 16)]

    with live.client() as api:
        if path != "/session":
            error_of(api.post(path, content=body), 401, "token_needed")
            api.headers["Authorization"] = f"Bearer {TOKEN}"
        sent = {"Content-Type": "application/json"}
        assert "1,048,576" in error_of(api.post(path, content=body, headers=sent), 413, "too_large")
        # Without a length, as soon as it is too large.
        answer = api.post(path, content=pieces(), headers=sent)
        assert answer.status_code == 413, answer.text


def test_guessing_a_token_is_slow_and_others_do_not_notice(
    start: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = start(token=SecretStr(TOKEN), sign_ins_per_minute=4)
    with live.client() as api:
        for _ in range(2):
            error_of(api.post("/session", json={"token": "wrong"}), 401, "wrong_token")
            wrong = {"Authorization": "Bearer wrong"}
            error_of(api.get("/jobs", headers=wrong), 401, "token_needed")
        answer = api.post("/session", json={"token": TOKEN})  # the right one is not even looked at
        error_of(answer, 429, "too_many_sign_ins")
        assert int(answer.headers["retry-after"]) >= 1
        good = {"Authorization": f"Bearer {TOKEN}"}
        error_of(api.get("/jobs", headers=good), 429, "too_many_sign_ins")
        monkeypatch.setattr("crispen.server.http.middleware.address_of", lambda scope: "192.0.2.1")
        assert api.get("/jobs", headers=good).status_code == 200
        assert api.post("/session", json={"token": TOKEN}).status_code == 200


def test_right_tokens_are_no_guesses(start: Callable[..., Live]) -> None:
    live = start(token=SecretStr(TOKEN), sign_ins_per_minute=2)
    with live.client(headers={"Authorization": f"Bearer {TOKEN}"}) as api:
        assert [api.get("/jobs").status_code for _ in range(9)] == [200] * 9


def test_several_tokens(start: Callable[..., Live], photo: bytes) -> None:
    live = start(
        token=SecretStr(TOKEN),
        tokens={"camera": SecretStr("token of the camera"), "phone": SecretStr("token of a phone")},
        separate_clients=True,
    )

    def of(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    with live.client() as api:
        api.headers.update(of("token of the camera"))
        job = api.job(photo)
        assert [j["id"] for j in api.get("/jobs").json()["jobs"]] == [job["id"]]
        for other in ("token of a phone", TOKEN):
            assert api.get("/jobs", headers=of(other)).json()["jobs"] == []
        error_of(api.get("/jobs", headers=of("token of none")), 401, "token_needed")
    with live.client() as browser:
        assert browser.post("/session", json={"token": "token of a phone"}).status_code == 200
        assert browser.get("/jobs").status_code == 200


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


def test_what_is_counted_together(tmp_path: Path) -> None:
    from crispen.server.http.addresses import counted_as

    home = {counted_as(f"2001:db8:0:7::{n:x}") for n in range(1, 50)}
    assert len(home) == 1
    assert counted_as("2001:db8:0:8::1") not in home
