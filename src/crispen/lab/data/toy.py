"""Generated pictures, so that a fresh clone can train at once: discs, bars, stripes, shades.

Every picture is drawn at twice its size and averaged down, so that its edges are smooth like those
of a photograph, not jagged. Nothing in them could be covered by a licence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crispen.lab.data.material import Material
from crispen.lab.data.sources import ArraySource, Bytes, array_digest, to_color
from crispen.lab.data.tables import ToyTable

_SHAPES = 14


def toy_pictures(count: int, side: int, seed: int) -> list[Bytes]:
    """RGB pictures of `side` pixels, the same for the same seed.

    >>> toy_pictures(2, 32, 0)[1].shape
    (32, 32, 3)
    """
    return [_picture(side, np.random.default_rng((seed, i))) for i in range(count)]


def _picture(side: int, random: np.random.Generator) -> Bytes:
    y, x = np.mgrid[0 : 2 * side, 0 : 2 * side] / (2.0 * side)
    ends = random.uniform(0, 1, (2, 3))
    turn = random.uniform(0, 2 * np.pi)
    across = 0.5 + 0.7 * ((x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn))
    canvas = ends[0] + (ends[1] - ends[0]) * across[..., None]
    for _ in range(_SHAPES):
        canvas[_shape(x, y, random)] = random.uniform(0, 1, 3)
    small = canvas.reshape(side, 2, side, 2, 3).mean(axis=(1, 3))
    pixels: Bytes = np.round(np.clip(small, 0, 1) * 255.0).astype(np.uint8)
    return pixels


def _shape(
    x: NDArray[np.float64], y: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.bool_]:
    """Position of a disc, a bar or a patch of stripes."""
    (cx, cy), turn = random.uniform(0, 1, 2), random.uniform(0, np.pi)
    along = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
    over = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
    size = random.uniform(0.04, 0.25)
    inside: NDArray[np.bool_]
    match random.integers(3):
        case 0:
            inside = (x - cx) ** 2 + (y - cy) ** 2 < size**2
        case 1:
            inside = (np.abs(along) < 2 * size) & (np.abs(over) < random.uniform(0.005, 0.06))
        case _:
            stripes = np.sin(along * random.uniform(40, 200)) > 0
            inside = stripes & (np.abs(along) < size) & (np.abs(over) < size)
    return inside


def toy_material(table: ToyTable) -> Material:
    """The pictures that a table requests."""
    drawn = toy_pictures(table.count, table.side, table.drawn_with)
    pictures = [to_color(p, table.color) for p in drawn]
    return Material("toy pictures", ArraySource(pictures), array_digest(pictures), "CC0 1.0")
