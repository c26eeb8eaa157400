"""The queue as Crispen 0.1 made it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_INDEXED = ("client", "status", "updated")


def upgrade() -> None:
    """Make the table, unless Crispen 0.1 has made it."""
    if sa.inspect(op.get_bind()).has_table("crispen_job"):
        return
    op.create_table(
        "crispen_job",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.Column("urgent", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("started", sa.Float),
        sa.Column("finished", sa.Float),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("furthest", sa.Float, nullable=False),
        sa.Column("worker", sa.String(120)),
        sa.Column("lease", sa.Float),
        sa.Column("error", sa.String),
        sa.Column("options", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("models", sa.String, nullable=False),
        sa.Column("result", sa.String),
        sa.Column("progress", sa.String),
    )
    for column in _INDEXED:
        op.create_index(f"ix_crispen_job_{column}", "crispen_job", [column])
