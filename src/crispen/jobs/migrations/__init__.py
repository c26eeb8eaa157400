"""Makes the queue's tables, and brings those of older versions up to date, with Alembic.

Each step is a file in ``versions``. To add one: change `crispen.jobs.store.JobRow`, write the step,
and name it in `HEAD`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from crispen.errors import UsageError

HEAD = "0002"
TABLE = "crispen_version"
_FOLDER = Path(__file__).parent
_LOCK = 0x63726973  # of PostgreSQL: any number, but always the same


def migrate(engine: Engine) -> None:
    """Bring a database up to `HEAD`; a new one is filled, one of Crispen 0.1 is adopted.

    Raises:
        UsageError: A newer Crispen has changed it.
        SQLAlchemyError: The database fails.
    """
    with engine.connect() as connection:
        if _revision(connection) == HEAD:  # nearly always, and Alembic takes its time to import
            return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with _alone(engine), engine.begin() as connection:
        now = _revision(connection)
        steps = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
        if now is not None and now not in steps:
            raise UsageError(
                "the queue was changed by a newer version of Crispen; update Crispen, or choose "
                "another --folder"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {TABLE}")).scalar()
    return None if found is None else str(found)


@contextlib.contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """No other process changes the tables meanwhile, as where several start at once."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
    elif engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:"):
        from filelock import FileLock

        with FileLock(f"{engine.url.database}.lock"):
            yield
    else:
        yield
