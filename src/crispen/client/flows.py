"""Requests and retries of a client, independent of the transport.

Each flow is a generator: it yields a `Call` and receives the response, or yields a `Pause`. The
blocking and the async client run the same flows.
"""

from __future__ import annotations

import base64
import os
import random
import secrets
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from crispen.enhance.request import Request
from crispen.errors import InputError, OutputError, ServerError, UsageError, nearest_names
from crispen.jobs.states import FINAL, Status
from crispen.progress import Progress
from crispen.server.schemas import JobPage, JobView

API = "/api/v1"
PART_BYTES = 4 << 20
_TUS = {"Tus-Resumable": "1.0.0"}
_BUSY = (429, 502, 503, 504)
# Another request holds the upload, such as an earlier one of this client that timed out.
_HELD = (409, 423)
_FIRST_S, _MOST_S = 0.2, 10.0
_LOOK_FIRST_S, _LOOK_MOST_S = 0.1, 2.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to send.

    Attributes:
        method: HTTP method.
        path: Relative to the API, or a full URL.
        headers: In addition to the client's own.
        json: JSON body.
        content: Body as bytes.
        params: Query parameters.
    """

    method: str
    path: str
    headers: Mapping[str, str] | None = None
    json: Any = None
    content: bytes | None = None
    params: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A request to wait for `seconds`."""

    seconds: float


Flow = Generator[Call | Pause, httpx.Response | None, T]


def called(call: Call, tries: int, *, held: bool = False) -> Flow[httpx.Response]:
    """The response to a request, which is retried after temporary errors.

    Args:
        call: The request.
        tries: Maximum number of times that it is sent.
        held: Also retry while another request holds the upload.

    Raises:
        ServerError: The server refuses the request, or does not answer.
    """
    pause_s = _FIRST_S
    for number in range(1, tries + 1):
        wait_s = 0.0
        try:
            answer = yield call
            assert answer is not None
            again = answer.status_code in _BUSY or (held and answer.status_code in _HELD)
            if not again or number == tries:
                return _checked(answer)
            wait_s = _seconds(answer.headers.get("retry-after", ""))
        except httpx.TransportError as error:
            if number == tries:
                reason = str(error) or type(error).__name__
                raise ServerError(
                    f"the server does not answer ({reason}); check its address", "no_answer", 0
                ) from error
        # A random delay keeps clients from reconnecting to a restarted server all at once.
        yield Pause(max(wait_s, pause_s * random.uniform(0.5, 1.0)))
        pause_s = min(_MOST_S, 2 * pause_s)
    raise AssertionError


def uploaded(source: Path, tries: int, progress: Progress, *, at: str | None = None) -> Flow[str]:
    """Uploads a file and returns the URL of the upload.

    Args:
        source: The file.
        tries: Maximum number of times that each part is sent.
        progress: Receives byte counts; can cancel.
        at: URL of an interrupted upload, to continue it.

    Raises:
        InputError: The file cannot be read.
        ServerError: The server refuses the upload, or does not answer.
    """
    try:
        size = source.stat().st_size
        file = source.open("rb")
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror}); check the path") from error
    with file, progress.task(f"sending {source.name}", size, "bytes") as task:
        offset = 0
        if at is None:
            name = base64.b64encode(os.fsencode(source.name)).decode()
            about = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": f"filename {name}"}
            answer = yield from called(Call("POST", "/uploads/", about), tries)
            at = answer.headers["location"]
        else:
            offset = yield from _offset(at, tries)
            task.advance(offset)
        failures = 0
        while offset < size:
            file.seek(offset)
            part = file.read(PART_BYTES)
            about = {
                **_TUS,
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            }
            try:
                yield from called(Call("PATCH", at, about, content=part), 1)
                arrived = offset + len(part)
                failures = 0
            except ServerError as error:
                failures += 1
                passing = error.status in (0, *_BUSY, *_HELD)
                if not passing or failures >= tries:
                    raise
                yield Pause(min(_MOST_S, _FIRST_S * 2**failures))
                # Bytes that the server has received are not sent again.
                arrived = yield from _offset(at, tries)
            task.advance(arrived - offset)
            offset = arrived
    return at


def _offset(at: str, tries: int) -> Flow[int]:
    answer = yield from called(Call("HEAD", at, _TUS), tries, held=True)
    return int(answer.headers["upload-offset"])


def created(
    upload: str,
    options: Request,
    tries: int,
    *,
    key: str | None = None,
    folder: str | None = None,
    webhook: str | None = None,
) -> Flow[JobView]:
    """Creates a job for a finished upload."""
    body = {"upload": upload, "options": options.model_dump(mode="json", exclude_none=True)}
    if folder is not None:
        body["folder"] = folder
    if webhook is not None:
        body["webhook"] = webhook
    headers = {"Idempotency-Key": key or secrets.token_hex(16)}
    answer = yield from called(Call("POST", "/jobs", headers, json=body), tries)
    return JobView.model_validate_json(answer.content)


