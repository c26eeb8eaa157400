"""Starts and stops what runs in the background: workers, events, cleaning."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from crispen.jobs.job_store import JobStore
from crispen.jobs.ownership import Ownership
from crispen.jobs.pool import Pool
from crispen.jobs.supervisor import Supervisor
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.database_threads import DatabaseThreads
from crispen.server.services.events import JobEvents
from crispen.server.services.helper_processes import HelperProcesses
from crispen.server.services.job_queue import JobQueue
from crispen.server.services.upload_store import UploadStore
from crispen.server.services.uploads import Uploads
from crispen.server.services.webhooks import Webhooks

log = logging.getLogger("crispen.server")

_SWEEP_S = 60.0
_KEEP_S = 5.0
_TELL_S = 1.0


class Lifecycle:
    """The beginning and the end of one server.

    Args:
        folder: Its files.
        store: Its queue.
        ownership: Keeps other servers off the database.
        pool: Its workers.
        supervisor: Runs its loops.
        events: One of them.
        queue: Deletes old jobs.
        uploads: Deletes old uploads.
        upload_store: Finds those that are there.
        helpers: Ended with the server.
        database: Ended with the server.
        webhooks: One of its loops, if webhooks are on.
        shared: Other servers use the folder and the database at the same time.
    """

    def __init__(
        self,
        folder: DataFolder,
        store: JobStore,
        ownership: Ownership,
        pool: Pool,
        supervisor: Supervisor,
        events: JobEvents,
        queue: JobQueue,
        uploads: Uploads,
        upload_store: UploadStore,
        helpers: HelperProcesses,
        database: DatabaseThreads,
        webhooks: Webhooks,
        *,
        shared: bool = False,
    ) -> None:
        self._shared = shared
        self._folder = folder
        self._store = store
        self._ownership = ownership
        self._pool = pool
        self._supervisor = supervisor
        self._events = events
        self._queue = queue
        self._uploads = uploads
        self._upload_store = upload_store
        self._helpers = helpers
        self._database = database
        self._webhooks = webhooks
        self._begun = False

    def begin(self) -> None:
        """Take over the folder and start the workers, unless that is done.

        Raises:
            OutputError: Another server uses the folder or the database.
            UsageError: The database belongs to another folder.
        """
        if self._begun:
            return
        self._pool.hold()
        try:
            self._ownership.take()
            self._pool.take()
        except BaseException:
            self._ownership.release()
            self._pool.let_go()
            raise
        self._begun = True
        self._folder.clean(shared=self._shared)
        self._upload_store.begin()
        if not self._shared:  # another server's clients may be waiting for them
            self._queue.delete_hidden()
        self._pool.start()

    def end(self) -> None:
        """Stop the workers, which put their jobs back, and close everything.

        It can be called more than once.
        """
        if self._begun:
            self._pool.stop()
            self._ownership.release()
            self._begun = False
        self._helpers.close()
        self._database.close()
        self._store.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Workers, events and cleaning run as long as the block lasts."""
        await asyncio.to_thread(self.begin)
        watch = self._supervisor.watch
        tasks = [
            asyncio.create_task(watch("events", self._events.round)),
            asyncio.create_task(watch("database", self._keep, every_s=_KEEP_S)),
            asyncio.create_task(watch("cleaning", self._sweep, every_s=_SWEEP_S, slow=True)),
        ]
        if self._webhooks.on:
            telling = watch("webhooks", self._webhooks.round, every_s=_TELL_S, slow=True)
            tasks.append(asyncio.create_task(telling))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self.end)

    async def _keep(self) -> None:
        await asyncio.to_thread(self._ownership.keep)

    async def _sweep(self) -> None:
        uploads = await asyncio.to_thread(self._uploads.sweep)
        jobs = await asyncio.to_thread(self._queue.sweep)
        if jobs or uploads:
            log.info("deleted %d old jobs and %d old uploads", jobs, uploads)
