"""Webhook messages, kept in the queue's database until they are delivered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult
from sqlmodel import Session, col, delete, select, update

from crispen.jobs.database import Database, JobRow, WebhookRow
from crispen.jobs.job import Job
from crispen.jobs.states import FINAL


@dataclass(frozen=True, slots=True)
class Message:
    """A message about a job that has ended.

    Attributes:
        job: The job's id.
        id: Unique; the same in each attempt.
        url: The receiver's address.
        body: JSON.
        tries: Number of earlier attempts.
    """

    job: str
    id: str
    url: str
    body: str
    tries: int


class WebhookStore:
    """The messages of all servers that share a database.

    Args:
        database: The queue's.

    All methods raise `StoreError` if the database is unavailable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: str, url: str) -> None:
        """Notify `url` each time that a job ends."""
        with self._database.session() as session:
            row = WebhookRow(job=job, url=url, job_ended=0.0, message="", body="", tries=0)
            session.merge(row)
            session.commit()

    def collect(self, write: Callable[[Job], str]) -> int:
        """Write messages about jobs that ended since their last message, and return how many.

        Args:
            write: Makes the body of a message.
        """
        ended = [status.value for status in FINAL]
        query = (
            select(WebhookRow, JobRow)
            .join(JobRow, col(JobRow.id) == WebhookRow.job)
            .where(col(JobRow.status).in_(ended), col(JobRow.finished) > WebhookRow.job_ended)
        )
        made = 0
        with self._database.session() as session:
            for hook, row in session.exec(query).all():
                assert row.finished is not None
                values = {
                    "job_ended": row.finished,
                    "due": time.time(),
                    "message": f"msg_{row.id}_{round(row.finished * 1e3):x}",
                    "body": write(Job.of(row)),
                    "tries": 0,
                    "error": None,
                }
                # Only one of several servers writes it.
                same = (
                    col(WebhookRow.job) == hook.job,
                    col(WebhookRow.job_ended) == hook.job_ended,
                )
                done: CursorResult[Any] = session.exec(
                    update(WebhookRow).where(*same).values(**values)
                )
                made += done.rowcount
            session.commit()
        return made

    def claim(self, lease_s: float, limit: int = 20) -> Sequence[Message]:
        """Messages that are due; no other server gets them until the lease ends."""
        now = time.time()
        query = (
            select(WebhookRow)
            .where(col(WebhookRow.due) <= now)
            .order_by(col(WebhookRow.due))
            .limit(limit)
        )
        mine = []
        with self._database.session() as session:
            for row in session.exec(query).all():
                message = Message(row.job, row.message, row.url, row.body, row.tries)
                if self._change(session, message, WebhookRow.due == row.due, due=now + lease_s):
                    mine.append(message)
            session.commit()
        return mine

    def sent(self, message: Message) -> None:
        """Record that it was delivered."""
        with self._database.session() as session:
            self._change(session, message, due=None, tries=message.tries + 1, error=None)
            session.commit()

    def failed(self, message: Message, error: str, wait_s: float | None) -> None:
        """Record a failed attempt; None for `wait_s` means that no other follows."""
        due = None if wait_s is None else time.time() + wait_s
        with self._database.session() as session:
            self._change(session, message, due=due, tries=message.tries + 1, error=error[:300])
            session.commit()

    @staticmethod
    def forget(session: Session, job: str) -> None:
        """Drop the messages of a job that is being removed in this session."""
        session.exec(delete(WebhookRow).where(col(WebhookRow.job) == job))

    @staticmethod
    def _change(session: Any, message: Message, *there: Any, **values: Any) -> bool:
        same = (col(WebhookRow.job) == message.job, col(WebhookRow.message) == message.id)
        done = session.exec(update(WebhookRow).where(*same, *there).values(**values))
        return bool(done.rowcount)
