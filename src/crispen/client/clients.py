"""Two clients of one API: a blocking one and an async one."""

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
    """What both clients share: an address, a token, retries and a timeout."""

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

    Every method may send its request more than once: while the server restarts or is busy, or if
    the connection is cut. Uploads continue where they stopped, and no job is created twice.

    Args:
        url: Such as ``http://127.0.0.1:8000``, with a path if the server is behind one.
        token: The server's token, if it requires one.
        tries: Maximum number of times a request is sent.
        timeout_s: Seconds that the server may stay silent.

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
        """The job, once its result is in `target`: uploads, enhances and downloads.

        Args:
            source: An image or video.
            target: The file to write, or a folder.
            progress: Receives progress events; can cancel.
            timeout_s: Maximum seconds for the work.
            options: As for `crispen.enhance` and `crispen.enhance_video`, such as ``scale=2``.
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
        """The URL of a finished upload, which `create` takes.

        Args:
            source: A file.
            at: The URL of an earlier upload, to continue it.
            progress: Receives byte counts; can cancel.
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
        """A new job for an upload.

        Args:
            upload: What `upload` returned.
            key: The same key returns the same job, even if an earlier answer was lost.
            folder: The file's folder in archives of results.
            webhook: URL that the server notifies when the job ends, if it is allowed to.
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
            statuses: Only jobs that are ``queued``, ``running``, ``done`` …
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
        """A job once it is done; a `ServerError` if it fails."""
        progress = progress or Progress()
        return self._run(flows.ended(id, self._tries, progress, timeout_s))

    def fetch(self, job: JobView, target: str | Path, *, progress: Progress | None = None) -> Path:
        """The file with a job's result.

        Args:
            job: A finished job.
            target: The file to write, or a folder.
            progress: Receives byte counts; can cancel.
        """
        progress = progress or Progress()
        return self._run(flows.fetched(job, Path(target), self._tries, progress))

    def cancel(self, id: str) -> None:
        """Stop a job."""
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

    Files are read and written in the event loop, four megabytes at a time.

    Args:
        url: Such as ``http://127.0.0.1:8000``, with a path if the server is behind one.
        token: The server's token, if it requires one.
        tries: Maximum number of times a request is sent.
        timeout_s: Seconds that the server may stay silent.
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
        """A job once it is done; a `ServerError` if it fails."""
        progress = progress or Progress()
        return await self._run(flows.ended(id, self._tries, progress, timeout_s))

    async def fetch(
        self, job: JobView, target: str | Path, *, progress: Progress | None = None
    ) -> Path:
        """See `Client.fetch`."""
        progress = progress or Progress()
        return await self._run(flows.fetched(job, Path(target), self._tries, progress))

    async def cancel(self, id: str) -> None:
        """Stop a job."""
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
