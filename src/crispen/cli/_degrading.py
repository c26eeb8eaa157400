"""Degradations for commands that measure; the laboratory is imported only when one is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crispen.errors import needs_extra

if TYPE_CHECKING:
    from crispen.evaluate.pairs import Bytes, Degrade
    from crispen.lab.degradations import Degradation


def typed_degradation(texts: Sequence[str], scale: int, seed: int) -> tuple[Degrade, str]:
    """What ``--degrade`` says, as a function and in words.

    Args:
        texts: As in ``gaussian-noise=25``, in order.
        scale: How many times smaller the result is.
        seed: Of all that is random.

    Raises:
        MissingExtra: PyTorch is not installed.
        UsageError: A text names no degradation, or they do not fit the scale.
    """
    instead = f"or put the degraded pictures into LR_x{scale}"
    with needs_extra("--degrade", "train", otherwise=instead):
        from crispen.lab.degradations.picture import scale_of
        from crispen.lab.degradations.spec import parse_degradation
    tables = [parse_degradation(text) for text in texts]
    scale_of(tables, scale)
    return _function(tables, scale, seed), f"{', '.join(texts)} (seed {seed})"


def recipe_degradation(recipe: Mapping[str, Any], seed: int = 0) -> tuple[Degrade, str] | None:
    """What a run's recipe does to pictures; None if it does nothing, or is not available here.

    Args:
        recipe: The resolved recipe as tables.
        seed: Of all that is random.
    """
    if not recipe.get("degradation"):
        return None
    try:
        from crispen.lab.recipe import read_recipe
    except ModuleNotFoundError:
        return None
    checked = read_recipe(dict(recipe), "recipe.toml")
    words = f"{checked.degradation_text} (seed {seed})"
    return _function(checked.degradation, checked.scale, seed), words


def _function(tables: Sequence[Degradation], scale: int, seed: int) -> Degrade:
    from crispen.lab.degradations.picture import degrade_image
    from crispen.media.image import Image

    def degrade(pixels: Bytes, index: int) -> Bytes:
        # Far apart, so that neighbouring seeds share no picture's noise.
        drawn = 100_003 * seed + index
        return degrade_image(Image(pixels), tables, seed=drawn, scale=scale).as_rgb8()

    return degrade
