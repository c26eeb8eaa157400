"""Builds the services of one server from its settings; the only place that knows all of them."""

from __future__ import annotations

from dataclasses import dataclass

from crispen.enhance.request import MAX_SIDE_PX
from crispen.jobs.file_kinds import Bounds
from crispen.jobs.job_store import JobStore
from crispen.jobs.ownership import Ownership
from crispen.jobs.supervisor import Supervisor
from crispen.server.schemas import Limits
from crispen.server.services.choices import Choices
from crispen.server.services.clock import Clock
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.database_threads import DatabaseThreads
from crispen.server.services.events import JobEvents
from crispen.server.services.files import JobFiles
from crispen.server.services.health import HealthCheck
from crispen.server.services.helper_processes import HelperProcesses
from crispen.server.services.immediate import Immediate
from crispen.server.services.inspection import Inspection
from crispen.server.services.job_access import JobAccess
from crispen.server.services.job_creation import JobCreation
from crispen.server.services.job_queue import JobQueue
from crispen.server.services.job_views import JobViews
from crispen.server.services.jobs import Jobs
from crispen.server.services.keyed_locks import KeyedLocks
from crispen.server.services.lifecycle import Lifecycle
from crispen.server.services.model_owners import ModelOwners
from crispen.server.services.models import Models
from crispen.server.services.planning import Planning
from crispen.server.services.prometheus_metrics import ServerMetrics
from crispen.server.services.runs import TrainingRuns
from crispen.server.services.upload_store import UploadStore
from crispen.server.services.uploads import UploadLimits, Uploads
from crispen.server.services.webhooks import Webhooks
from crispen.server.services.working import worker_pool
from crispen.server.settings import Settings
from crispen.server.webhook_key import key_of


@dataclass(frozen=True, slots=True)
class Services:
    """The services that routes and the app can ask for, one by one.

    No service holds this: each is given only the others that it uses.
    """

    choices: Choices
    clock: Clock
    creation: JobCreation
    database: DatabaseThreads
    events: JobEvents
    files: JobFiles
    folder: DataFolder
    health: HealthCheck
    helpers: HelperProcesses
    immediate: Immediate
    inspection: Inspection
    jobs: Jobs
    lifecycle: Lifecycle
    locks: KeyedLocks
    metrics: ServerMetrics
    models: Models
    planning: Planning
    queue: JobQueue
    runs: TrainingRuns
    store: JobStore
    upload_store: UploadStore
    uploads: Uploads


def assemble(settings: Settings) -> Services:
    """The services of one server; nothing runs yet.

    Raises:
        OutputError: The data folder cannot be made.
    """
    folder = DataFolder(
        settings.folder,
        max_total_bytes=settings.max_total_bytes,
        min_free_bytes=settings.min_free_bytes,
    )
    folder.prepare()
    metrics, supervisor, clock, locks = ServerMetrics(), Supervisor(), Clock(), KeyedLocks()
    helpers = HelperProcesses(
        trial_s=settings.max_model_s, trial_bytes=settings.max_model_memory_bytes
    )
    store, database = JobStore(settings.jobs_url), DatabaseThreads()
    access, views = JobAccess(store), JobViews(store, settings.result_ttl_s)
    events = JobEvents(store, database, views, metrics.job_ended)
    pool = worker_pool(
        settings,
        folder,
        store,
        supervisor,
        changed=events.poke,
        died=metrics.worker_died,
    )
    queue = JobQueue(
        store,
        folder,
        events,
        clock,
        wake=pool.wake,
        result_ttl_s=settings.result_ttl_s,
        upload_ttl_s=settings.upload_ttl_s,
    )
    jobs = Jobs(
        store,
        access,
        views,
        queue,
        events,
        folder,
        wake=pool.wake,
        max_per_client=settings.max_jobs_per_client,
    )
    models = Models(folder, helpers, ModelOwners(folder.folder, separate=settings.separate))
    inspection = Inspection(
        helpers, Bounds(settings.max_pixels, settings.max_frames, settings.max_video_s)
    )
    planning = Planning(helpers, models, settings.max_result_pixels)
    upload_store = UploadStore(folder, clock)
    uploads = Uploads(upload_store, folder, clock, _upload_limits(settings))
    health = HealthCheck(supervisor, pool, events, folder)
    metrics.watch(health.gauges)
    webhooks = _webhooks(settings, store, database)
    return Services(
        choices=Choices(
            models,
            _limits(settings),
            runs=settings.runs_folder is not None,
            tus_url=f"{settings.root_path}/api/v1/uploads/",
        ),
        clock=clock,
        creation=JobCreation(
            store,
            database,
            access,
            views,
            jobs,
            queue,
            folder,
            uploads,
            upload_store,
            inspection,
            planning,
            locks,
            webhooks,
        ),
        database=database,
        events=events,
        files=JobFiles(
            access,
            database,
            folder,
            helpers,
            inspection,
            locks,
            max_pixels=settings.max_pixels,
            max_result_pixels=settings.max_result_pixels,
        ),
        folder=folder,
        health=health,
        helpers=helpers,
        immediate=Immediate(
            database,
            queue,
            events,
            folder,
            inspection,
            planning,
            max_waiting=settings.max_waiting,
            max_wait_s=settings.max_wait_s,
        ),
        inspection=inspection,
        jobs=jobs,
        lifecycle=Lifecycle(
            folder,
            store,
            Ownership(store, folder.folder, shared=settings.shared),
            pool,
            supervisor,
            events,
            queue,
            uploads,
            upload_store,
            helpers,
            database,
            webhooks,
            shared=settings.shared,
        ),
        locks=locks,
        metrics=metrics,
        models=models,
        planning=planning,
        queue=queue,
        runs=TrainingRuns(settings.runs_folder, settings.root_path),
        store=store,
        upload_store=upload_store,
        uploads=uploads,
    )


def _webhooks(settings: Settings, store: JobStore, database: DatabaseThreads) -> Webhooks:
    secret = settings.webhook_secret
    return Webhooks(
        store.webhooks,
        database,
        key=None if secret is None else key_of(secret.get_secret_value()),
        hosts=settings.webhook_hosts,
        private=settings.webhook_private,
    )


def _limits(settings: Settings) -> Limits:
    settable = Limits.model_fields.keys() - {"max_side_px"}
    limits = {name: getattr(settings, name) for name in settable}
    return Limits(**limits, max_side_px=MAX_SIDE_PX)


def _upload_limits(settings: Settings) -> UploadLimits:
    return UploadLimits(
        max_bytes=settings.max_upload_bytes,
        max_per_client=settings.max_jobs_per_client,
        max_per_address=settings.max_uploads_per_address,
        ttl_s=settings.upload_ttl_s,
        idle_s=settings.upload_idle_s,
    )
