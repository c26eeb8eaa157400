"""Makes the queue's tables, and brings those of older versions up to date, with Alembic.

Each step is a file in ``versions``. To add one: change the tables of `crispen.jobs.database`, write
the step, and name it in `HEAD`.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from crispen.errors import UsageError

HEAD = "0004"
TABLE = "crispen_version"
_FOLDER = Path(__file__).parent
_LOCK = 0x63726973  # of PostgreSQL: any number, but always the same


def migrate(engine: Engine) -> None:
    """Bring a database up to `HEAD`; a new one is filled, one of Crispen 0.1 is adopted.

    All steps are one transaction: where one fails, nothing has changed.

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
    with engine.begin() as connection:
        _alone(connection)
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


def _alone(connection: Connection) -> None:
    """Let no other process change the tables before this transaction ends; several may start."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    elif connection.dialect.name == "sqlite":
        # Python's driver begins no transaction before statements that change tables.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
