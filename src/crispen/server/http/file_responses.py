"""Files as responses: ranges, names of downloads, archives, and no scripts."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.responses import MalformedRangeHeader, RangeNotSatisfiable
from starlette.types import Receive, Scope, Send

from crispen.server.api_errors import ApiError
from crispen.server.services.files import JobFile

_NO_SCRIPT = {"Content-Security-Policy": "sandbox; default-src 'none'"}
_KEEP = "private, max-age=0, must-revalidate"


class RangedFile(FileResponse):
    """A file, whole or in parts, whose failures have the one error body.

    Starlette itself answers both with plain text, and refuses what RFC 9110 (section 14.2) lets a
    server ignore: a range in words or units that it does not know.
    """

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []
        except RangeNotSatisfiable as error:
            raise ApiError(
                416,
                "range_not_satisfiable",
                f"the file ends after {error.max_size:,} bytes; ask for a part inside it",
                {"Content-Range": f"bytes */{error.max_size}"},
            ) from error


class SentOnce(FileResponse):
    """A file that is deleted after sending, whether that succeeds or fails.

    Args:
        file: What is sent.
        headers: Further ones.
        delete: Deletes it.
    """

    def __init__(
        self, file: JobFile, headers: dict[str, str], delete: Callable[[], Awaitable[None]]
    ) -> None:
        shown = {"Content-Disposition": disposition(file.name or file.path.name, inline=True)}
        super().__init__(file.path, media_type=file.type, headers=shown | headers | _NO_SCRIPT)
        self._delete = delete

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._delete()


def job_file(file: JobFile) -> Response:
    """A file of a job, as a download if it has a name."""
    shown = "inline" if file.name is None else disposition(file.name)
    headers = {"Content-Disposition": shown, "Cache-Control": _KEEP, **_NO_SCRIPT}
    return RangedFile(file.path, media_type=file.type, headers=headers)


def zip_archive(files: Sequence[tuple[str, Path]]) -> Response:
    """Files as one ZIP archive, created while it is sent.

    Args:
        files: Names in the archive, each once, and paths.
    """
    from zipstream import ZIP_STORED, ZipStream

    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    for name, path in files:
        archive.add_path(path, name)
    return StreamingResponse(
        iter(archive),
        media_type="application/zip",
        headers={
            "Content-Length": str(len(archive)),
            "Content-Disposition": disposition("crispen.zip"),
        },
    )


def disposition(name: str, *, inline: bool = False) -> str:
    r"""A Content-Disposition header with the name as RFC 6266 specifies.

    >>> disposition('ü".png')
    'attachment; filename="__.png"; filename*=UTF-8\'\'%C3%BC%22.png'
    """
    kind = "inline" if inline else "attachment"
    plain = re.sub(r"[^A-Za-z0-9 ._()\[\]-]", "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
