"""Real servers on this machine for tests of stores, and a way to them that breaks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from .http_servers import running


@contextmanager
def s3_server() -> Iterator[int]:
    """The port of an S3 server, with its data in memory."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


@contextmanager
def sftp_server(folder: Path, home: Path) -> Iterator[int]:
    """The port of an SFTP server whose root is `folder`; `home` gets a key that it accepts.

    Hosts are known there as well: the server's key stands for every port of this machine.
    """
    import asyncssh

    keys = home / ".ssh"
    keys.mkdir(parents=True)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    user_key = asyncssh.generate_private_key("ssh-ed25519")
    user_key.write_private_key(keys / "id_ed25519")
    user_key.write_public_key(keys / "authorized")
    known = host_key.export_public_key().decode().strip()
    (keys / "known_hosts").write_text(f"[127.0.0.1]:* {known}\n")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    connections: list[Any] = []

    class Rooted(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(folder))

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            authorized_client_keys=str(keys / "authorized"),
            sftp_factory=Rooted,
            acceptor=connections.append,
        )

    async def stop(server: Any) -> None:
        server.close()
        for connection in connections:
            connection.abort()
        await server.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    try:
        yield server.get_port()
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass
class Proxy:
    """A way to a server that cuts connections.

    Attributes:
        port: Where it listens.
        cuts: How many bytes each of the next connections gives before it is cut.
        closed: Whether it refuses everything.
        made: How many connections there were.
    """

    port: int = 0
    cuts: list[int] = field(default_factory=list)
    closed: bool = False
    made: int = 0


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """A way to a port of this machine."""
    about = Proxy()
    listener = socket.create_server(("127.0.0.1", 0))
    about.port = listener.getsockname()[1]

    def pass_on(source: socket.socket, target: socket.socket, left: int | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if left is not None:
                    data, left = data[:left], left - len(data)
                target.sendall(data)
                if left is not None and left <= 0:
                    break
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            about.made += 1
            if about.closed:
                client.close()
                continue
            left = about.cuts.pop(0) if about.cuts else None
            server = socket.create_connection(("127.0.0.1", target))
            ways = ((server, client, left), (client, server, None))
            threads = [threading.Thread(target=pass_on, args=way, daemon=True) for way in ways]

            def end(threads=threads, ends=(client, server)) -> None:  # type: ignore[no-untyped-def]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                for one in ends:
                    one.close()

            threading.Thread(target=end, daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield about
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@dataclass
class Web:
    """A web server.

    Attributes:
        port: Where it listens.
        files: What it has, by path.
        cuts: How many bytes each of the next answers has before it is cut.
        statuses: What each of the next answers is instead.
        asked: Method, path and range of each request.
        ranges: Whether it can send a part of a file.
    """

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    ranges: bool = True

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def web_server() -> Iterator[Web]:
    """A server that cuts its answers off as it is told."""
    about = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(head=True)

        def do_GET(self) -> None:
            self._answer(head=False)

        def _answer(self, *, head: bool) -> None:
            wanted = self.headers.get("Range")
            about.asked.append((self.command, self.path, wanted))
            data = about.files.get(self.path.partition("?")[0])
            status = about.statuses.pop(0) if about.statuses and not head else 200
            if data is None:
                status = 404
            if status != 200:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            assert data is not None
            mark, start, end = f'"{hash(data)}"', 0, len(data)
            same = self.headers.get("If-Range", mark) == mark
            if wanted and about.ranges and same:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                start, end = int(first), min(end, int(last) + 1) if last else end
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
            else:
                self.send_response(200)
            self.send_header("ETag", mark)
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            if head:
                return
            left = about.cuts.pop(0) if about.cuts else None
            self.wfile.write(data[start:end][:left])
            if left is not None:
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

    with running(Handler) as url:
        about.port = int(url.rpartition(":")[2])
        yield about


def s3_environment(port: int) -> dict[str, str]:
    """What makes S3 libraries ask the server of the tests."""
    nothing = os.devnull
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
