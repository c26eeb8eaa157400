"""The queue in a database: SQLite by default, any SQLAlchemy URL by setting.

``version`` is that of the JSON in a row: rows of version 1, of Crispen 0.1, have no ``plan``. Rows
of a newer version are left to the newer server that wrote them. `crispen.jobs.migrations` makes
and changes the tables.

Every change of a status is one UPDATE that names the status, attempt and worker it was decided
for: where two processes decide at once, one of them changes nothing and learns so.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Engine, and_, func, or_
from sqlmodel import Session, col, delete, select, update

from crispen.jobs.advisory import AdvisoryLock, advisory_lock
from crispen.jobs.database import CHANGES, ChangeRow, CounterRow, Database, FactRow, JobRow
from crispen.jobs.job import Job, JobSpec
from crispen.jobs.job_facts import JobResult, ProgressNow
from crispen.jobs.states import FINAL, MAX_ATTEMPTS, Move, NotPossible, Status, move
from crispen.jobs.webhook_store import WebhookStore

Condition = ColumnElement[bool] | bool
VERSION = 2
_TRIES = 20


class JobStore:
    """The queue; each process has its own, all over one database.

    Args:
        url: Of SQLAlchemy, such as ``sqlite:////data/crispen.db`` or ``postgresql+psycopg://…``.
        prepare: Make missing tables. Otherwise the database is not asked yet, so that a worker can
            start while it does not answer.

    Raises:
        UsageError: The database cannot be opened.
        StoreError: By every method, while the database does not answer.
    """

    def __init__(self, url: str, *, prepare: bool = True) -> None:
        self._database = Database(url)
        if prepare:
            self._database.prepare()

    @property
    def webhooks(self) -> WebhookStore:
        """Messages about jobs that have ended."""
        return WebhookStore(self._database)

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine."""
        return self._database.engine

    def close(self) -> None:
        """Give connections back."""
        self._database.close()

    def advisory_lock(self, *, shared: bool = False) -> AdvisoryLock:
        """What keeps other servers off the database, or those that do not share it."""
        return advisory_lock(self.engine, shared=shared)

    def add(self, new: JobSpec) -> Job:
        """Queue a job; one that is there already under this id is given back as it is."""
        now = time.time()
        with self._database.session() as session:
            there = session.get(JobRow, new.id)
            if there is not None:
                return Job.of(there)
            row = JobRow(
                id=new.id,
                client=new.client,
                name=new.name,
                kind=new.kind,
                status=Status.QUEUED.value,
                hidden=new.hidden,
                urgent=int(new.hidden),
                created=now,
                updated=now,
                options=new.options.model_dump_json(),
                source=new.source.model_dump_json(),
                models=",".join(new.models),
                version=VERSION,
                plan=None if new.plan is None else new.plan.model_dump_json(),
            )
            session.add(row)
            session.flush()
            _number(session, new.id)
            session.commit()
            return Job.of(row)

    def get(self, id: str) -> Job | None:
        """A job, or None."""
        with self._database.session() as session:
            row = session.get(JobRow, id)
            return next(_readable([row]), None) if row is not None else None

    def jobs(
        self,
        client: str | None = None,
        statuses: Iterable[Status] | None = None,
        limit: int = 1000,
        after: tuple[float, str] | None = None,
    ) -> list[Job]:
        """Jobs that a client sees, or all of everybody's; newest first.

        Args:
            client: None for everybody's.
            statuses: None for all.
            limit: How many at most.
            after: When the last one before them was created, and its id.
        """
        query = select(JobRow).order_by(col(JobRow.created).desc(), col(JobRow.id)).limit(limit)
        query = query.where(col(JobRow.version) <= VERSION)
        if client is not None:
            query = query.where(JobRow.client == client, col(JobRow.hidden).is_(False))
        if statuses is not None:
            query = query.where(col(JobRow.status).in_([s.value for s in statuses]))
        if after is not None:
            created, id = after
            same = and_(col(JobRow.created) == created, col(JobRow.id) > id)
            query = query.where(or_(col(JobRow.created) < created, same))
        with self._database.session() as session:
            return [Job.of(row) for row in session.exec(query)]

    def probe(self) -> None:
        """Write something that changes nothing, and see whether that can be done."""
        with self._database.session() as session:
            counted = update(CounterRow).where(col(CounterRow.name) == CHANGES)
            session.exec(counted.values(value=CounterRow.value))
            session.commit()

    def fact(self, name: str) -> str | None:
        """Something that is true of the database as a whole."""
        with self._database.session() as session:
            row = session.get(FactRow, name)
            return None if row is None else row.value

    def note_fact(self, name: str, value: str) -> None:
        """Record a fact."""
        with self._database.session() as session:
            session.merge(FactRow(name=name, value=value))
            session.commit()

    def last_change(self) -> int:
        """The number of the last change."""
        with self._database.session() as session:
            row = session.get(CounterRow, CHANGES)
            return 0 if row is None else row.value

    def changed(self, after: int) -> Sequence[tuple[int, Job]]:
        """Jobs that changed after a change, each with the number of its last one, in order."""
        query = (
            select(ChangeRow.number, JobRow)
            .join(JobRow, col(JobRow.id) == ChangeRow.job)
            .where(ChangeRow.number > after, col(JobRow.version) <= VERSION)
            .order_by(col(ChangeRow.number))
        )
        with self._database.session() as session:
            return [(number, Job.of(row)) for number, row in session.exec(query)]

    def queue(self) -> list[str]:
        """Ids of waiting jobs, the next one first."""
        query = select(JobRow.id).where(*_waiting()).order_by(*_ORDER)
        with self._database.session() as session:
            return list(session.exec(query))

    def counts(self) -> dict[Status, int]:
        """How many jobs are in each state."""
        query = select(JobRow.status, func.count()).group_by(JobRow.status)
        with self._database.session() as session:
            found = {Status(status): count for status, count in session.exec(query)}
        return {status: found.get(status, 0) for status in Status}

    def unfinished(self, client: str) -> int:
        """How many of a client's jobs wait or run."""
        open_ones = [s.value for s in Status if s not in FINAL]
        query = select(func.count()).where(
            JobRow.client == client, col(JobRow.status).in_(open_ones)
        )
        with self._database.session() as session:
            return int(session.exec(query).one())

    def claim(self, worker: str, lease_s: float) -> Job | None:
        """The next job, now this worker's; None if nothing waits."""
        query = select(JobRow.id, JobRow.attempts).where(*_waiting())
        # Those that others are about to claim are passed over, where the database can do that.
        query = query.order_by(*_ORDER).limit(1).with_for_update(skip_locked=True)
        for _ in range(_TRIES):
            with self._database.session() as session:
                first: Any = session.exec(query).first()
                if first is None:
                    return None
                id, attempts = first
                status, attempts = move(Status.QUEUED, Move.CLAIM, attempts=attempts)
                now = time.time()
                mine = self._change(
                    session,
                    id,
                    JobRow.status == Status.QUEUED.value,
                    status=status.value,
                    attempts=attempts,
                    worker=worker,
                    lease=now + lease_s,
                    started=now,
                    finished=None,
                    error=None,
                    progress=None,
                )
                if mine:
                    row = session.get(JobRow, id)
                    return None if row is None else Job.of(row)
        return None

    def beat(self, job: Job, lease_s: float, progress: ProgressNow | None) -> bool:
        """Say that the worker lives and how far it is; False if the job is no longer its own."""
        with self._database.session() as session:
            return self._change(
                session,
                job.id,
                *_held(job),
                lease=time.time() + lease_s,
                progress=None if progress is None else progress.model_dump_json(),
            )

    def finish(self, job: Job, result: JobResult, models: Iterable[str]) -> bool:
        """The result is in its place; False if the job is no longer the worker's own."""
        status, _ = move(Status.RUNNING, Move.FINISH, attempts=job.attempts)
        with self._database.session() as session:
            return self._change(
                session,
                job.id,
                *_held(job),
                status=status.value,
                result=result.model_dump_json(),
                models=",".join(models),
                **_ended(),
            )

    def fail(self, job: Job, error: str) -> bool:
        """It cannot be done, and why; False if the job is no longer the worker's own."""
        status, _ = move(Status.RUNNING, Move.FAIL, attempts=job.attempts)
        with self._database.session() as session:
            return self._change(
                session, job.id, *_held(job), status=status.value, error=error, **_ended()
            )

    def release(self, job: Job) -> bool:
        """Back to its place in the queue, as if it had not been begun."""
        status, attempts = move(Status.RUNNING, Move.RELEASE, attempts=job.attempts)
        with self._database.session() as session:
            return self._change(
                session, job.id, *_held(job), status=status.value, attempts=attempts, **_FREE
            )

    def lose(self, job: Job, reason: str) -> Status | None:
        """Its worker died: back to the queue, or failed after too many times.

        A job that came further than any time before is not what kills its worker.

        Returns:
            Its status now, or None if it was no longer that worker's.
        """
        done = job.progress.done if job.progress is not None else 0.0
        further = job.kind == "video" and done > job.furthest
        counted = 0 if further else job.attempts
        status, attempts = move(Status.RUNNING, Move.LOSE, attempts=counted)
        values: dict[str, Any] = {"status": status.value, "attempts": attempts, **_FREE}
        values["furthest"] = max(done, job.furthest)
        if status is Status.FAILED:
            values |= _ended()
            values["error"] = f"gave up after {MAX_ATTEMPTS} tries: {reason}"
        with self._database.session() as session:
            return status if self._change(session, job.id, *_held(job), **values) else None

    def cancel(self, id: str) -> Job | None:
        """Stop a job; its worker learns it at its next beat. None if there is none.

        Raises:
            NotPossible: It has ended.
        """
        return self._decide(id, Move.CANCEL, **_ended())

    def pause(self, id: str) -> Job | None:
        """Keep a job that waits from being begun. None if there is none.

        Raises:
            NotPossible: It does not wait.
        """
        return self._decide(id, Move.PAUSE)

    def resume(self, id: str) -> Job | None:
        """Let a paused job wait for its turn again. None if there is none.

        Raises:
            NotPossible: It is not paused.
        """
        return self._decide(id, Move.RESUME)

    def retry(self, id: str) -> Job | None:
        """Queue a job that failed or was cancelled again. None if there is none.

        Raises:
            NotPossible: It waits, runs or is done.
        """
        values: dict[str, Any] = {**_FREE, "error": None, "started": None, "finished": None}
        return self._decide(id, Move.RETRY, furthest=0.0, **values)

    def delete(self, id: str) -> bool:
        """Forget a job; whether there was one."""
        with self._database.session() as session:
            done: CursorResult[Any] = session.exec(delete(JobRow).where(col(JobRow.id) == id))
            session.exec(delete(ChangeRow).where(col(ChangeRow.job) == id))
            self.webhooks.forget(session, id)
            session.commit()
            return bool(done.rowcount)

    def held(self, worker: str | None = None) -> Sequence[Job]:
        """Jobs that run, all of them or those of one worker."""
        query = select(JobRow).where(JobRow.status == Status.RUNNING.value)
        if worker is not None:
            query = query.where(JobRow.worker == worker)
        with self._database.session() as session:
            return list(_readable(session.exec(query)))

    def hidden(self) -> Sequence[Job]:
        """Jobs that a client waits for in a request; after a restart none does."""
        with self._database.session() as session:
            rows = session.exec(select(JobRow).where(col(JobRow.hidden).is_(True)))
            return list(_readable(rows))

    def expired(self, before: float) -> Sequence[Job]:
        """Jobs that ended before a time."""
        ended = [s.value for s in FINAL]
        query = select(JobRow).where(col(JobRow.status).in_(ended), col(JobRow.finished) < before)
        with self._database.session() as session:
            return list(_readable(session.exec(query)))

    def _decide(self, id: str, what: Move, **values: Any) -> Job | None:
        for _ in range(_TRIES):
            job = self.get(id)
            if job is None:
                return None
            status, attempts = move(job.status, what, attempts=job.attempts)
            there = (JobRow.status == job.status.value, JobRow.attempts == job.attempts)
            values |= {"status": status.value, "attempts": attempts}
            with self._database.session() as session:
                if self._change(session, id, *there, **values):
                    return self.get(id)
        raise NotPossible(f"the job changes all the time; '{what.value}' it again")

    @staticmethod
    def _change(session: Session, id: str, *there: Condition, **values: Any) -> bool:
        """Change one row if it is still as it was; whether it was."""
        statement = update(JobRow).where(JobRow.id == id, *there)  # type: ignore[arg-type]
        done: CursorResult[Any] = session.exec(statement.values(updated=time.time(), **values))
        if done.rowcount:
            _number(session, id)
        session.commit()
        return bool(done.rowcount)


