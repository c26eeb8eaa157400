"""Numbers for changes, and facts about the whole database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No change has a number yet; existing jobs get one when they change."""
    op.create_table(
        "crispen_change",
        sa.Column("job", sa.String(32), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_crispen_change_number", "crispen_change", ["number"])
    counter = op.create_table(
        "crispen_counter",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counter, [{"name": "changes", "value": 0}])
    op.create_table(
        "crispen_fact",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
