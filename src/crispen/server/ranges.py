"""Files of which a client may ask for a part."""

from __future__ import annotations

from fastapi.responses import FileResponse
from starlette.responses import MalformedRangeHeader, RangeNotSatisfiable

from crispen.server.errors import ApiError


class FileAnswer(FileResponse):
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
