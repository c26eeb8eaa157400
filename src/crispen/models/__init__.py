"""The trained networks: cards, files and names.

To users the name means the function `models` below: ``crispen.models()``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crispen._rooms import share_name

if TYPE_CHECKING:
    from crispen.models.card import ModelCard


def models() -> list[ModelCard]:
    """The cards of all available models, shipped and added."""
    from crispen.models.store import list_cards

    return [card for _, card in list_cards()]


share_name(__name__, models)
