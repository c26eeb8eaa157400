"""The page of ``crispen play`` and its stream: an app apart from the server's, for one viewer.

It listens on this machine alone, answers below a path that nobody can guess, and to no foreign name
of this machine, which pages of other sites could use.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import re
import secrets
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files

import uvicorn
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crispen.enhance.video.live import Live
from crispen.errors import CrispenError
from crispen.server.http.addresses import host_of
from crispen.server.http.disconnection import gone
from crispen.server.http.errors import body
from crispen.server.http.serving import GRACE_S, open_socket, run
from crispen.server.services.playing import Playing

_HOST = "127.0.0.1"
_NAMES = ("127.0.0.1", "localhost", "::1")
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


def create_player(playing: Playing, path: str) -> Starlette:
    """The app that shows a clip.

    Args:
        playing: The clip.
        path: The path below which it answers, such as ``/q3Jx``; to all others it does not.
    """

    def page(request: Request) -> Response:
        text = files("crispen.server.http").joinpath("player.html").read_text(encoding="utf-8")
        return HTMLResponse(text, headers={"content-security-policy": _policy(text)})

    def clip(request: Request) -> Response:
        return JSONResponse(playing.about())

    # In the event loop, as `stream`: one call at a time.
    async def status(request: Request) -> Response:
        return JSONResponse(
            playing.status(
                request.query_params.get("viewer", ""),
                _number(request, "position"),
                playing=request.query_params.get("playing") == "true",
            )
        )

    async def stream(request: Request) -> Response:
        start = Fraction(_number(request, "start")).limit_denominator(1_000_000)
        live = playing.play(start, request.query_params.get("viewer", ""))
        return _Stream(request, live, playing)

    routes = [
        Route("/", page),
        Route("/clip", clip),
        Route("/status", status),
        Route("/stream", stream),
    ]
    app = Starlette(routes=[Mount(path, routes=routes)], middleware=[Middleware(_Own)])
    app.router.redirect_slashes = False
    return app


def serve_player(playing: Playing, port: int, ready: Callable[[str], None]) -> None:
    """Show a clip until Ctrl-C or SIGTERM.

    Args:
        playing: The clip.
        port: Port to listen on; 0 for any that is free.
        ready: Called with the URL as soon as it answers.

    Raises:
        OutputError: The port is in use.
    """
    path = f"/{secrets.token_urlsafe(16)}"
    listener = open_socket(_HOST, port)
    url = f"http://{_HOST}:{listener.getsockname()[1]}{path}/"
    config = uvicorn.Config(
        create_player(playing, path),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        lifespan="off",
        ws="none",
        http="h11",
    )
    try:
        run(config, listener, lambda: ready(url), playing.stop)
    finally:
        listener.close()


def _number(request: Request, name: str) -> float:
    """A number of seconds in a query; 0 if it is none."""
    try:
        value = float(request.query_params.get(name, "0"))
    except ValueError:
        return 0.0
    return max(0.0, value) if math.isfinite(value) else 0.0


def _policy(page: str) -> str:
    """A content security policy that allows a page's own script and style, and no others."""

    def own(tag: str) -> str:
        text = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        hashes = (base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in text)
        return " ".join(f"'sha256-{one}'" for one in hashes)

    return (
        f"default-src 'none'; script-src {own('script')}; style-src {own('style')}; "
        "media-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


class _Own:
    """Refuses foreign names of this machine (DNS rebinding), as the server does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        name = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"host"), "")
        if host_of(name) not in _NAMES:
            text = f"this page does not answer to '{host_of(name)[:100]}'; use the printed address"
            said = JSONResponse(body("wrong_host", text, secrets.token_hex(8)), 421)
            await said(scope, receive, tell)
            return
        await self._app(scope, receive, tell)


class _Stream(Response):
    """The bytes of a picture as they are made; the work ends as soon as nobody reads them."""

    def __init__(self, request: Request, live: Live, playing: Playing) -> None:
        super().__init__(media_type="video/mp4", headers={"accept-ranges": "none"})
        del self.headers["content-length"]
        self._request = request
        self._live = live
        self._playing = playing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pieces = self._live.pieces()
        leaving = asyncio.ensure_future(gone(self._request))
        leaving.add_done_callback(lambda _: self._live.stop())
        begun = False
        try:
            while (piece := await run_sync(next, pieces, None)) is not None:
                if not begun:
                    await send(self._start())
                    begun = True
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except CrispenError as error:
            self._playing.fail(self._live, error)
            if not begun:
                said = body("unplayable", str(error), secrets.token_hex(8))
                await JSONResponse(said, 422)(scope, receive, send)
                return
        finally:
            leaving.cancel()
            self._live.stop()
            await run_sync(pieces.close)
        if not begun:
            await send(self._start())
        await send({"type": "http.response.body", "body": b""})

    def _start(self) -> Message:
        return {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
