"""The recommended models and their uses; everything else is for the laboratory.

A row a family: a name without its scale, such as ``real`` for ``real-x2``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from crispen.models.card import ModelCard
from crispen.models.tasks import TASKS, Example

PHOTO_PX = 12_000_000
"""A photo of a phone or camera, by which speed is told."""

_SCALE = re.compile(r"-x\d+$")
_FRAME_PX = 1920 * 1080
_SPEED = re.compile(r"([\d.]+) ms a 1080p frame\b")


@dataclass(frozen=True, slots=True)
class Guide:
    """What users should know about a family.

    Attributes:
        use: When to use it, after the words "Use this for".
        example: The degradation of its sample picture; that of its task unless given.
    """

    use: str
    example: Example | None = None


# The first is what most people need.
GUIDES: Mapping[str, Guide] = {
    "real": Guide("everyday pictures: JPEGs, phone photos, chat pictures, noise and blur."),
    "vivid": Guide("pictures that should look good, where detail may be guessed.", "compressed"),
    "photo": Guide("clean pictures that should only become larger."),
    "photo-fast": Guide("videos, and pictures that must be ready at once."),
    "photo-live": Guide("videos that are watched while they are enhanced (--realtime)."),
    "video": Guide("clips that are strongly compressed; they are recognised."),
    "relight": Guide("pictures that are too dark, too bright, pale or tinted."),
    "denoise-photo": Guide("grainy pictures taken in the dark."),
    "sharpen-photo": Guide("pictures that are a little out of focus or shaken."),
    "denoise-impulse": Guide(
        "pictures with specks: scattered black, white or coloured pixels.", "specks"
    ),
}


def stem_of(name: str) -> str:
    """A model's name without its scale.

    >>> stem_of("photo-fast-x2"), stem_of("relight")
    ('photo-fast', 'relight')
    """
    return _SCALE.sub("", name)


def rank_of(name: str) -> int | None:
    """A model's place among the recommended families, from 0; None for all others."""
    stem = stem_of(name)
    return [*GUIDES].index(stem) if stem in GUIDES else None


def example_of(card: ModelCard) -> Example:
    """How a good picture is degraded to show what a model does."""
    guide = GUIDES.get(stem_of(card.name))
    return (guide and guide.example) or TASKS[card.task].example


def photo_seconds(card: ModelCard) -> float | None:
    """Seconds for a photo of 12 megapixels if the card's speed was measured; None if not.

    >>> photo_seconds(ModelCard(name="a", scale=2, speed="108 ms a 1080p frame (2 cores)"))
    2.5
    """
    found = _SPEED.match(card.speed)
    if found is None:
        return None
    # The timed frame is the result.
    return float(f"{float(found[1]) / 1000 * PHOTO_PX * card.scale**2 / _FRAME_PX:.2g}")
