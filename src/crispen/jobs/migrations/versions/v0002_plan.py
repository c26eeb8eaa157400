"""A version and a plan for each row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Existing rows get version 1 and no plan."""
    version = sa.Column("version", sa.Integer, nullable=False, server_default="1")
    op.add_column("crispen_job", version)
    op.add_column("crispen_job", sa.Column("plan", sa.String))
