"""HEAD wherever there is GET, 304 where a client has the current version, and gzip for the page."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Uploads answer HEAD themselves, differently from GET.
_OWN_HEAD = "/api/v1/uploads/"
# Headers of a 304, by RFC 9110 (section 15.4.5).
_DROPPED = ("content-length", "content-type", "content-encoding", "content-range")


class Conditional:
    """A middleware.

    Args:
        app: What answers GET.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD" and not scope["path"].startswith(_OWN_HEAD):
            await self._head(scope, receive, send)
            return
        await self._app(scope, receive, _named(_unless_known(scope, send)))

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As for GET, without the body: a stream of events ends at its beginning."""
        answered = asyncio.Event()

        async def first(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                answered.set()

        sender = _named(_unless_known(scope, first))
        work = asyncio.ensure_future(self._app({**scope, "method": "GET"}, receive, sender))
        done = asyncio.ensure_future(answered.wait())
        try:
            await asyncio.wait({work, done}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            for task in (work, done):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work


class Compressed:
    """A middleware that compresses the page; its scripts shrink to a third.

    Answers of the API stay as they are: pictures do not shrink, streams must not wait, and what
    holds both a secret and a client's words must not be compressed (BREACH).

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._gzip = GZipMiddleware(app, minimum_size=1000)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        plain = scope["type"] != "http" or scope["path"].startswith(("/api/", "/metrics"))
        if plain or "range" in Headers(scope=scope):
            await self._app(scope, receive, send)
        else:
            await self._gzip(scope, receive, send)


def _named(send: Send) -> Send:
    """Adds an ETag to a JSON response that comes in one piece."""
    held: Message | None = None

    async def forward(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start" and message["status"] == 200:
            headers = Headers(raw=message["headers"])
            if headers.get("content-type") == "application/json" and "etag" not in headers:
                held = message
                return
        if held is not None:
            start, held = held, None
            if not message.get("more_body"):
                digest = hashlib.sha256(message.get("body", b"")).hexdigest()
                MutableHeaders(scope=start)["etag"] = f'W/"{digest[:32]}"'
            await send(start)
        await send(message)

    return forward


def _unless_known(scope: Scope, send: Send) -> Send:
    """Answers 304 if the client sent the ETag of the current version."""
    known = Headers(scope=scope).get("if-none-match")
    if known is None:
        return send
    same = False

    async def forward(message: Message) -> None:
        nonlocal same
        if message["type"] == "http.response.start" and message["status"] in (200, 206):
            headers = MutableHeaders(scope=message)
            same = _matches(known, headers.get("etag"))
            if same:
                message["status"] = 304
                for name in _DROPPED:
                    del headers[name]
        elif same:
            message = {**message, "body": b""}
        await send(message)

    return forward


def _matches(known: str, etag: str | None) -> bool:
    """Whether one of a list of tags is this one; a weak tag equals its strong one.

    >>> _matches('"a", W/"b"', '"b"'), _matches("*", '"b"'), _matches('"a"', None)
    (True, True, False)
    """
    if etag is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags
