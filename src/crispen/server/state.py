"""What one app has: its settings, queue, workers, files, events and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import Depends, Request

from crispen import __version__
from crispen.jobs.ownership import Ownership
from crispen.jobs.pool import Pool, share_threads
from crispen.jobs.states import Status
from crispen.jobs.store import JobStore
from crispen.jobs.supervisor import Supervisor
from crispen.jobs.worker import Bench
from crispen.jobs.worker_process import Orders
from crispen.server.at_once import AtOnce
from crispen.server.catalogue import Catalogue
from crispen.server.clock import Clock
from crispen.server.database_threads import Asking
from crispen.server.errors import ApiError
from crispen.server.events import Hub
from crispen.server.file_service import FileService
from crispen.server.files import Files
from crispen.server.helpers import Helpers
from crispen.server.job_service import JobService
from crispen.server.metrics import Metrics
from crispen.server.rates import Seats
from crispen.server.run_listing import Runs
from crispen.server.schemas import Health
from crispen.server.settings import Settings
from crispen.server.uploads import Uploads

log = logging.getLogger("crispen.server")

_SWEEP_S = 60.0
_KEEP_S = 5.0


class Server:
    """Everything a route may need; made by `create_app`, never global."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._begun = False
        self.files = Files(
            settings.folder,
            max_total_bytes=settings.max_total_bytes,
            min_free_bytes=settings.min_free_bytes,
        )
        self.files.prepare()
        self.metrics = Metrics()
        self.supervisor = Supervisor()
        self.helpers = Helpers(
            trial_s=settings.max_model_s, trial_bytes=settings.max_model_memory_bytes
        )
        self.catalogue = Catalogue(settings, self.files, self.helpers)
        self.clock = Clock()
        self.streams = Seats(settings.max_streams_per_address)
        self.uploads = Uploads(settings, self.files, self.clock)
        self.runs = Runs(settings.runs_folder, settings.root_path)
        self.store = JobStore(settings.jobs_url)
        self.ownership = Ownership(self.store, self.files.folder)
        self.ask = Asking()
        self.jobs = JobService(self)
        self.file_service = FileService(self)
        self.at_once = AtOnce(self)
        self.hub = Hub(self.store, self.ask, self.metrics, self.jobs.expires)
        self.pool = self._pool()
        self.metrics.watch(self._gauges)

    def _pool(self) -> Pool:
        settings = self.settings
        bench = Bench(
            jobs=self.files.jobs,
            device=settings.device,
            threads=share_threads(settings.workers, settings.threads),
            memory_bytes=settings.memory_bytes,
            max_pixels=settings.max_pixels,
            max_result_pixels=settings.max_result_pixels,
        )
        orders = Orders(
            settings.jobs_url,
            bench,
            settings.lease_s,
            settings.max_job_s,
            self.files.folder / "workers.lock",
        )
        return Pool(
            orders,
            settings.workers,
            self.store,
            supervisor=self.supervisor,
            changed=self.hub.poke,
            stop_s=settings.stop_s,
            died=self.metrics.worker_died,
        )

    def begin(self) -> None:
        """Take over the folder and start the workers, unless that is done.

        Raises:
            OutputError: Another server uses the folder or the database.
            UsageError: The database belongs to another folder.
        """
        if self._begun:
            return
        self.pool.hold()
        try:
            self.ownership.take()
            self.pool.take()
        except BaseException:
            self.ownership.release()
            self.pool.let_go()
            raise
        self._begun = True
        self.files.clean()
        self.uploads.begin()
        for job in self.store.hidden():  # its client disconnected with the last server
            self.jobs.drop(job)
        self.pool.start()

    def end(self) -> None:
        """Stop the workers, which put their jobs back, and close everything; may come twice."""
        if self._begun:
            self.pool.stop()
            self.ownership.release()
            self._begun = False
        self.helpers.close()
        self.ask.close()
        self.store.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Workers, events and the broom, as long as the block lasts."""
        await asyncio.to_thread(self.begin)
        watch = self.supervisor.watch
        tasks = [
            asyncio.create_task(watch("events", self.hub.look)),
            asyncio.create_task(watch("database", self._keep, every_s=_KEEP_S)),
            asyncio.create_task(watch("cleaning", self._sweep, every_s=_SWEEP_S, slow=True)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self.end)

    async def _keep(self) -> None:
        await asyncio.to_thread(self.ownership.keep)

    async def _sweep(self) -> None:
        uploads = await asyncio.to_thread(self.uploads.sweep)
        jobs = await asyncio.to_thread(self.jobs.sweep)
        if jobs or uploads:
            log.info("deleted %d old jobs and %d old uploads", jobs, uploads)

    def health(self) -> Health:
        """Whether it works, without asking anything that could keep it waiting.

        Raises:
            ApiError: It does not.
        """
        troubles = self.supervisor.troubles | self.pool.troubles
        alive, wanted = self.pool.alive, self.settings.workers
        if alive < wanted:
            troubles["workers"] = f"{alive} of {wanted} are alive"
        if troubles:
            # Anybody may ask; the reasons are in the log, with names of hosts and paths in them.
            raise ApiError(
                503,
                "degraded",
                f"not well: {', '.join(sorted(troubles))}; the server tries again by itself, "
                "and its log says why",
                {"Retry-After": "5"},
            )
        counts = self.hub.counts
        return Health(
            status="ok",
            version=__version__,
            workers=alive,
            queued=counts[Status.QUEUED],
            running=counts[Status.RUNNING],
        )

    def _gauges(self) -> Mapping[str, tuple[str, float]]:
        counts = self.hub.counts
        gauges = {
            f"jobs_{status.value}": (f"Jobs that are {status.value} now.", float(count))
            for status, count in counts.items()
        }
        return gauges | {
            "troubles": (
                "Background loops and workers that are not well.",
                float(len(self.supervisor.troubles | self.pool.troubles)),
            ),
            "workers": ("Worker processes that are alive.", float(self.pool.alive)),
            "stored_bytes": ("Bytes of uploads and jobs.", float(self.files.used_bytes())),
            "free_bytes": ("Bytes that the disk still has.", float(self.files.free_bytes())),
            "time_seconds": ("When this was asked, since 1970.", time.time()),
        }


def _server(request: Request) -> Server:
    server: Server = request.app.state.server
    return server


Here = Annotated[Server, Depends(_server)]