_ORDER = (col(JobRow.urgent).desc(), col(JobRow.created), col(JobRow.id))
_FREE: dict[str, Any] = {"worker": None, "lease": None, "progress": None}


def _waiting() -> tuple[Condition, ...]:
    return JobRow.status == Status.QUEUED.value, col(JobRow.version) <= VERSION


def _readable(rows: Iterable[JobRow]) -> Iterator[Job]:
    return (Job.of(row) for row in rows if row.version <= VERSION)


def _ended() -> dict[str, Any]:
    return {**_FREE, "finished": time.time()}


def _held(job: Job) -> tuple[Condition, ...]:
    return (
        JobRow.status == Status.RUNNING.value,
        JobRow.worker == job.worker,
        JobRow.attempts == job.attempts,
    )


def _number(session: Session, id: str) -> None:
    """Give a job's change the next number, in the transaction that makes it."""
    counted = update(CounterRow).where(col(CounterRow.name) == CHANGES)
    session.exec(counted.values(value=CounterRow.value + 1))
    number = session.exec(select(CounterRow.value).where(CounterRow.name == CHANGES)).one()
    renumbered = update(ChangeRow).where(col(ChangeRow.job) == id).values(number=number)
    known: CursorResult[Any] = session.exec(renumbered)
    if not known.rowcount:
        session.add(ChangeRow(job=id, number=number))
