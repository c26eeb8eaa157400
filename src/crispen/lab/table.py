"""The one kind of table that recipes are made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """Frozen, and strict about keys: a typing error is told, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")
