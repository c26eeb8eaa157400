"""Both clients against a real server on the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import crispen
from crispen.client import flows
from crispen.progress import Event, Progress

from ..server.conftest import Live, live, png, start

__all__ = ["live", "start"]
FAST = {"models": ("espcn",)}


@pytest.fixture
def server(live: Live) -> Iterator[crispen.Client]:
    with crispen.Client(live.url) as client:
        yield client
        for job in client.jobs():
            client.delete(job.id)


@pytest.fixture
def photo_file(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(png())
    return path


def test_a_picture_in_and_the_same_result_as_here(
    server: crispen.Client, photo_file: Path, tmp_path: Path
) -> None:
    told: list[Event] = []
    job = server.enhance(
        photo_file, tmp_path / "large.png", scale=2, progress=Progress(told.append), **FAST
    )
    assert job.status == "done"
    here = crispen.enhance(photo_file, 2, model="espcn")
    assert (crispen.read_image(tmp_path / "large.png").pixels == here.pixels).all()
    assert {"sending photo.png", "fetching photo.png"} <= {event.what for event in told}
    assert [j.id for j in server.jobs("done")] == [job.id]
    assert server.job(job.id) == job


def test_the_async_client_does_the_same(live: Live, photo_file: Path, tmp_path: Path) -> None:
    async def both() -> list[str]:
        async with crispen.AsyncClient(live.url) as server:
            jobs = await asyncio.gather(
                *(
                    server.enhance(photo_file, tmp_path / f"{n}.png", scale=n, **FAST)
                    for n in (2, 3)
                )
            )
            listed = [job.id async for job in server.jobs()]
            upload = await server.upload(photo_file)
            more = await server.create(upload, **FAST)
            assert (await server.wait(more.id)).status == "done"
            assert (await server.fetch(more, tmp_path / "more.png")).name == "more.png"
            await server.delete(more.id)
            for job in jobs:
                await server.delete(job.id)
            return [*listed, *(job.id for job in jobs)]

    ids = asyncio.run(both())
    assert sorted(ids[:2]) == sorted(ids[2:])
    assert [crispen.read_image(tmp_path / f"{n}.png").width for n in (2, 3)] == [96, 144]


def test_the_same_key_gives_the_same_job(server: crispen.Client, photo_file: Path) -> None:
    first = server.create(server.upload(photo_file), key="mine", **FAST)
    again = server.create(server.upload(photo_file), key="mine", **FAST)
    other = server.create(server.upload(photo_file), key="other", **FAST)
    assert first.id == again.id != other.id


class Cutting:
    """Passes bytes on to a server, and cuts the first connections that send many."""

    def __init__(self, port: int, cuts: int) -> None:
        self.cuts = cuts
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._begin(self._serve)

    def _begin(self, target: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self._threads[-1].start()

    def _serve(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            theirs = socket.create_connection(("127.0.0.1", self._port))
            self._ends += [ours, theirs]
            for one, other, limited in ((ours, theirs, True), (theirs, ours, False)):
                self._begin(self._pass, one, other, limited)

    def _pass(self, one: socket.socket, other: socket.socket, limited: bool) -> None:
        passed = 0
        try:
            while data := one.recv(1 << 14):
                passed += len(data)
                other.sendall(data)
                if limited and passed > 100_000 and self.cuts:
                    self.cuts -= 1
                    break
        except OSError:
            pass
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._listener, *self._ends):
            end.close()


def test_an_upload_continues_where_it_was_cut(live: Live, tmp_path: Path) -> None:
    content = png(400, 300) + bytes(1_000_000)
    (tmp_path / "a.png").write_bytes(content)
    between = Cutting(int(live.url.rpartition(":")[2]), cuts=3)
    try:
        told: list[Event] = []
        with crispen.Client(between.url) as server:
            at = server.upload(tmp_path / "a.png", progress=Progress(told.append))
        assert between.cuts == 0
        assert told[-1].done == len(content)
        uid = at.rpartition("/")[2]
        assert live.services.upload_store.path(uid).read_bytes() == content
        live.services.upload_store.drop(uid)
    finally:
        between.close()


def test_an_upload_of_an_earlier_program_is_continued(
    live: Live, server: crispen.Client, photo_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = photo_file.stat().st_size
    monkeypatch.setattr(flows, "PART_BYTES", size // 3)
    begun: list[str] = []
    stopped = Progress(lambda event: stopped.cancel() if event.done > 0 else None)
    http = server._http
    plain = http.request

    def request(method: str, path: str, **more: object) -> httpx.Response:
        answer = plain(method, path, **more)  # type: ignore[arg-type]
        if method == "POST":
            begun.append(answer.headers["location"])
        return answer

    monkeypatch.setattr(http, "request", request)
    with pytest.raises(crispen.Cancelled):
        server.upload(photo_file, progress=stopped)
    told: list[Event] = []
    at = server.upload(photo_file, at=begun[0], progress=Progress(told.append))
    assert at == begun[0]
    assert told[1].done == size // 3
    assert server.create(at, **FAST).name == "photo.png"


def test_what_the_server_refuses_is_told_in_its_words(
    server: crispen.Client, tmp_path: Path, photo_file: Path
) -> None:
    with pytest.raises(crispen.ServerError, match="no such job") as raised:
        server.job("0" * 32)
    assert (raised.value.code, raised.value.status) == ("not_found", 404)
    with pytest.raises(crispen.UsageError, match="no option 'scael'; did you mean scale"):
        server.enhance(photo_file, tmp_path / "b.png", scael=2)
    (tmp_path / "no.png").write_bytes(b"no picture at all")
    with pytest.raises(crispen.ServerError):
        server.enhance(tmp_path / "no.png", tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()
    with pytest.raises(crispen.InputError, match="cannot be read"):
        server.upload(tmp_path / "none.png")


def test_a_token_is_given(start: Callable[..., Live], photo_file: Path) -> None:
    live = start(token="s3cret-of-many-letters")
    with (
        crispen.Client(live.url) as stranger,
        pytest.raises(crispen.ServerError, match="token") as raised,
    ):
        stranger.upload(photo_file)
    assert raised.value.status == 401
    with crispen.Client(live.url, token="s3cret-of-many-letters") as server:
        job = server.create(server.upload(photo_file), **FAST)
        assert job.status == "queued"
        with pytest.raises(crispen.ServerError, match="not done after"):
            server.wait(job.id, timeout_s=0.2)
        server.cancel(job.id)
        with pytest.raises(crispen.ServerError, match="cancelled"):
            server.wait(job.id)


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        crispen.Client(f"http://127.0.0.1:{port}", tries=2) as server,
        pytest.raises(crispen.ServerError, match="does not answer"),
    ):
        server.job("0" * 32)
