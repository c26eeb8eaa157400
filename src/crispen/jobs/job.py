"""A job as every part of the program sees it."""

from __future__ import annotations

from typing import Protocol, Self

from pydantic import BaseModel, ConfigDict

from crispen.enhance.naming import VIDEO_FORMATS
from crispen.enhance.plan import Plan
from crispen.enhance.request import Kind, Request
from crispen.jobs.job_facts import JobResult, ProgressNow, Source
from crispen.jobs.states import Status


class _Row(Protocol):
    id: str
    client: str
    name: str
    status: str
    hidden: bool
    created: float
    started: float | None
    finished: float | None
    updated: float
    attempts: int
    furthest: float
    worker: str | None
    lease: float | None
    error: str | None
    options: str
    source: str
    models: str
    plan: str | None
    result: str | None
    progress: str | None


class JobSpec(BaseModel):
    """What is queued.

    Attributes:
        options: What is requested.
        plan: What will be done; None for jobs of Crispen 0.1, which their worker plans.
        models: The networks that run, in order.
        hidden: A client waits for it in a request: it runs first, and no list shows it.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    client: str
    name: str
    options: Request
    source: Source
    models: tuple[str, ...] = ()
    plan: Plan | None = None
    hidden: bool = False

    @property
    def kind(self) -> Kind:
        """What it is treated as; an animated picture that becomes a video is one from then on."""
        return "video" if self.options.format in VIDEO_FORMATS else self.source.kind


class Job(JobSpec):
    """A job and where it is.

    Attributes:
        furthest: Most progress at which a worker died of it.
        worker: Who holds it.
        lease: When it expires unless the worker renews it; seconds since 1970.
    """

    status: Status
    created: float
    started: float | None
    finished: float | None
    updated: float
    attempts: int
    furthest: float
    worker: str | None
    lease: float | None
    error: str | None
    result: JobResult | None
    progress: ProgressNow | None

    @classmethod
    def of(cls, row: _Row) -> Self:
        """The job of a database row."""
        return cls(
            id=row.id,
            client=row.client,
            name=row.name,
            options=Request.model_validate_json(row.options),
            source=Source.model_validate_json(row.source),
            models=tuple(row.models.split(",")) if row.models else (),
            plan=Plan.model_validate_json(row.plan) if row.plan else None,
            hidden=row.hidden,
            status=Status(row.status),
            created=row.created,
            started=row.started,
            finished=row.finished,
            updated=row.updated,
            attempts=row.attempts,
            furthest=row.furthest,
            worker=row.worker,
            lease=row.lease,
            error=row.error,
            result=JobResult.model_validate_json(row.result) if row.result else None,
            progress=ProgressNow.model_validate_json(row.progress) if row.progress else None,
        )
