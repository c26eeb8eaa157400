"""Model: a card and its weights, called on pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.enhance.enhancer import Enhancer
from crispen.enhance.modelfile import ModelFile
from crispen.enhance.target import Target
from crispen.models.dials import Dials
from crispen.models.store import find

if TYPE_CHECKING:
    from crispen.media.image import Image
    from crispen.progress import Progress


class Model(ModelFile):
    """A trained network, ready for pictures; its engine is opened when first needed.

    Attributes:
        path: The model file.
        card: What is known about it.
        dials: Dials for its network: how degraded the pictures are.
        device: Device to run on.
    """

    def __call__(
        self,
        image: Any,
        *,
        strength: float | None = None,
        memory_bytes: int | None = None,
        tile_px: int | None = None,
        progress: Progress | None = None,
    ) -> Image:
        """The picture after this network: ``card.scale`` times as large.

        Args:
            image: An `Image`, a path, bytes, a PIL image, or an array
                ``(height, width[, channels])`` of ``uint8``, ``uint16`` or floats in [0, 1].
            strength: Share of its change to keep, 0 to 1; for models of scale 1.
            memory_bytes: The budget for tiles.
            tile_px: Side of square tiles; chosen from the budget unless given.
            progress: Receives progress events.
        """
        enhancer = Enhancer([self], strength=strength, memory_bytes=memory_bytes, tile_px=tile_px)
        return enhancer.enhance(image, Target(scale=self.card.scale), progress)


def load(
    name: str | Path,
    *,
    dials: Dials | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Model:
    """The model of that name or file.

    Args:
        name: Such as ``photo-x2``, see `crispen.models`; or the path of a model file.
        dials: Dials for its network; only for a model that has dials.
        device: ``auto``, ``cpu``, ``cuda``, … as ``crispen doctor`` lists them.
        threads: Maximum number of CPU threads; all unless given.

    Raises:
        ModelError: No such model, or a broken file.
    """
    path, card = find(name)
    return Model(path, card, dials=dials, device=device, threads=threads)
