"""Sends a batch's models to other machines, which have only those that ship."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from crispen.enhance.modelfile import ModelFile
from crispen.errors import ModelError
from crispen.models.athand import AtHand
from crispen.models.card import ModelCard
from crispen.models.store import SHIPPED, Known


@dataclass(frozen=True, slots=True)
class Packed:
    """A model that can be sent.

    Attributes:
        name: Name under which it is available.
        card: What is known about it.
        file: Name of its file.
        content: Of its file; None if it ships.
    """

    name: str
    card: ModelCard
    file: str
    content: bytes | None


def pack(at_hand: AtHand) -> tuple[Packed, ...]:
    """All available models."""
    packed = []
    for name, model in at_hand.items():
        assert isinstance(model, (Known, ModelFile))
        path = model.path
        content = None if path.parent == SHIPPED else path.read_bytes()
        packed.append(Packed(name, model.card, path.name, content))
    return tuple(packed)


def unpack(packed: tuple[Packed, ...], folder: Path) -> AtHand:
    """The same models, available in this process.

    Args:
        packed: What was sent.
        folder: Where the files of those that do not ship are put.

    Raises:
        ModelError: A model that should be here is not.
    """
    found = AtHand(())
    for one in packed:
        path = SHIPPED / one.file
        if one.content is not None:
            # Two of them can have the same name.
            path = folder / hashlib.sha256(one.content).hexdigest()[:16] / one.file
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(one.content)
        elif not path.is_file():
            raise ModelError(f"{one.name} is not installed here")
        found.put(one.name, Known(path, one.card))
    return found
