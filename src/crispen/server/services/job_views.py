"""Jobs as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping

from crispen.jobs.job import Job
from crispen.jobs.job_store import JobStore
from crispen.jobs.states import FINAL, Status
from crispen.server.schemas import JobView


class JobViews:
    """Shows jobs, with their places in the queue and the time of their deletion.

    Args:
        store: The queue.
        result_ttl_s: Seconds after which a finished job is deleted.
    """

    def __init__(self, store: JobStore, result_ttl_s: float) -> None:
        self._store = store
        self._result_ttl_s = result_ttl_s

    def places(self) -> dict[str, int]:
        """Places of waiting jobs in the queue; 1 is next."""
        return {id: place for place, id in enumerate(self._store.queue(), 1)}

    def of(self, job: Job, places: Mapping[str, int] | None = None) -> JobView:
        """One job; queries the database for its place unless that is given."""
        if places is None:
            places = self.places() if job.status is Status.QUEUED else {}
        return JobView(
            id=job.id,
            name=job.name,
            kind=job.kind,
            status=job.status,
            created=job.created,
            started=job.started,
            finished=job.finished,
            expires=self._expires(job),
            attempts=job.attempts,
            error=job.error,
            options=job.options,
            models=list(job.models),
            source=job.source,
            found=job.source.found,
            result=job.result,
            progress=job.progress,
            position=places.get(job.id) if job.status is Status.QUEUED else None,
        )

    def all_of(self, client: str) -> list[JobView]:
        """All of a client's jobs."""
        places = self.places()
        return [self.of(job, places) for job in self._store.jobs(client)]

    def _expires(self, job: Job) -> float | None:
        if job.status not in FINAL or job.finished is None:
            return None
        return job.finished + self._result_ttl_s
