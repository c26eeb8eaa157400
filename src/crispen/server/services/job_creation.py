"""Makes jobs of finished uploads, and of the sources of earlier jobs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib

from crispen.errors import InputError, UsageError
from crispen.jobs.job import JobSpec
from crispen.jobs.job_facts import Source
from crispen.jobs.job_folder import SOURCE
from crispen.jobs.job_store import JobStore
from crispen.server.api_errors import ApiError, not_found
from crispen.server.schemas import JobView, NewJob
from crispen.server.services.client_names import clean_folder, clean_name
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.database_threads import DatabaseThreads
from crispen.server.services.inspection import Inspection
from crispen.server.services.job_access import JobAccess
from crispen.server.services.job_queue import JobQueue, link_or_copy
from crispen.server.services.job_views import JobViews
from crispen.server.services.jobs import Jobs
from crispen.server.services.keyed_locks import KeyedLocks
from crispen.server.services.planning import Planning
from crispen.server.services.upload_store import UploadStore
from crispen.server.services.uploads import Uploads
from crispen.server.services.webhooks import Webhooks


class JobCreation:
    """Creates jobs.

    Args:
        store: The queue.
        database: Threads to query it in.
        access: Finds a client's jobs.
        views: How jobs are shown.
        jobs: Counts a client's jobs.
        queue: Adds the new one.
        folder: The data folder.
        uploads: Finds a client's uploads.
        upload_store: Their bytes.
        inspection: Says what a file is.
        planning: Says what will be done.
        locks: Keep two requests from making two jobs of one upload.
        webhooks: Tells others of jobs that have ended.
    """

    def __init__(
        self,
        store: JobStore,
        database: DatabaseThreads,
        access: JobAccess,
        views: JobViews,
        jobs: Jobs,
        queue: JobQueue,
        folder: DataFolder,
        uploads: Uploads,
        upload_store: UploadStore,
        inspection: Inspection,
        planning: Planning,
        locks: KeyedLocks,
        webhooks: Webhooks,
    ) -> None:
        self._store = store
        self._database = database
        self._access = access
        self._views = views
        self._jobs = jobs
        self._queue = queue
        self._folder = folder
        self._uploads = uploads
        self._upload_store = upload_store
        self._inspection = inspection
        self._planning = planning
        self._locks = locks
        self._webhooks = webhooks

    async def create(
        self, client: str, new: NewJob, key: str | None = None
    ) -> tuple[JobView, bool]:
        """Queue what was requested; the job, and whether it is a new one.

        Args:
            client: Who asks.
            new: For what.
            key: What makes a request that is sent again the same one.

        Raises:
            ApiError: No such upload, not finished, or too many jobs.
            CrispenError: It cannot be read, or the request does not fit it.
        """
        if (new.upload is None) == (new.from_job is None):
            raise UsageError("give either upload or from_job, and not both")
        self._webhooks.check(new.webhook)
        uid = "" if new.upload is None else new.upload.rstrip("/").rpartition("/")[2]
        id = uid if key is None else _id_of(client, key)
        async with self._locks.hold(id or client):
            existing = await self._database.run(self._store.get, id) if id else None
            # A client that lost the answer asks again, and gets the same job.
            if existing is not None and existing.client == client:
                if uid:
                    await asyncio.to_thread(self._forget, uid, client)
                return await self._database.run(self._views.of, existing), False
            if new.from_job is not None:
                return await self._again(client, new.from_job, new, id), True
            return await self._of_upload(client, uid, new, id), True

    def _forget(self, uid: str, client: str) -> None:
        with contextlib.suppress(ApiError):  # it went with the first request
            self._uploads.find(uid, client)
            self._upload_store.drop(uid)

    async def _of_upload(self, client: str, uid: str, new: NewJob, id: str) -> JobView:
        upload = await asyncio.to_thread(self._uploads.find, uid, client)
        await self._database.run(self._jobs.check_count, client)
        if upload["offset"] != upload["size"]:
            raise ApiError(
                409,
                "not_finished",
                f"{upload['offset']:,} of {upload['size']:,} bytes are here; send the rest first",
            )
        path = self._upload_store.path(uid)
        name = clean_name(new.name or upload["metadata"].get("filename"))
        try:
            source = await self._inspection.examine(path, name)
        except InputError:
            # Nothing can ever be made of it.
            await asyncio.to_thread(self._upload_store.drop, uid)
            raise
        source = _placed(source, new)
        plan = await self._planning.plan(client, new.options, source)
        spec = JobSpec(
            id=id,
            client=client,
            name=name,
            options=new.options,
            source=source,
            models=plan.models,
            plan=plan,
        )
        # First, so that a job which ends at once is reported as well.
        await self._database.run(self._webhooks.add, spec.id, new.webhook)
        job = await self._database.run(self._queue.add, spec, path)
        await asyncio.to_thread(self._upload_store.drop, uid)
        return await self._database.run(self._views.of, job)

    async def _again(self, client: str, other: str, new: NewJob, id: str) -> JobView:
        before = await self._database.run(self._access.find, client, other)
        await self._database.run(self._jobs.check_count, client)
        source = self._folder.job(other) / SOURCE
        if not source.is_file():
            raise not_found("job")
        plan = await self._planning.plan(client, new.options, before.source)
        draft = self._folder.draft()
        await asyncio.to_thread(self._folder.check_room, 0)
        try:
            await asyncio.to_thread(link_or_copy, source, draft)
            spec = JobSpec(
                id=id or draft.name,
                client=client,
                name=clean_name(new.name or before.name),
                options=new.options,
                source=_placed(before.source, new),
                models=plan.models,
                plan=plan,
            )
            await self._database.run(self._webhooks.add, spec.id, new.webhook)
            job = await self._database.run(self._queue.add, spec, draft)
        finally:
            draft.unlink(missing_ok=True)
        return await self._database.run(self._views.of, job)


def _id_of(client: str, key: str) -> str:
    """The id of the job that a client makes with a key; nobody else's."""
    return hashlib.sha256(f"{client}\n{key}".encode()).hexdigest()[:32]


def _placed(source: Source, new: NewJob) -> Source:
    """A file's facts with the folder that the client has it in, if it says one."""
    if new.folder is None:
        return source
    return source.model_copy(update={"folder": clean_folder(new.folder)})
