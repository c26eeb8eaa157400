"""One body for every failure: ``{"error": {"code", "message", "id"}}``."""

from __future__ import annotations

import errno
import logging
import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from crispen.errors import CrispenError, describe_invalid
from crispen.server.api_errors import ApiError, as_api_error, disk_full
from crispen.server.schemas import ErrorBody

log = logging.getLogger("crispen.server")

# Every route can return these; each adds its own.
RESPONSES: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorBody, "description": HTTPStatus(code).phrase}
    for code in (400, 401, 403, 421, 422, 429, 500, 503)
}


def failures(*codes: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of further failures of a route."""
    return {code: {"model": ErrorBody, "description": HTTPStatus(code).phrase} for code in codes}


CODE_HEADER = "X-Crispen-Code"


def request_id(request: Request) -> str:
    """The request's id, which is also in the log."""
    return str(request.scope.get("crispen.id", "-"))


def body(code: str, message: str, id: str, field: str | None = None) -> dict[str, Any]:
    """The error body."""
    about = {} if field is None else {"field": field}
    return {"error": {"code": code, "message": message, "id": id, **about}}


def answer(request: Request, error: ApiError) -> JSONResponse:
    """The response of a failure."""
    text = body(error.code, str(error), request_id(request), error.field)
    return JSONResponse(text, error.status, headers=error.headers)


def unexpected(error: BaseException, id: str) -> JSONResponse:
    """A bug: the log has the details, the answer has their id."""
    log.error("unexpected %s", type(error).__name__, exc_info=error, extra={"request_id": id})
    text = f"something went wrong here; the server's log has the details under {id}"
    return JSONResponse(body("unexpected", text, id), 500)


_PHRASES = tuple(HTTPStatus(code).phrase for code in (404, 405))


def allowed_methods(request: Request) -> list[str]:
    """Methods of a request's path, by the API's document; empty for unknown paths."""
    found: set[str] = set()
    for path, item in request.app.openapi()["paths"].items():
        # Runs are in folders; all other parameters are one part of a path.
        part = ".+" if path.startswith("/api/v1/runs/") else "[^/]+"
        pattern = part.join(map(re.escape, re.split(r"\{[^}]+\}", path)))
        if re.fullmatch(pattern, request.url.path):
            found |= {method.upper() for method in item}
    if "GET" in found:
        found.add("HEAD")
    return sorted(found)


def add_handlers(app: FastAPI) -> None:
    """Give every failure of the app the same body."""

    async def crispen_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, CrispenError)
        return answer(request, as_api_error(error))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        told = _validation_line(error)
        return answer(request, ApiError(422, "bad_request", told, field=_field(error)))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if error.status_code in (404, 405) and error.detail in _PHRASES:
            allowed = allowed_methods(request)
            if allowed:
                text = f"{request.method} is not possible here; /docs lists what is"
                listed = {"Allow": ", ".join(allowed)}
                return answer(request, ApiError(405, "method_not_allowed", text, listed))
        phrase = HTTPStatus(error.status_code).phrase
        detail = str(error.detail or phrase)
        if error.status_code == 404 and detail == phrase:
            detail = f"there is nothing at {request.url.path}; /docs lists what there is"
        plain = phrase.lower().replace(" ", "_").replace("-", "_").replace("'", "")
        headers = dict(error.headers or {})
        # An error of ours that passed through a library that knows only FastAPI's errors.
        code = headers.pop(CODE_HEADER, "disk_full" if error.status_code == 507 else plain)
        return answer(request, ApiError(error.status_code, code, detail, headers))

    async def os_error(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return answer(request, disk_full())
        raise error

    async def gone(request: Request, error: Exception) -> JSONResponse:
        # Nobody receives it; access logs use 499 for a client that disconnected.
        return answer(request, ApiError(499, "client_gone", "the client disconnected"))

    app.add_exception_handler(CrispenError, crispen_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(OSError, os_error)


def _field(error: RequestValidationError) -> str | None:
    """The value at fault, if it is one value."""
    one, *others = error.errors()
    if others:
        return None
    names = [part for part in one["loc"] if isinstance(part, str)]
    named = one.get("ctx", {}).get("field", names[-1] if len(names) > 1 else None)
    return None if named is None else str(named)


def _validation_line(error: RequestValidationError) -> str:
    problems = [describe_invalid(dict(one)) for one in error.errors()[:3]]
    more = len(error.errors()) - 3
    return "; ".join(problems) + (f"; and {more} more" if more > 0 else "")
