"""Shows, changes and deletes jobs, each only for its own client."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crispen.errors import CrispenError, UsageError
from crispen.jobs.job import Job
from crispen.jobs.job_folder import clean
from crispen.jobs.job_store import JobStore
from crispen.jobs.states import Status
from crispen.server import schemas
from crispen.server.api_errors import ApiError, as_api_error, not_found
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.events import JobEvents
from crispen.server.services.job_access import JobAccess
from crispen.server.services.job_queue import JobQueue
from crispen.server.services.job_views import JobViews

_RETRY_S = 5
_MOST_AT_ONCE = 100_000


class Jobs:
    """Shows jobs, and changes those that exist.

    Args:
        store: The queue.
        access: Finds a client's jobs.
        views: How jobs are shown.
        queue: Deletes them.
        events: Notified of changes.
        folder: The data folder.
        wake: Wakes a worker.
        max_per_client: Unfinished jobs of one client.
    """

    def __init__(
        self,
        store: JobStore,
        access: JobAccess,
        views: JobViews,
        queue: JobQueue,
        events: JobEvents,
        folder: DataFolder,
        *,
        wake: Callable[[], None],
        max_per_client: int,
    ) -> None:
        self._store = store
        self._access = access
        self._views = views
        self._queue = queue
        self._events = events
        self._folder = folder
        self._wake = wake
        self._max_per_client = max_per_client

    def list(
        self, client: str, statuses: Sequence[Status] | None, limit: int, after: str | None
    ) -> schemas.JobPage:
        """A client's jobs, newest first."""
        begin = None if after is None else _place(after)
        found = self._store.jobs(client, statuses, limit + 1, begin)
        places = self._views.places()
        last = found[limit - 1] if len(found) > limit else None
        return schemas.JobPage(
            jobs=[self._views.of(job, places) for job in found[:limit]],
            next=None if last is None else f"{last.created!r}-{last.id}",
        )

    def get(self, client: str, id: str) -> schemas.JobView:
        """One job."""
        return self._views.of(self._access.find(client, id))

    def bulk(self, client: str, change: schemas.Bulk) -> schemas.BulkDone:
        """Apply one action to many jobs; a job that refuses it does not stop the others."""
        if (change.ids is None) == (change.status is None):
            raise UsageError("give either ids or status, and not both")
        ids = change.ids
        if ids is None:
            ids = [job.id for job in self._store.jobs(client, change.status, _MOST_AT_ONCE)]
        do = {
            "cancel": self.cancel,
            "retry": self.retry,
            "delete": self.delete,
            "pause": self.pause,
            "resume": self.resume,
        }[change.action]
        done, failed = [], []
        for id in dict.fromkeys(ids):
            try:
                do(client, id)
            except CrispenError as error:
                said = as_api_error(error)
                failed.append(schemas.BulkFailure(id=id, code=said.code, message=str(said)))
            else:
                done.append(id)
        return schemas.BulkDone(done=done, failed=failed)

    def delete(self, client: str, id: str) -> None:
        """Delete a job with its files, whatever its state."""
        self._queue.delete(self._access.find(client, id))

    def cancel(self, client: str, id: str) -> schemas.JobView:
        """Stop a job."""
        before = self._access.find(client, id)
        job = self._store.cancel(id)
        if before.status is Status.QUEUED:  # left by an attempt whose worker was killed
            clean(self._folder.job(id))
        return self._changed(job)

    def pause(self, client: str, id: str) -> schemas.JobView:
        """Keep a queued job from being started."""
        self._access.find(client, id)
        return self._changed(self._store.pause(id))

    def resume(self, client: str, id: str) -> schemas.JobView:
        """Queue a paused job again."""
        self._access.find(client, id)
        job = self._store.resume(id)
        self._wake()
        return self._changed(job)

    def retry(self, client: str, id: str) -> schemas.JobView:
        """Queue a job again that failed or was cancelled."""
        self._access.find(client, id)
        self.check_count(client)
        job = self._store.retry(id)
        self._wake()
        return self._changed(job)

    def check_count(self, client: str) -> None:
        """Refuse one more job.

        Raises:
            ApiError: The client has too many that are not finished.
        """
        most = self._max_per_client
        if self._store.unfinished(client) >= most:
            raise ApiError(
                429,
                "too_many_jobs",
                f"{most} of your jobs are not finished; wait for one, or cancel one",
                {"Retry-After": str(_RETRY_S)},
            )

    def _changed(self, job: Job | None) -> schemas.JobView:
        if job is None:
            raise not_found("job")
        self._events.poke()
        return self._views.of(job)


def _place(after: str) -> tuple[float, str]:
    """The cursor from an earlier page, decoded."""
    created, _, id = after.rpartition("-")
    return float(created), id
