"""Owners of models, on a server whose clients do not see each other's work.

Kept in ``model-owners.json`` of the data folder. A model without an owner was added by
the administrator, and is available to all clients.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from pathlib import Path

from crispen.media.atomic import write_whole
from crispen.models.athand import MEMBER
from crispen.models.card import ModelCard
from crispen.models.store import Known


class ModelOwners:
    """The owners of added models.

    Args:
        folder: The server's data folder.
        separate: Whether clients have models of their own; otherwise all models are shared.
    """

    def __init__(self, folder: Path, *, separate: bool) -> None:
        self._file = folder / "model-owners.json"
        self._separate = separate
        self._lock = threading.Lock()

    def sees(self, client: str, name: str) -> bool:
        """Whether a client may use a model."""
        return not self._separate or self._read().get(name, client) == client

    def may_delete(self, client: str, name: str) -> bool:
        """Whether a client may delete a model that was added."""
        return not self._separate or self._read().get(name) == client

    def visible(self, client: str, models: Iterable[Known]) -> list[Known]:
        """Those of the models that a client may use."""
        owners = self._read() if self._separate else {}
        return [model for model in models if owners.get(model.card.name, client) == client]

    def takes_over(self, client: str, name: str, cards: Iterable[ModelCard]) -> bool:
        """Whether a model of this name would run for others, as a member of a family of theirs."""
        if not self._separate:
            return False
        owners, family = self._read(), _family(name)
        return family is not None and any(
            _family(card.name) == family and owners.get(card.name) != client for card in cards
        )

    def note(self, name: str, client: str | None) -> None:
        """Record an owner, or remove the record."""
        with self._lock:
            owners = {n: c for n, c in self._read().items() if n != name}
            if client is not None and self._separate:
                owners[name] = client
            write_whole(self._file, json.dumps(owners, indent=1).encode())

    def _read(self) -> dict[str, str]:
        try:
            owners: dict[str, str] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return owners


def _family(name: str) -> str | None:
    match = MEMBER.match(name)
    return match["family"] if match is not None else None
