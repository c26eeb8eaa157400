"""Blocking and async clients of the HTTP API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from crispen.client import flows
from crispen.client.flows import API, Call, Flow, Pause
from crispen.errors import needs_extra
from crispen.progress import Progress
from crispen.server.schemas import JobView

with needs_extra("the client", "client"):
    import httpx

_TIMEOUT_S = 60.0
_TRIES = 6
_PAGE = 1000

T = TypeVar("T")


class _Settings:
    """Settings of both clients: URL, token, retries and timeout."""

    def __init__(
        self, url: str, *, token: str | None = None, tries: int = _TRIES, timeout_s: float
    ) -> None:
        self._tries = max(1, tries)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._options: dict[str, Any] = {
            "base_url": url.rstrip("/") + API,
            "headers": headers,
            "timeout": timeout_s,
        }


class Client(_Settings):
    """A client of a ``crispen serve`` server; use it in a ``with`` block.

    Every method retries its request while the server restarts or is busy, or if the connection is
    lost. Uploads continue where they stopped, and no job is created twice.

    Args:
        url: URL of the server, such as ``http://127.0.0.1:8000``; can include a path.
        token: The server's token, if it requires one.
        tries: Maximum number of times that a request is sent.
        timeout_s: Maximum seconds without data from the server.

    Raises:
        ServerError: From all methods: the server's message, in one line.

    ::

        with crispen.Client("http://127.0.0.1:8000") as server:
            server.enhance("photo.jpg", "large.jpg", scale=2)
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        tries: int = _TRIES,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        super().__init__(url, token=token, tries=tries, timeout_s=timeout_s)
        self._http = httpx.Client(**self._options)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def enhance(
        self,
        source: str | Path,
        target: str | Path,
        *,
        progress: Progress | None = None,
        timeout_s: float | None = None,
        **options: Any,
    ) -> JobView:
        """Uploads a file, waits for its job and downloads the result.

        Args:
            source: An image or video.
            target: The file to write, or a folder.
            progress: Receives progress events; can cancel.
            timeout_s: Maximum seconds to wait for the job.
            options: As for `crispen.enhance` and `crispen.enhance_video`, such as ``scale=2``.

        Returns:
            The finished job.
        """
        wanted = flows.options_of(options)
        return self._run(
            flows.enhanced(
                Path(source),
                Path(target),
                wanted,
                self._tries,
                progress or Progress(),
                timeout_s,
            )
        )

    def upload(
        self, source: str | Path, *, at: str | None = None, progress: Progress | None = None
    ) -> str:
        """Uploads a file.

        Args:
            source: The file.
            at: URL of an interrupted upload, to continue it.
            progress: Receives byte counts; can cancel.

        Returns:
            The URL of the upload, for `create`.
        """
        return self._run(flows.uploaded(Path(source), self._tries, progress or Progress(), at=at))

    def create(
        self,
        upload: str,
        *,
        key: str | None = None,
        folder: str | None = None,
        webhook: str | None = None,
        **options: Any,
    ) -> JobView:
        """Creates a job for an upload.

        Args:
            upload: URL that `upload` returned.
            key: Idempotency key: a repeated request with the same key returns the same job.
            folder: The file's folder in archives of results.
            webhook: URL that the server notifies when the job ends, if its settings allow it.
            options: Request options, such as ``scale=2``.
        """
        wanted = flows.options_of(options)
        return self._run(
            flows.created(upload, wanted, self._tries, key=key, folder=folder, webhook=webhook)
        )

    def job(self, id: str) -> JobView:
        """The current state of a job."""
        return self._run(flows.found(id, self._tries))

    def jobs(self, *statuses: str) -> Iterator[JobView]:
        """This client's jobs, newest first, page by page.

        Args:
            statuses: Only jobs with these statuses, such as ``queued``, ``running`` or ``done``.
        """
        after: str | None = None
        while True:
            some = self._run(flows.page(statuses, _PAGE, after, self._tries))
            yield from some.jobs
            after = some.next
            if after is None:
                return

    def wait(
        self, id: str, *, progress: Progress | None = None, timeout_s: float | None = None
    ) -> JobView:
        """Waits until a job is done and returns it; raises `ServerError` if it fails."""
        progress = progress or Progress()
        return self._run(flows.ended(id, self._tries, progress, timeout_s))

    def fetch(self, job: JobView, target: str | Path, *, progress: Progress | None = None) -> Path:
        """Downloads a job's result and returns the path of the file.

        Args:
            job: A finished job.
            target: The file to write, or a folder.
            progress: Receives byte counts; can cancel.
        """
        progress = progress or Progress()
        return self._run(flows.fetched(job, Path(target), self._tries, progress))

    def cancel(self, id: str) -> None:
        """Cancel a job."""
        self._run(flows.changed("POST", f"/jobs/{id}/cancel", self._tries))

    def delete(self, id: str) -> None:
        """Delete a job and its files."""
        self._run(flows.changed("DELETE", f"/jobs/{id}", self._tries))

    def _run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = flow.send(None)
                    continue
                try:
                    answer = self._http.request(step.method, step.path, **_body(step))
                except httpx.TransportError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            flow.close()


