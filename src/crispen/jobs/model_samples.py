"""A small picture before and after a model, for its card; made on first view."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from crispen.media.image import Image, read_image, write_image
from crispen.media.resample import resize
from crispen.models.card import ModelCard
from crispen.models.tasks import TASKS, Task

# A portrait by NASA (public domain), 192x144.
PICTURE = Path(__file__).parent / "sample.png"
_NOISE = 25.0
_SEED = 0


def make_sample(model: Path, card: ModelCard, before: Path, after: Path) -> None:
    """Write both pictures, of one size: what the model is for, and what it makes of it.

    Raises:
        ModelError: The model does not work.
    """
    from crispen.enhance.enhancer import Enhancer
    from crispen.enhance.target import Target

    whole = read_image(PICTURE).as_rgb8()
    bad = degraded(whole, card.task, card.scale)
    with Enhancer([model], threads=1) as enhancer:
        good = enhancer.enhance(bad, Target(scale=card.scale)).as_rgb8()
    height, width = good.shape[:2]
    if bad.shape != good.shape:
        bad = _resized(bad, height, width)
    for pixels, path in ((bad, before), (good, after)):
        write_image(Image(pixels), path, format="png", overwrite=True)


def degraded(pixels: np.ndarray, task: Task, scale: int) -> np.ndarray:
    """A good picture as bad as the ones a task is for; the same every time.

    Args:
        pixels: ``(height, width, 3)`` uint8.
        task: What the model does.
        scale: How many times it enlarges.
    """
    height, width = (side // scale for side in pixels.shape[:2])
    x = _resized(pixels[: height * scale, : width * scale], height, width).astype(np.float64)
    match TASKS[task].example:
        case "noise":
            x = x + np.random.default_rng(_SEED).normal(0.0, _NOISE, x.shape)
        case "blocks":
            x = _resized(_resized(pixels, height // 2, width // 2), height, width)
        case "dark":
            x = 255.0 * (x / 255.0) ** 2.2 * 0.6
        case "none":
            pass
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def _resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    planes = [resize(pixels[..., c], height, width) for c in range(pixels.shape[2])]
    return np.stack(planes, axis=-1).astype(np.uint8)
