"""A row of the database and the job that it means."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from crispen.enhance.request import Request
from crispen.jobs.job import Job, JobSpec
from crispen.jobs.job_plans import plan_job
from crispen.jobs.job_store import JobStore
from crispen.jobs.states import Status

Make = Callable[..., JobSpec]


def test_a_job_comes_back_as_it_was_queued(store: JobStore, new_job: Make) -> None:
    spec = new_job(options=Request(models=("espcn",), scale=3))
    spec = spec.model_copy(update={"plan": plan_job(spec.options, spec.source)})
    store.add(spec)
    job = store.get(spec.id)
    assert job is not None
    assert JobSpec(**{name: getattr(job, name) for name in JobSpec.model_fields}) == spec
    assert (job.status, job.attempts, job.worker, job.result) == (Status.QUEUED, 0, None, None)


def test_a_job_cannot_be_changed_in_place(store: JobStore, new_job: Make) -> None:
    job = store.add(new_job())
    assert isinstance(job, Job)
    with pytest.raises(ValidationError):
        job.status = Status.DONE  # type: ignore[misc]