class AsyncClient(_Settings):
    """The same as `Client` for ``async`` programs; use it in an ``async with`` block.

    Files are read and written in the event loop, in chunks of 4 MiB.

    Args:
        url: URL of the server, such as ``http://127.0.0.1:8000``; can include a path.
        token: The server's token, if it requires one.
        tries: Maximum number of times that a request is sent.
        timeout_s: Maximum seconds without data from the server.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        tries: int = _TRIES,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        super().__init__(url, token=token, tries=tries, timeout_s=timeout_s)
        self._http = httpx.AsyncClient(**self._options)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def enhance(
        self,
        source: str | Path,
        target: str | Path,
        *,
        progress: Progress | None = None,
        timeout_s: float | None = None,
        **options: Any,
    ) -> JobView:
        """See `Client.enhance`."""
        wanted = flows.options_of(options)
        return await self._run(
            flows.enhanced(
                Path(source),
                Path(target),
                wanted,
                self._tries,
                progress or Progress(),
                timeout_s,
            )
        )

    async def upload(
        self, source: str | Path, *, at: str | None = None, progress: Progress | None = None
    ) -> str:
        """See `Client.upload`."""
        flow = flows.uploaded(Path(source), self._tries, progress or Progress(), at=at)
        return await self._run(flow)

    async def create(
        self,
        upload: str,
        *,
        key: str | None = None,
        folder: str | None = None,
        webhook: str | None = None,
        **options: Any,
    ) -> JobView:
        """See `Client.create`."""
        wanted = flows.options_of(options)
        return await self._run(
            flows.created(upload, wanted, self._tries, key=key, folder=folder, webhook=webhook)
        )

    async def job(self, id: str) -> JobView:
        """The current state of a job."""
        return await self._run(flows.found(id, self._tries))

    async def jobs(self, *statuses: str) -> AsyncIterator[JobView]:
        """See `Client.jobs`."""
        after: str | None = None
        while True:
            some = await self._run(flows.page(statuses, _PAGE, after, self._tries))
            for job in some.jobs:
                yield job
            after = some.next
            if after is None:
                return

    async def wait(
        self, id: str, *, progress: Progress | None = None, timeout_s: float | None = None
    ) -> JobView:
        """Waits until a job is done and returns it; raises `ServerError` if it fails."""
        progress = progress or Progress()
        return await self._run(flows.ended(id, self._tries, progress, timeout_s))

    async def fetch(
        self, job: JobView, target: str | Path, *, progress: Progress | None = None
    ) -> Path:
        """See `Client.fetch`."""
        progress = progress or Progress()
        return await self._run(flows.fetched(job, Path(target), self._tries, progress))

    async def cancel(self, id: str) -> None:
        """Cancel a job."""
        await self._run(flows.changed("POST", f"/jobs/{id}/cancel", self._tries))

    async def delete(self, id: str) -> None:
        """Delete a job and its files."""
        await self._run(flows.changed("DELETE", f"/jobs/{id}", self._tries))

    async def _run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    step = flow.send(None)
                    continue
                try:
                    answer = await self._http.request(step.method, step.path, **_body(step))
                except httpx.TransportError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            flow.close()


def _body(call: Call) -> dict[str, Any]:
    given = {
        "headers": call.headers,
        "json": call.json,
        "content": call.content,
        "params": call.params,
    }
    return {name: value for name, value in given.items() if value is not None}
