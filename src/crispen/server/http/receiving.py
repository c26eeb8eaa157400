"""Streams request bodies to disk: one file, raw or in a form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from crispen.server.api_errors import ApiError, too_large
from crispen.server.services.data_folder import DataFolder

_WRITE_BYTES = 1 << 20
_HEADER_BYTES = 16 << 10


def file_body(field: str, description: str) -> dict[str, Any]:
    """OpenAPI's description of a body that `received` takes."""
    binary = {"type": "string", "format": "binary", "description": description}
    form = {"type": "object", "required": [field], "properties": {field: binary}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "application/octet-stream": {"schema": binary},
            },
        }
    }


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came in a body.

    Attributes:
        path: Where it is; removed in the end unless it was moved away.
        name: What the client called it, if anything; never a path.
        bytes: Its size.
    """

    path: Path
    name: str | None
    bytes: int


@asynccontextmanager
async def received(
    request: Request, folder: DataFolder, *, field: str, max_bytes: int
) -> AsyncIterator[Received]:
    """The one file of a request's body, on disk as long as the block lasts.

    Args:
        request: Its body is ``multipart/form-data`` with a file called `field`, or the file itself.
        folder: Where it can be kept.
        field: Name in the form.
        max_bytes: Refuse more.

    Raises:
        ApiError: Too large, empty, cut off, or no such field.
        ClientDisconnect: The client disconnected in the middle.
    """
    promised = request.headers.get("content-length", "")
    if promised.isdigit() and int(promised) > max_bytes + _HEADER_BYTES:
        raise too_large(max_bytes)
    await asyncio.to_thread(folder.check_room, int(promised) if promised.isdigit() else 0)
    kind, options = parse_options_header(request.headers.get("content-type"))
    path = folder.draft()
    try:
        with path.open("xb") as target:
            if kind == b"multipart/form-data":
                name, size = await _form(request, target, field, max_bytes, options)
            else:
                name = None
                size = await _raw(request, target, max_bytes)
        if not size:
            raise ApiError(422, "empty", f"the file is empty; send a file as '{field}' or the body")
        yield Received(path, name, size)
    finally:
        path.unlink(missing_ok=True)


async def _raw(request: Request, target: BinaryIO, max_bytes: int) -> int:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise too_large(max_bytes)
        await asyncio.to_thread(target.write, chunk)
    return size


async def _form(
    request: Request,
    target: BinaryIO,
    field: str,
    max_bytes: int,
    options: dict[bytes, bytes],
) -> tuple[str | None, int]:
    boundary = options.get(b"boundary")
    if not boundary:
        raise ApiError(400, "bad_form", "the form has no boundary; send it as curl -F does")
    form = _Form(boundary, field)
    size = total = 0
    try:
        async for chunk in request.stream():
            total += len(chunk)
            if total > max_bytes + _HEADER_BYTES:
                raise too_large(max_bytes)
            form.parser.write(chunk)
            if form.unknown is not None:
                raise ApiError(
                    422,
                    "bad_request",
                    f"the form's field '{form.unknown}' is not known here; the form holds the file "
                    f"'{field}' alone, and everything else goes into the URL, such as ?scale=4",
                )
            content = form.take()
            size += len(content)
            if size > max_bytes:
                raise too_large(max_bytes)
            if content:
                await asyncio.to_thread(target.write, content)
    except MultipartParseError as error:
        raise ApiError(400, "bad_form", f"the form cannot be read ({error})") from error
    if not form.ended:
        raise ApiError(400, "cut_off", "the form is incomplete; send it again")
    if not form.found:
        raise ApiError(422, "no_file", f"the form has no file called '{field}'")
    return form.name, size


class _Form:
    """The one wanted file of a multipart form, as its bytes come in."""

    def __init__(self, boundary: bytes, field: str) -> None:
        self._field = field.encode()
        self._pending = bytearray()
        self._header = (bytearray(), bytearray())
        self._wanted = False
        self.found = self.ended = False
        self.unknown: str | None = None
        self.name: str | None = None
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, a, b: self._grow(0, data[a:b]),
                "on_header_value": lambda data, a, b: self._grow(1, data[a:b]),
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    def take(self) -> bytes:
        """The file's bytes that came since."""
        content = bytes(self._pending)
        self._pending.clear()
        return content

    def _begin(self) -> None:
        self._wanted = False

    def _grow(self, part: int, data: bytes) -> None:
        self._header[part].extend(data)
        if len(self._header[part]) > _HEADER_BYTES:
            raise MultipartParseError("a header is too long")

    def _header_end(self) -> None:
        header, value = (bytes(part) for part in self._header)
        for part in self._header:
            part.clear()
        if header.lower() != b"content-disposition":
            return
        _, options = parse_options_header(value)
        given = options.get(b"name", b"")
        if given != self._field:
            # If it were ignored, the client would assume that it took effect.
            self.unknown = (
                self.unknown or given.decode("utf-8", "replace")[:100] or "without a name"
            )
            return
        if self.found:
            raise MultipartParseError(f"two files are called '{self._field.decode()}'")
        self.found = self._wanted = True
        named = options.get(b"filename")
        self.name = named.decode("utf-8", "replace") if named else None

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._pending += data[start:end]

    def _end(self) -> None:
        self.ended = True
