"""How Alembic reaches the database: through the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context

from crispen.jobs.migrations import TABLE

# There is a configuration only when Alembic runs this file.
if hasattr(context, "config"):
    context.configure(connection=context.config.attributes["connection"], version_table=TABLE)
    with context.begin_transaction():
        context.run_migrations()
