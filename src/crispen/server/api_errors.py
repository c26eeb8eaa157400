"""Failures that have an HTTP status and a code, as services raise them."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from crispen.errors import (
    CrispenError,
    InputError,
    MissingExtra,
    MissingInput,
    ModelError,
    OutputError,
    ResultTooLarge,
    UsageError,
)
from crispen.jobs.database import StoreError
from crispen.jobs.error_texts import for_everyone
from crispen.jobs.states import NotPossible

log = logging.getLogger("crispen.server")


class ApiError(CrispenError):
    """A failure with its HTTP status.

    Args:
        status: HTTP status of the response.
        code: For programs, in snake case.
        message: One line for a person: what happened, and what to do.
        headers: Such as Retry-After.
        field: The value at fault, if it is one value.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = self.status_code = status
        self.code = code
        self.headers = dict(headers or {})
        self.field = field


def not_found(what: str) -> ApiError:
    """There is no such thing, or it belongs to another client; the response does not say which."""
    return ApiError(404, "not_found", f"no such {what}; it may have expired or been deleted")


def disk_full() -> ApiError:
    """The answer when the disk is full."""
    return ApiError(
        507, "disk_full", "the server's disk is full; delete old jobs or ask for more space"
    )


def too_large(max_bytes: int) -> ApiError:
    """The answer to a file over the limit."""
    return ApiError(
        413, "too_large", f"the file is larger than {max_bytes:,} bytes; send a smaller one"
    )


_KINDS: tuple[tuple[type[Exception], int, str], ...] = (
    (NotPossible, 409, "not_possible"),
    (MissingInput, 404, "not_found"),
    (InputError, 422, "bad_input"),
    (ModelError, 422, "bad_model"),
    (MissingExtra, 501, "not_installed"),
    (OutputError, 507, "cannot_write"),
    (ResultTooLarge, 422, "result_too_large"),
    (UsageError, 422, "bad_request"),
    (CrispenError, 400, "failed"),
)


def as_api_error(error: CrispenError) -> ApiError:
    """Any Crispen error, with the status and code of its response."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, StoreError):
        # The driver's message may contain a host name or a path.
        log.warning("%s", error)
        text = "the server's queue does not respond; try again in a moment"
        return ApiError(503, "queue_away", text, {"Retry-After": "2"})
    status, code = next((s, c) for kind, s, c in _KINDS if isinstance(error, kind))
    field = error.field if isinstance(error, UsageError) else None
    return ApiError(status, code, for_everyone(str(error)), field=field)
