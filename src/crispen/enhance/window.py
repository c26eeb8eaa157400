"""Runs one network on one window with any channels and sides."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import cast

import numpy as np

from crispen.engines.base import Engine, Pixels, check_window
from crispen.enhance.mean import keep_mean, keep_means, mean_halo
from crispen.enhance.resize import Resizer
from crispen.enhance.tiling import round_up
from crispen.models.card import ModelCard
from crispen.models.dials import Dials

# Bicubic has a radius of two pixels; alpha and chroma are enlarged with it.
BICUBIC_HALO = 2

# Squares over which means are kept: small ones in a picture that is only enlarged. A network that
# draws a sharper picture anew loses the tone of whole areas, and moves edges by a few pixels.
_ENLARGED, _DRAWN = 4, 12
# Up to here the means of a picture are right; more noise, clipped at black, makes it brighter, and
# coarser steps of compression move the mean of a block.
_CLEAN_DIAL = 0.15
_TOLD_CLEAN = Dials(noise=0.0, compression=0.0, blur=0.0)

# Windows of one picture share a shape or two, so that the matrices are computed once.
_resizer = functools.lru_cache(maxsize=8)(Resizer)


def mean_radius(card: ModelCard, dials: Dials | None, channels: int, studio: bool) -> int:
    """Over which squares results keep the means of what they were made of; see `keep_mean`.

    They do where only the size or the sharpness changes: an enlarging network, one that repairs and
    was told that there is nothing to repair, and a sharpening one that does not add to its input
    but draws it anew. Noise that others take off changes local means, and what another program's
    network does is not known. Studio-range Y' has room beyond black and white, so nothing of it is
    clipped.

    Args:
        card: The network's card.
        dials: What it was told.
        channels: Of the window.
        studio: See `crispen.engines.base.Engine.run`.

    Returns:
        The radius in pixels; 0 where they need not.
    """
    if not card.training.recipe or (studio and channels == 1):
        return 0
    if card.scale > 1 and (card.task == "upscale" or (card.dials and _is_clean(dials))):
        return _ENLARGED
    return _DRAWN if card.task == "sharpen" and card.base == "none" else 0


def _is_clean(dials: Dials | None) -> bool:
    if dials is None:
        return False
    return all(
        dial is not None and dial <= _CLEAN_DIAL for dial in (dials.noise, dials.compression)
    )


def halo_of(engine: Engine, channels: int, studio: bool = False) -> int:
    """Receptive radius of a result's pixel with that many `channels`; 0 if unknown.

    Args:
        engine: The network.
        channels: Of the window, alpha included.
        studio: See `crispen.engines.base.Engine.run`.
    """
    card = engine.card
    halo = card.halo or 0
    if card.halo is not None:
        halo += mean_halo(mean_radius(card, engine.dials, channels, studio))
    # Alpha, and colour with a luma network, are bicubic for any halo of the network.
    return max(halo, BICUBIC_HALO) if channels > 1 and card.scale > 1 else halo


def reach_of(cards: Iterable[ModelCard]) -> int:
    """Receptive radius of a result's pixel after several networks, in pixels of the source."""
    reach, scale = 0.0, 1
    for card in cards:
        mean = mean_radius(card, _TOLD_CLEAN, 3, False)
        own = (card.halo or card.window_px or 32) + mean_halo(mean)
        reach += max(own, BICUBIC_HALO) / scale
        scale *= card.scale
    return int(reach) + 4


def run_window(
    engine: Engine,
    pixels: Pixels,
    *,
    strength: float = 1.0,
    peak: int | None = None,
    studio: bool = False,
) -> Pixels:
    """The enhanced window; alpha is enlarged bicubically beside the colour.

    A network trained on photographs puts texture into an even alpha and rings around its edges;
    bicubic, clipped, does neither. So alpha has no studio range either: it runs from 0
    to the dtype's maximum, and no network processes it. A window whose sides the network does not
    accept is padded to the right and below with its edge pixels, and the result is cropped.

    Args:
        engine: The network.
        pixels: ``(height, width, 1 to 4)``; 2 and 4 channels end in alpha.
        strength: Share of the network's change to keep, 0 to 1; at scale 1 only.
        peak: See `Engine.run`.
        studio: See `Engine.run`.
    """
    channels = pixels.shape[2]
    plain = pixels if channels in (1, 3) else pixels[..., :-1]
    color = _mixed(plain, _run_padded(engine, plain, peak, studio), strength)
    if radius := mean_radius(engine.card, engine.dials, channels, studio):
        keep = keep_mean if engine.card.color == "luma" else keep_means
        color = keep(plain, color, check_window(plain, peak), radius)
    if channels in (1, 3):
        return color
    alpha = pixels[..., -1:]
    out = np.empty((*color.shape[:2], channels), pixels.dtype)
    out[..., :-1] = color
    if engine.card.scale == 1:
        out[..., -1:] = alpha
    elif (alpha == alpha.flat[0]).all():
        out[..., -1] = alpha.flat[0]
    else:
        height, width = alpha.shape[:2]
        at = 0
        for band in _resizer(width, height, out.shape[1], out.shape[0], 1).frame(iter([alpha])):
            out[at : at + len(band), :, -1:] = band
            at += len(band)
    return out


def _run_padded(engine: Engine, pixels: Pixels, peak: int | None, studio: bool) -> Pixels:
    card = engine.card
    height, width = pixels.shape[:2]
    below, right = (
        max(round_up(side, card.multiple), card.window_px or 0) - side for side in (height, width)
    )
    if not (below or right):
        return engine.run(pixels, peak=peak, studio=studio)
    padded = np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="edge")
    answer = engine.run(cast(Pixels, padded), peak=peak, studio=studio)
    return answer[: height * card.scale, : width * card.scale]


def _mixed(pixels: Pixels, answer: Pixels, strength: float) -> Pixels:
    if strength == 1.0:
        return answer
    levels = pixels.astype(np.float32)
    levels += np.float32(strength) * (answer - levels)
    return cast(Pixels, np.rint(levels).astype(pixels.dtype))
