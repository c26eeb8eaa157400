"""Finds jobs, each only for its own client."""

from __future__ import annotations

from crispen.jobs.job import Job
from crispen.jobs.job_store import JobStore
from crispen.jobs.states import Status
from crispen.server.api_errors import ApiError, not_found


class JobAccess:
    """Which jobs a client can reach.

    Args:
        store: The queue.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def find(self, client: str, id: str) -> Job:
        """A client's own job.

        Raises:
            ApiError: There is none, or it belongs to another client.
        """
        job = self._store.get(id)
        if job is None or job.client != client:
            raise not_found("job")
        return job

    def done(self, client: str, id: str) -> Job:
        """A client's own job that has a result.

        Raises:
            ApiError: There is none, or it is not done.
        """
        job = self.find(client, id)
        if job.status is not Status.DONE:
            raise ApiError(409, "not_done", f"the job is {job.status.value}; there is no result")
        return job

    def all_done(self, client: str) -> list[Job]:
        """All of a client's jobs that have a result."""
        return list(self._store.jobs(client, [Status.DONE]))
