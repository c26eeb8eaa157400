"""What trained networks there are, what is known about each, and where their files lie.

The package can be called: ``crispen.models()`` is `models` below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crispen._callable import make_callable

if TYPE_CHECKING:
    from crispen.models.card import ModelCard


def models() -> list[ModelCard]:
    """The cards of all models at hand, shipped and added."""
    from crispen.models.store import list_cards

    return [card for _, card in list_cards()]


make_callable(__name__, models)
