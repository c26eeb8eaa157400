"""Request bodies: limits on size and on slow clients."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from crispen.server.api_errors import ApiError
from crispen.server.http.errors import CODE_HEADER

MOST_BYTES = 1 << 20
_IDLE_S = 60.0
# These stream to the disk and have limits of their own.
_FILES = re.compile(r"^/api/v1/(uploads/[^/]+|enhance|models|jobs/[^/]+/measure)$")
_TEXT = f"the body is larger than {MOST_BYTES:,} bytes; send less"


def takes_file(path: str) -> bool:
    """Whether the body of a request to this path is a file."""
    return _FILES.match(path) is not None


def check_length(path: str, headers: Headers) -> None:
    """Refuse a body whose declared length is too large.

    Raises:
        ApiError: It does.
    """
    length = headers.get("content-length", "0")
    if not takes_file(path) and length.isdigit() and int(length) > MOST_BYTES:
        raise ApiError(413, "too_large", _TEXT)


def limited(path: str, receive: Receive) -> Receive:
    """A body that fails as soon as it is too large, whatever its declared length."""
    if takes_file(path):
        return receive
    size = 0

    async def get() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MOST_BYTES:
            raise HTTPException(413, _TEXT, {CODE_HEADER: "too_large"})
        return message

    return get


def interruptible(scope: MutableMapping[str, Any], receive: Receive) -> Receive:
    """A body that ends as if the client had disconnected, when it stalls or on request.

    ``scope["crispen.interrupt"]`` is the function that requests it.
    """
    stop = asyncio.Event()
    scope["crispen.interrupt"] = stop.set
    reading = True

    async def get() -> Message:
        nonlocal reading
        if not reading:  # waiting for the client to disconnect; there is no time limit
            return await receive()
        message = await _first_of(receive, stop)
        if message is None:
            return {"type": "http.disconnect"}
        reading = message.get("type") == "http.request" and message.get("more_body", False)
        return message

    return get


async def _first_of(
    receive: Callable[[], Awaitable[Message]], stop: asyncio.Event
) -> Message | None:
    if stop.is_set():
        return None
    got = asyncio.ensure_future(receive())
    asked = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({got, asked}, timeout=_IDLE_S, return_when=asyncio.FIRST_COMPLETED)
        return got.result() if got.done() else None
    finally:
        got.cancel()
        asked.cancel()
