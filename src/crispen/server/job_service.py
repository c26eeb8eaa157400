"""Creates, shows, changes and deletes jobs, each only for its own client."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from crispen.enhance.plan import Plan
from crispen.enhance.request import Request
from crispen.enhance.source import Source as PlainSource
from crispen.errors import CrispenError, InputError, UsageError
from crispen.jobs.contents import Source
from crispen.jobs.database import StoreError
from crispen.jobs.file_kinds import Bounds, examine
from crispen.jobs.job import Job, JobSpec
from crispen.jobs.states import FINAL, Status
from crispen.jobs.worker import SOURCE, check_job, clean, foresee, plan_job
from crispen.server import schemas
from crispen.server.errors import ApiError, not_found, told
from crispen.server.names import clean_name

if TYPE_CHECKING:
    from crispen.jobs.pool import Pool
    from crispen.jobs.store import JobStore
    from crispen.server.catalogue import Catalogue
    from crispen.server.clock import Clock
    from crispen.server.database_threads import Asking
    from crispen.server.events import Hub
    from crispen.server.files import Files
    from crispen.server.helpers import Helpers
    from crispen.server.settings import Settings
    from crispen.server.uploads import Uploads

_RETRY_S = 5
_MOST_AT_ONCE = 100_000


class Uses(Protocol):
    """What of a server its jobs need; see `crispen.server.state.Server`."""

    settings: Settings
    files: Files
    helpers: Helpers
    catalogue: Catalogue
    clock: Clock
    uploads: Uploads
    store: JobStore
    ask: Asking
    hub: Hub
    pool: Pool


class _Turn:
    """A lock, and how many hold it or wait for it: only then may it be forgotten."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.wanted = 0


