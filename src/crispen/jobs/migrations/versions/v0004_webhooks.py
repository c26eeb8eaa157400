"""Webhooks: addresses that are notified when a job ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No job that is there tells anybody."""
    op.create_table(
        "crispen_webhook",
        sa.Column("job", sa.String(32), primary_key=True),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("job_ended", sa.Float, nullable=False),
        sa.Column("due", sa.Float, nullable=True),
        sa.Column("message", sa.String(60), nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("error", sa.String, nullable=True),
    )
    op.create_index("ix_crispen_webhook_due", "crispen_webhook", ["due"])
