"""A picture before and after a model, for its card; made on first view."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from crispen.media.image import Image, read_image, write_image
from crispen.media.resample import resize
from crispen.models.card import ModelCard
from crispen.models.dials import jpeg_step
from crispen.models.guide import example_of
from crispen.models.tasks import Example

# A portrait by NASA (public domain), 512x341.
PICTURE = Path(__file__).parent / "sample.png"
WIDTH_PX = 768
_NOISE, _FAINT_NOISE = 25.0, 5.0
_SPECKS = 0.2
_QUALITY, _KEPT_QUALITY = 40, 90
_SEED = 0


def make_sample(model: Path, card: ModelCard, before: Path, after: Path) -> None:
    """Write both pictures, of the same size: a typical input, and the model's result.

    Raises:
        ModelError: The model does not work.
    """
    from crispen.enhance.enhancer import Enhancer
    from crispen.enhance.target import Target
    from crispen.look.looking import damage_of

    bad = degraded(shrunk(read_image(PICTURE).as_rgb8(), WIDTH_PX // card.scale), example_of(card))
    # As when the model is chosen automatically, not by name.
    dials = damage_of(bad, jpeg_step(_QUALITY)) if card.dials else None
    with Enhancer([model], threads=1, dials=dials) as enhancer:
        good = enhancer.enhance(bad, Target(scale=card.scale)).as_rgb8()
    height, width = good.shape[:2]
    if bad.shape != good.shape:
        bad = _resized(bad, height, width)
    for pixels, path in ((bad, before), (good, after)):
        write_image(Image(pixels), path, format="webp", quality=_KEPT_QUALITY, overwrite=True)


def shrunk(pixels: np.ndarray, width: int) -> np.ndarray:
    """The picture scaled to this width, unless it is smaller."""
    height, whole = pixels.shape[:2]
    width = min(width, whole)
    return _resized(pixels, round(height * width / whole), width)


def degraded(pixels: np.ndarray, example: Example) -> np.ndarray:
    """A good picture degraded like the model's usual inputs; the same every time.

    Args:
        pixels: ``(height, width, 3)`` uint8.
        example: What is done to it.
    """
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(_SEED)
    x = pixels.astype(np.float64)
    match example:
        case "noise":
            x = x + rng.normal(0.0, _NOISE, x.shape)
        case "blocks":
            x = _resized(_resized(pixels, height // 2, width // 2), height, width)
        case "dark":
            x = 255.0 * (x / 255.0) ** 2.2 * 0.6
        case "specks":
            lost = rng.random((height, width, 1))
            x = np.where(lost < _SPECKS, np.where(lost < _SPECKS / 2, 0.0, 255.0), x)
        case "compressed":
            return read_image(io.BytesIO(worsened(pixels))).as_rgb8()
        case "none":
            pass
    return _levels(x)


def worsened(pixels: np.ndarray) -> bytes:
    """A typical upload: a little noise, and JPEG of low quality."""
    noise = np.random.default_rng(_SEED).normal(0.0, _FAINT_NOISE, pixels.shape)
    file = io.BytesIO()
    write_image(Image(_levels(pixels + noise)), file, format="jpeg", quality=_QUALITY)
    return file.getvalue()


def _levels(x: np.ndarray) -> np.ndarray:
    levels: np.ndarray = np.clip(np.rint(x), 0, 255).astype(np.uint8)
    return levels


def _resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    planes = [resize(pixels[..., c], height, width) for c in range(pixels.shape[2])]
    return np.stack(planes, axis=-1).astype(np.uint8)
