"""The three lines of Python: a picture in, a better one out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crispen.enhance.model import Model
    from crispen.media.image import Image
    from crispen.progress import Progress


def enhance(
    source: Any,
    scale: float | None = None,
    *,
    tasks: str | Sequence[str] | None = None,
    strength: float | None = None,
    model: str | Path | Model | Sequence[str | Path | Model] | None = None,
    size: tuple[int, int] | None = None,
    width: int | None = None,
    height: int | None = None,
    fit: bool = False,
    device: str = "auto",
    threads: int | None = None,
    memory_bytes: int | None = None,
    tile_px: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """The picture, larger, cleaner, sharper.

    For many pictures ``model = crispen.load("photo-x2")`` and ``model(picture)`` is faster, since
    the engine is opened once.

    Args:
        source: A path, bytes, a PIL image, a `crispen.Image`, or an array
            ``(height, width[, channels])`` of ``uint8``, ``uint16`` or floats in [0, 1], RGB. Of
            animations other than GIF and WebP, and of a TIFF with pages, the first picture is read.
        scale: Times as long each side becomes; 2, or what the tasks or the named models give,
            unless given.
        tasks: What is to be done: ``denoise``, ``relight``, ``sharpen``, ``upscale``; only
            ``upscale`` unless given.
        strength: How much of what is not enlargement is done, 0 to 1; all of it unless given.
        model: Names, paths or models, applied in order; the tasks' usual ones unless given.
        size: Exact ``(width, height)`` instead of a scale.
        width: Width alone; the height keeps the aspect ratio.
        height: Height alone; the width keeps the aspect ratio.
        fit: Keep the aspect ratio inside `size`.
        device: ``auto``, ``cpu``, ``cuda``, …
        threads: Most CPU threads.
        memory_bytes: Budget for tiles, 1 GiB unless given.
        tile_px: Side of square tiles instead.
        progress: Told how far it is; can cancel.

    Returns:
        An `Image`: `pixels` is ``(height, width, channels)`` in the source's depth (floats come
            back as ``uint8``); `save` writes.

    Raises:
        CrispenError: What is wrong, in one line.

    >>> import numpy as np, crispen
    >>> crispen.enhance(np.zeros((8, 12), np.uint8), scale=2).pixels.shape
    (16, 24, 1)
    """
    from crispen.enhance.enhancer import Enhancer
    from crispen.enhance.model import Model
    from crispen.enhance.target import Target
    from crispen.errors import UsageError

    if size is not None and (width is not None or height is not None):
        raise UsageError("both size and width or height were given; give one of them")
    if size is not None:
        width, height = size
    target = Target(scale=scale, width=width, height=height, fit=fit)
    models = [model] if isinstance(model, (str, Path, Model)) else model
    enhancer = Enhancer(
        models,
        tasks=[tasks] if isinstance(tasks, str) else tasks,
        strength=strength,
        device=device,
        threads=threads,
        memory_bytes=memory_bytes,
        tile_px=tile_px,
    )
    given = isinstance(model, Model) or (
        models is not None and any(isinstance(entry, Model) for entry in models)
    )
    try:
        return enhancer.enhance(source, target, progress)
    finally:
        if not given:  # a caller's own model stays open for their next picture
            enhancer.close()