def found(id: str, tries: int) -> Flow[JobView]:
    """The current state of a job."""
    answer = yield from called(Call("GET", f"/jobs/{id}"), tries)
    return JobView.model_validate_json(answer.content)


def changed(method: str, path: str, tries: int) -> Flow[httpx.Response]:
    """The response to an idempotent request without a body, such as cancelling or deleting."""
    return (yield from called(Call(method, path), tries))


def page(statuses: tuple[str, ...], limit: int, after: str | None, tries: int) -> Flow[JobPage]:
    """A page of the client's jobs, newest first."""
    params = {"limit": limit, "status": list(statuses), "after": after}
    given = {name: value for name, value in params.items() if value}
    answer = yield from called(Call("GET", "/jobs", params=given), tries)
    return JobPage.model_validate_json(answer.content)


def ended(id: str, tries: int, progress: Progress, timeout_s: float | None) -> Flow[JobView]:
    """Waits until a job is done and returns it.

    Raises:
        ServerError: The job failed, was cancelled, or was not done in time.
    """
    began, pause_s, shown = time.monotonic(), _LOOK_FIRST_S, 0.0
    with progress.task("waiting", None, "jobs") as waiting:
        task = None
        try:
            while True:
                progress.check()
                job = yield from found(id, tries)
                if job.status in FINAL:
                    break
                now = job.progress
                if now is not None:
                    if task is None:
                        task = progress.task(now.what, now.total, now.unit)
                        task.__enter__()
                    task.advance(max(0.0, now.done - shown))
                    shown = max(shown, now.done)
                else:
                    waiting.advance(0)
                if timeout_s is not None and time.monotonic() - began > timeout_s:
                    text = f"{job.name}: not done after {timeout_s:g} seconds; the server continues"
                    raise ServerError(text, "timeout", 0)
                yield Pause(pause_s)
                pause_s = min(_LOOK_MOST_S, 1.5 * pause_s)
        finally:
            if task is not None:
                task.__exit__(None, None, None)
    if job.status is not Status.DONE:
        raise ServerError(job.error or f"{job.name}: was {job.status.value}", job.status.value, 0)
    return job


def fetched(job: JobView, target: Path, tries: int, progress: Progress) -> Flow[Path]:
    """Downloads a job's result and returns its path; the file appears only once it is complete.

    Raises:
        OutputError: The file cannot be written.
        ServerError: The result is not available.
    """
    from crispen.media.atomic import replacing

    if target.is_dir():
        target /= job.result.name if job.result is not None else job.name
    if not target.parent.is_dir():
        raise OutputError(f"{target}: there is no folder {target.parent}; create it first")
    size = job.result.bytes if job.result is not None else 0
    path = f"/jobs/{job.id}/result"
    with replacing(target) as file, progress.task(f"fetching {job.name}", size, "bytes") as task:
        offset = 0
        while offset < size:
            about = {"Range": f"bytes={offset}-{min(size, offset + PART_BYTES) - 1}"}
            answer = yield from called(Call("GET", path, about), tries)
            if answer.status_code != 206 and offset:
                raise ServerError(f"{job.name}: its result has changed", "changed", 0)
            file.write(answer.content)
            task.advance(len(answer.content))
            offset += len(answer.content)
            if not answer.content:
                raise ServerError(f"{job.name}: its result is incomplete", "cut", 0)
    return target


def enhanced(
    source: Path,
    target: Path,
    options: Request,
    tries: int,
    progress: Progress,
    timeout_s: float | None,
) -> Flow[JobView]:
    """Uploads a file, creates a job, waits for it, downloads its result and returns the job."""
    upload = yield from uploaded(source, tries, progress)
    job = yield from created(upload, options, tries)
    job = yield from ended(job.id, tries, progress, timeout_s)
    yield from fetched(job, target, tries, progress)
    return job


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        said = answer.json()["error"]
        text, code = str(said["message"]), str(said["code"])
    except (ValueError, KeyError, TypeError):
        text, code = f"the server answers {answer.status_code} {answer.reason_phrase}", "unknown"
    raise ServerError(text, code, answer.status_code)


def _seconds(text: str) -> float:
    try:
        return min(60.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def options_of(given: Mapping[str, Any]) -> Request:
    """A request with these fields of `crispen.enhance.request.Request`.

    Raises:
        UsageError: A field does not exist or its value is not valid.
    """
    unknown = given.keys() - Request.model_fields.keys()
    if unknown:
        name = sorted(unknown)[0]
        near = nearest_names(name, Request.model_fields)
        raise UsageError(f"there is no option '{name}'{near}")
    return Request.of(**given)
