"""The queue's database: its tables, how it is opened, and its errors as ours.

SQLite by default, any SQLAlchemy URL by setting. `crispen.jobs.migrations` makes and changes the
tables. SQLite's own word for how long to wait for a
lock is part of its URL (``sqlite:////data/crispen.db?timeout=5``), in seconds.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlmodel import Field, Session, SQLModel, create_engine

from crispen.errors import CrispenError, MissingExtra, UsageError
from crispen.jobs.migrations import migrate

# Clients that wait can try again; few threads are available for all of them.
_WAIT_S = 5.0
# Requests are answered by up to 40 threads, which share these connections.
_POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 30, "pool_timeout": _WAIT_S}
CHANGES = "changes"


class StoreError(CrispenError):
    """The database does not do what it is asked to now; it may do so later."""


class JobRow(SQLModel, table=True):
    """A job as the database has it; `crispen.jobs.job.Job` is what it means."""

    __tablename__ = "crispen_job"

    id: str = Field(primary_key=True, max_length=32)
    client: str = Field(index=True, max_length=64)
    name: str
    kind: str = Field(max_length=8)
    status: str = Field(index=True, max_length=12)
    hidden: bool = False
    urgent: int = 0
    created: float
    started: float | None = None
    finished: float | None = None
    updated: float = Field(index=True)
    attempts: int = 0
    furthest: float = 0.0
    worker: str | None = Field(default=None, max_length=120)
    lease: float | None = None
    error: str | None = None
    options: str
    source: str
    models: str
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    plan: str | None = None
    result: str | None = None
    progress: str | None = None


class ChangeRow(SQLModel, table=True):
    """The number of each job's last change; unlike times, numbers only ever grow."""

    __tablename__ = "crispen_change"

    job: str = Field(primary_key=True, max_length=32)
    number: int = Field(sa_column=Column(BigInteger, index=True, nullable=False))


class CounterRow(SQLModel, table=True):
    """How many numbers were given out.

    Its row stays locked until the change that it numbers is committed, so that changes become
    visible in the order of their numbers.
    """

    __tablename__ = "crispen_counter"

    name: str = Field(primary_key=True, max_length=40)
    value: int = Field(sa_column=Column(BigInteger, nullable=False))


class FactRow(SQLModel, table=True):
    """What is true of the database as a whole."""

    __tablename__ = "crispen_fact"

    name: str = Field(primary_key=True, max_length=40)
    value: str


class WebhookRow(SQLModel, table=True):
    """A job's webhook, and its last message until that is delivered.

    ``job_ended`` is when the job that the message is about ended; ``due`` is when to try next.
    """

    __tablename__ = "crispen_webhook"

    job: str = Field(primary_key=True, max_length=32)
    url: str
    job_ended: float = 0.0
    due: float | None = Field(default=None, index=True)
    message: str = Field(max_length=60)
    body: str
    tries: int = 0
    error: str | None = None


class Database:
    """Sessions of one process.

    Args:
        url: Of SQLAlchemy.

    Raises:
        UsageError: No such kind of database.
        MissingExtra: Its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            self.engine = _engine(url)
        except ImportError as error:
            raise MissingExtra(
                f"the database's driver is not installed ({error}); for PostgreSQL type: "
                "pip install 'crispen[postgresql]'"
            ) from error
        except SQLAlchemyError as error:
            raise cannot_open(error) from error

    def prepare(self) -> None:
        """Make the tables, or bring them up to date.

        Raises:
            UsageError: The database cannot be opened, or a newer Crispen has changed it.
        """
        try:
            migrate(self.engine)
        except SQLAlchemyError as error:
            raise cannot_open(error) from error

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A session whose failures are ours.

        Raises:
            StoreError: The database is locked, full, stopped or broken.
        """
        try:
            with Session(self.engine) as session:
                yield session
        except SQLAlchemyError as error:
            raise StoreError(
                f"the queue's database does not answer ({_reason(error)}); try again in a moment"
            ) from error

    def close(self) -> None:
        """Give connections back."""
        self.engine.dispose()


def cannot_open(error: Exception) -> UsageError:
    """What is said of a database that cannot be used at all."""
    return UsageError(f"the database cannot be opened ({_reason(error)}); check its URL")


def _reason(error: Exception) -> str:
    # The driver's own line, without the statement and its values.
    text = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(text).split())[:200]


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise cannot_open(error) from error
    if parsed.drivername == "postgresql":  # SQLAlchemy would take another driver
        parsed = parsed.set(drivername="postgresql+psycopg")
    more: dict[str, Any] = {}
    if parsed.get_backend_name() != "sqlite":
        if parsed.get_backend_name() == "postgresql" and "connect_timeout" not in parsed.query:
            more["connect_timeout"] = int(_WAIT_S)
        return create_engine(parsed, pool_pre_ping=True, connect_args=more, **_POOL)
    more["check_same_thread"] = False
    if "timeout" not in parsed.query:
        more["timeout"] = _WAIT_S
    if not parsed.database or parsed.database == ":memory:":
        raise UsageError("the queue needs a database in a file; give sqlite:////path/to/file.db")
    engine = create_engine(parsed, connect_args=more, **_POOL)
    _private(Path(parsed.database))

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        # Readers and the writer do not wait for each other; a killed process loses nothing.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


def _private(path: Path) -> None:
    """Only its owner reads the queue; SQLite gives the files beside it the same permissions."""
    with contextlib.suppress(OSError):  # opening it will say what is wrong
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
        path.chmod(0o600)