class JobService:
    """The jobs of one server.

    Args:
        server: Whose they are.
    """

    def __init__(self, server: Uses) -> None:
        self._server = server
        settings = server.settings
        self.bounds = Bounds(settings.max_pixels, settings.max_frames, settings.max_video_s)
        self._busy: dict[str, _Turn] = {}
        self._doomed: set[str] = set()

    def list(
        self, client: str, statuses: Sequence[Status] | None, limit: int, after: str | None
    ) -> schemas.JobPage:
        """A client's jobs, newest first."""
        store, hub = self._server.store, self._server.hub
        begin = None if after is None else _place(after)
        found = store.jobs(client, statuses, limit + 1, begin)
        places = hub.places()
        last = found[limit - 1] if len(found) > limit else None
        return schemas.JobPage(
            jobs=[hub.view(job, places) for job in found[:limit]],
            next=None if last is None else f"{last.created!r}-{last.id}",
        )

    def bulk(self, client: str, wish: schemas.Bulk) -> schemas.BulkDone:
        """Apply one action to many jobs; a job that refuses it does not stop the others."""
        if (wish.ids is None) == (wish.status is None):
            raise UsageError("give either ids or status, and not both")
        ids = wish.ids
        if ids is None:
            ids = [job.id for job in self._server.store.jobs(client, wish.status, _MOST_AT_ONCE)]
        do = {
            "cancel": self.cancel,
            "retry": self.retry,
            "delete": self.delete,
            "pause": self.pause,
            "resume": self.resume,
        }[wish.action]
        done, failed = [], []
        for id in dict.fromkeys(ids):
            try:
                do(client, id)
            except CrispenError as error:
                said = told(error)
                failed.append(schemas.BulkFailure(id=id, code=said.code, message=str(said)))
            else:
                done.append(id)
        return schemas.BulkDone(done=done, failed=failed)

    def get(self, client: str, id: str) -> schemas.JobView:
        """One job."""
        return self._server.hub.view(self.find(client, id))

    def find(self, client: str, id: str) -> Job:
        """A client's own job.

        Raises:
            ApiError: There is none, or it belongs to another client.
        """
        job = self._server.store.get(id)
        if job is None or job.client != client:
            raise not_found("job")
        return job

    async def create(self, client: str, wish: schemas.NewJob) -> tuple[schemas.JobView, bool]:
        """Queue what was wished for; the job, and whether it is a new one.

        Raises:
            ApiError: No such upload, not finished, or too many jobs.
            CrispenError: It cannot be read, or the request does not fit it.
        """
        if (wish.upload is None) == (wish.from_job is None):
            raise UsageError("give either upload or from_job, and not both")
        server = self._server
        if wish.from_job is not None:
            return await self._again(client, wish.from_job, wish), True
        assert wish.upload is not None
        uid = wish.upload.rstrip("/").rpartition("/")[2]
        async with self.alone(uid):
            there = await server.ask(server.store.get, uid)
            # A client that lost the answer asks again, and gets the same one.
            if there is not None and there.client == client:
                await server.uploads.disk.delete(uid)
                return await server.ask(server.hub.view, there), False
            return await self._take(client, uid, wish), True

    @contextlib.asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[None]:
        """Nobody else in this block for the same thing."""
        turn = self._busy.setdefault(what, _Turn())
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._busy[what]

    async def _take(self, client: str, uid: str, wish: schemas.NewJob) -> schemas.JobView:
        server = self._server
        upload = await asyncio.to_thread(server.uploads.find, uid, client)
        await server.ask(self._check_count, client)
        if upload["offset"] != upload["size"]:
            raise ApiError(
                409,
                "not_finished",
                f"{upload['offset']:,} of {upload['size']:,} bytes are here; send the rest first",
            )
        path = server.uploads.disk.path(uid)
        name = clean_name(wish.name or upload["metadata"].get("filename"))
        try:
            source = await server.helpers.quick(examine, path, name, self.bounds)
        except InputError:
            await server.uploads.disk.delete(uid)  # nothing can ever be made of it
            raise
        plan = await self.plan(client, wish.options, source)
        job = await server.ask(
            self.queue,
            JobSpec(
                id=uid,
                client=client,
                name=name,
                options=wish.options,
                source=source,
                models=plan.models,
                plan=plan,
            ),
            path,
        )
        await server.uploads.disk.delete(uid)
        return await server.ask(server.hub.view, job)

    async def _again(self, client: str, id: str, wish: schemas.NewJob) -> schemas.JobView:
        server = self._server
        before = await server.ask(self.find, client, id)
        await server.ask(self._check_count, client)
        source = server.files.job(id) / SOURCE
        if not source.is_file():
            raise not_found("job")
        plan = await self.plan(client, wish.options, before.source)
        draft = server.files.draft()
        await asyncio.to_thread(server.files.check_room, 0)
        try:
            await asyncio.to_thread(_link, source, draft)
            new = JobSpec(
                id=draft.name,
                client=client,
                name=clean_name(wish.name or before.name),
                options=wish.options,
                source=before.source,
                models=plan.models,
                plan=plan,
            )
            job = await server.ask(self.queue, new, draft)
        finally:
            draft.unlink(missing_ok=True)
        return await server.ask(server.hub.view, job)

    def _check_count(self, client: str) -> None:
        most = self._server.settings.max_jobs_per_client
        if self._server.store.unfinished(client) >= most:
            raise ApiError(
                429,
                "too_many_jobs",
                f"{most} of your jobs are not finished; wait for one, or cancel one",
                {"Retry-After": str(_RETRY_S)},
            )

    async def check(self, client: str, question: schemas.Question) -> schemas.Answer:
        """What would be done to files of a kind.

        Raises:
            CrispenError: The options contradict each other or do not suit such files.
        """
        server = self._server
        models = await asyncio.to_thread(server.catalogue.usable, client)
        names = await server.helpers.quick(check_job, question.options, question.kind, models)
        if not question.files:
            return schemas.Answer(models=names)
        format = "png" if question.kind == "image" else "mp4"
        sources = [
            PlainSource(kind=question.kind, format=format, **facts.model_dump())
            for facts in question.files
        ]
        most = server.settings.max_result_pixels
        ahead = await server.helpers.quick(foresee, question.options, sources, models, most)
        return schemas.Answer(
            models=names, files=[schemas.FilePlan.model_validate(asdict(one)) for one in ahead]
        )

    async def plan(self, client: str, options: Request, source: Source) -> Plan:
        """What would be done, asked in a helper process, since only those load FFmpeg.

        Raises:
            CrispenError: The result would be too large, or the options do not suit the file.
        """
        server = self._server
        models = await asyncio.to_thread(server.catalogue.usable, client)
        most = server.settings.max_result_pixels
        return await server.helpers.quick(plan_job, options, source, models, max_pixels=most)

    def queue(self, new: JobSpec, path: Path) -> Job:
        """Put a job into the queue, and the file it is about into its folder.

        The caller removes `path` after this succeeded, and not before: where the database does not
        answer, the file is still there for the next try.
        """
        server = self._server
        folder = server.files.job(new.id)
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            _link(path, folder / SOURCE)
            job = server.store.add(new)
        except StoreError:
            # The job may have been written down all the same, so its folder stays for now.
            if new.hidden:
                self._doomed.add(new.id)
            raise
        except BaseException:
            server.files.drop_job(new.id)
            raise
        server.pool.wake()
        server.hub.poke()
        return job

    def delete(self, client: str, id: str) -> None:
        """Delete a job with its files, whatever it does."""
        self.drop(self.find(client, id))

    def drop(self, job: Job) -> None:
        """Forget a job; a worker that has it learns so at its next beat."""
        self._server.store.delete(job.id)
        self._server.files.drop_job(job.id)
        self._server.hub.gone(job)

    def abandon(self, job: Job) -> None:
        """`drop` a job, now or as soon as the database answers."""
        try:
            self.drop(job)
        except StoreError:
            self._doomed.add(job.id)

    def cancel(self, client: str, id: str) -> schemas.JobView:
        """Stop a job."""
        before = self.find(client, id)
        job = self._server.store.cancel(id)
        if before.status is Status.QUEUED:  # of an attempt whose worker was killed
            clean(self._server.files.job(id))
        return self._changed(job)

    def pause(self, client: str, id: str) -> schemas.JobView:
        """Keep a job that waits from being begun."""
        self.find(client, id)
        return self._changed(self._server.store.pause(id))

    def resume(self, client: str, id: str) -> schemas.JobView:
        """Let a paused job wait for its turn again."""
        self.find(client, id)
        job = self._server.store.resume(id)
        self._server.pool.wake()
        return self._changed(job)

    def retry(self, client: str, id: str) -> schemas.JobView:
        """Queue a job again that failed or was cancelled."""
        self.find(client, id)
        self._check_count(client)
        job = self._server.store.retry(id)
        self._server.pool.wake()
        return self._changed(job)

    def _changed(self, job: Job | None) -> schemas.JobView:
        if job is None:
            raise not_found("job")
        self._server.hub.poke()
        return self._server.hub.view(job)

    def sweep(self) -> int:
        """Delete what is old: finished jobs, and folders that belong to no job."""
        server, now = self._server, self._server.clock.now()
        for id in list(self._doomed):
            job = server.store.get(id)
            if job is not None:
                self.drop(job)
            server.files.drop_job(id)
            self._doomed.discard(id)
        expired = server.store.expired(now - server.settings.result_ttl_s)
        for job in expired:
            self.drop(job)
        for folder in list(server.files.jobs.iterdir()):
            with contextlib.suppress(OSError):
                young = now - folder.stat().st_mtime < server.settings.upload_ttl_s
                if not young and server.store.get(folder.name) is None:
                    shutil.rmtree(folder, ignore_errors=True)
        return len(expired)

    def expires(self, job: Job) -> float | None:
        """When a job will be deleted."""
        if job.status not in FINAL or job.finished is None:
            return None
        return job.finished + self._server.settings.result_ttl_s


def _place(after: str) -> tuple[float, str]:
    """What an earlier page said, read again."""
    created, _, id = after.rpartition("-")
    return float(created), id


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileExistsError:  # of an earlier try; ids are never used for another file
        return
    except OSError:  # a file system without links
        shutil.copyfile(source, target)
