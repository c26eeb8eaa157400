"""One window through one network, whatever its channels."""

from __future__ import annotations

import functools

import numpy as np

from crispen.engines.base import Engine, Pixels
from crispen.enhance.resize import Resizer

# Bicubic looks two pixels far; alpha and chroma are enlarged with it.
BICUBIC_HALO = 2

# Windows of one picture share a shape or two, so that the matrices are made once.
_resizer = functools.lru_cache(maxsize=8)(Resizer)


def run_window(engine: Engine, pixels: Pixels) -> Pixels:
    """The enhanced window; alpha is enlarged bicubically beside the colour.

    A network trained on photographs puts texture into an even alpha and rings around its edges;
    bicubic, clipped, does neither.

    Args:
        engine: The network.
        pixels: ``(height, width, 1 to 4)``; 2 and 4 channels end in alpha.
    """
    height, width, channels = pixels.shape
    if channels in (1, 3):
        return engine.run(pixels)
    color = engine.run(pixels[..., :-1])
    alpha = pixels[..., -1:]
    out = np.empty((*color.shape[:2], channels), pixels.dtype)
    out[..., :-1] = color
    if (alpha == alpha.flat[0]).all():
        out[..., -1] = alpha.flat[0]
    else:
        at = 0
        for band in _resizer(width, height, out.shape[1], out.shape[0], 1).frame(iter([alpha])):
            out[at : at + len(band), :, -1:] = band
            at += len(band)
    return out
