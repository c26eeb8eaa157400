"""Locks the database while a server runs, so that no second one uses it unless both share it.

PostgreSQL has advisory locks, which end with their connection; SQLite's file has one beside it. For
other databases there is only the folder's mark, which `crispen.jobs.ownership` compares.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from crispen.errors import UsageError
from crispen.jobs.database import StoreError

# "crispen" as a number: any number that no other program uses.
_KEY = int.from_bytes(b"crispen", "big")


class AdvisoryLock(Protocol):
    """A lock that several servers can try to take."""

    def take(self) -> bool:
        """Take it, or check that it is still held; False if another process holds it."""

    def release(self) -> None:
        """Release it."""


def advisory_lock(engine: Engine, *, shared: bool = False) -> AdvisoryLock:
    """The lock of a database.

    Args:
        engine: Of the database.
        shared: Several may hold it if all of them set this; nobody else can meanwhile.

    Raises:
        UsageError: The database cannot be shared.
    """
    if engine.dialect.name == "postgresql":
        return _PostgreSQL(engine, "_shared" if shared else "")
    if shared:
        raise UsageError(
            "only a PostgreSQL database can be shared by several servers and workers; give one "
            "as postgresql://USER@HOST/NAME"
        )
    if engine.dialect.name == "sqlite" and engine.url.database:
        return _Beside(Path(engine.url.database))
    return _Unknown()


class _PostgreSQL:
    """Held by a connection of its own; a restart of the database ends it, and `take` retakes it."""

    def __init__(self, engine: Engine, kind: str) -> None:
        self._engine = engine
        self._kind = kind
        self._connection: Connection | None = None

    def take(self) -> bool:
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.scalar(text(f"SELECT pg_try_advisory_lock{self._kind}({_KEY})")):
                self._connection = connection
                return True
            connection.close()
            return False
        except SQLAlchemyError as error:
            self.release()
            raise StoreError(
                "the queue's database does not respond; its lock is taken again as soon as it does"
            ) from error

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                connection.scalar(text(f"SELECT pg_advisory_unlock{self._kind}({_KEY})"))
            with contextlib.suppress(SQLAlchemyError):
                connection.invalidate()  # unusable if that failed
            with contextlib.suppress(SQLAlchemyError):
                connection.close()


class _Beside:
    def __init__(self, path: Path) -> None:
        # Threads take turns with it.
        self._lock = FileLock(f"{path.resolve()}.server", timeout=0, thread_local=False)

    def take(self) -> bool:
        try:
            if not self._lock.is_locked:
                self._lock.acquire()
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(f"{self._lock.lock_file}: cannot be locked ({error})") from error
        return True

    def release(self) -> None:
        self._lock.release(force=True)


class _Unknown:
    def take(self) -> bool:
        return True

    def release(self) -> None:
        pass
