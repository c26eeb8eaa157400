"""Runs an app with uvicorn until it is stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn

from crispen.errors import OutputError, UsageError
from crispen.server.http.app import create_app
from crispen.server.http.connections import protocol

if TYPE_CHECKING:
    from crispen.server.settings import Settings

GRACE_S = 5
"""How long a server that is stopped waits for open connections."""


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OutputError: The port is in use, or cannot be used.
        UsageError: No such address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise UsageError(f"--host {host}: no such address; give 127.0.0.1 or 0.0.0.0") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # on Windows it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise OutputError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another --port, "
            "or 0 for any that is free"
        ) from error
    return listener


def url_of(settings: Settings, listener: socket.socket) -> str:
    """What to type into a browser on this machine."""
    port = listener.getsockname()[1]
    host = settings.host
    if host in ("0.0.0.0", "::", ""):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; running jobs then go back to the queue.

    Args:
        settings: Of the server.
        ready: Called with the URL as soon as it answers.

    Raises:
        CrispenError: It cannot be started.
    """
    listener = open_socket(settings.host, settings.port)
    url = url_of(settings, listener)
    try:
        app = create_app(settings)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=20,
            h11_max_incomplete_event_size=64 << 10,
            ws="none",
            http=protocol(
                header_s=settings.max_header_s, per_address=settings.max_connections_per_address
            ),
        )
        app.state.services.lifecycle.begin()
        try:
            run(config, listener, lambda: ready(url))
        finally:
            app.state.services.lifecycle.end()
    finally:
        listener.close()


def run(
    config: uvicorn.Config,
    listener: socket.socket,
    ready: Callable[[], None],
    stopping: Callable[[], None] | None = None,
) -> None:
    """Run an app until Ctrl-C or SIGTERM.

    Args:
        config: Of the app.
        listener: Where it listens.
        ready: Called as soon as it answers.
        stopping: Called before open connections are waited for.
    """
    with _quiet_stop():
        _Server(config, ready, stopping).run(sockets=[listener])


@contextlib.contextmanager
def _quiet_stop() -> Iterator[None]:
    """Uvicorn raises the signal that stopped it again; for us, the signal has been handled."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Server(uvicorn.Server):
    """Reports when it responds, and when it stops."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        stopping: Callable[[], None] | None,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._stopping is not None:
            self._stopping()
        await super().shutdown(sockets)
