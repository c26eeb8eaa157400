"""Runs one network on one window with any channels and sides."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import cast

import numpy as np

from crispen.engines.base import Engine, Pixels, check_window
from crispen.enhance.mean import MEAN_HALO, keep_mean, keep_means
from crispen.enhance.resize import Resizer
from crispen.enhance.tiling import round_up
from crispen.models.card import ModelCard

# Bicubic has a radius of two pixels; alpha and chroma are enlarged with it.
BICUBIC_HALO = 2

# Windows of one picture share a shape or two, so that the matrices are computed once.
_resizer = functools.lru_cache(maxsize=8)(Resizer)


def keeps_mean(card: ModelCard, channels: int, studio: bool) -> bool:
    """Whether results get the local means of what they were made of; see `keep_mean`.

    Only of networks that were trained to do nothing but enlarge: noise and blur that others take
    off change local means, and what another program's network does is not known. Studio-range Y'
    has room beyond black and white, so nothing of it is clipped.

    Args:
        card: The network's card.
        channels: Of the window.
        studio: See `crispen.engines.base.Engine.run`.
    """
    enlarges = card.task == "upscale" and card.scale > 1 and bool(card.training.recipe)
    return enlarges and not (studio and channels == 1)


def halo_of(card: ModelCard, channels: int, studio: bool = False) -> int:
    """Receptive radius of a result's pixel with that many `channels`; 0 if unknown.

    Args:
        card: The network's card.
        channels: Of the window, alpha included.
        studio: See `crispen.engines.base.Engine.run`.
    """
    halo = card.halo or 0
    if card.halo is not None and keeps_mean(card, channels, studio):
        halo += MEAN_HALO
    # Alpha, and colour with a luma network, are bicubic for any halo of the network.
    return max(halo, BICUBIC_HALO) if channels > 1 and card.scale > 1 else halo


def reach_of(cards: Iterable[ModelCard]) -> int:
    """Receptive radius of a result's pixel after several networks, in pixels of the source."""
    reach, scale = 0.0, 1
    for card in cards:
        own = (card.halo or card.window_px or 32) + MEAN_HALO * keeps_mean(card, 3, False)
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
    if keeps_mean(engine.card, channels, studio):
        keep = keep_mean if engine.card.color == "luma" else keep_means
        color = keep(plain, color, check_window(plain, peak))
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
