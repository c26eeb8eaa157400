"""The classic filters that a restoration network has to beat.

All but ``none`` use scikit-image and SciPy (``pip install 'crispen[iqa]'``). Each takes and returns
``(height, width, 3)`` ``uint8``. Those that need a picture's noise level estimate it, as anyone
with an unknown picture would have to.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.errors import needs_extra

Bytes = NDArray[np.uint8]
Filter = Callable[[Bytes], Bytes]

_MEDIAN_PX = 3
_ADAPTIVE_PX = (3, 5, 7, 9)


def none(pixels: Bytes) -> Bytes:
    """The degraded input."""
    return pixels


def median(pixels: Bytes) -> Bytes:
    """The median of 3×3 pixels, each channel separately."""
    out: Bytes = _scipy().median_filter(pixels, size=(_MEDIAN_PX, _MEDIAN_PX, 1))
    return out


def adaptive_median(pixels: Bytes) -> Bytes:
    """The median of the smallest window, 3×3 to 9×9, whose median is not an impulse.

    A pixel that is not an extreme of its window is kept [1]_.

    .. [1] H. Hwang, R. A. Haddad, "Adaptive median filters: new algorithms and results", IEEE TIP
       1995, doi:10.1109/83.370679
    """
    ndimage = _scipy()
    out, open_ = pixels.copy(), np.ones(pixels.shape, bool)
    for side in _ADAPTIVE_PX:
        size = (side, side, 1)
        low = ndimage.minimum_filter(pixels, size=size)
        high = ndimage.maximum_filter(pixels, size=size)
        middle = ndimage.median_filter(pixels, size=size)
        sound = open_ & (low < middle) & (middle < high)
        impulse = (pixels <= low) | (pixels >= high)
        out[sound & impulse] = middle[sound & impulse]
        open_ &= ~sound
        # If no window qualifies, it is the median of the largest.
        last = middle
    out[open_] = last[open_]
    return out


def bilateral(pixels: Bytes) -> Bytes:
    """Bilateral filter, σ of 3 pixels, and in grey levels three times the estimated noise [1]_.

    Window and colour distance (the sum over the channels) are OpenCV's. scikit-image 0.26's own
    weights a window beside the pixel.

    .. [1] C. Tomasi, R. Manduchi, "Bilateral filtering for gray and color images", ICCV 1998,
       doi:10.1109/ICCV.1998.710815
    """
    near, alike = 3.0, max(3.0 * noise_sigma(pixels), 3.0)
    radius = round(1.5 * near)
    x = pixels.astype(np.float32)
    around = np.pad(x, ((radius, radius), (radius, radius), (0, 0)), mode="reflect")
    total, weights = np.zeros_like(x), np.zeros((*x.shape[:2], 1), np.float32)
    height, width = x.shape[:2]
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dx * dx + dy * dy > radius * radius:
                continue
            top, left = radius + dy, radius + dx
            other = around[top : top + height, left : left + width]
            distance = np.abs(other - x).sum(axis=2, keepdims=True)
            weight = np.exp(-(distance**2) / (2 * alike**2) - (dx * dx + dy * dy) / (2 * near**2))
            total += weight * other
            weights += weight
    return _bytes(total / weights / 255)


def nl_means(pixels: Bytes) -> Bytes:
    """Non-local means, 5×5 patches within 13×13, strength 0.6 of the estimated noise."""
    sigma = noise_sigma(pixels) / 255
    restored = _skimage("restoration").denoise_nl_means(
        pixels / 255,
        patch_size=5,
        patch_distance=6,
        h=max(0.6 * sigma, 1e-3),
        sigma=sigma,
        fast_mode=True,
        channel_axis=-1,
    )
    # For a single pixel it returns another shape.
    return _bytes(restored).reshape(pixels.shape)


def unsharp(pixels: Bytes) -> Bytes:
    """Unsharp masking, radius 2 pixels, amount 1."""
    # Not -1: scikit-image 0.26 would sharpen three rows and leave the rest unchanged.
    return _bytes(
        _skimage("filters").unsharp_mask(pixels / 255, radius=2, amount=1.0, channel_axis=2)
    )


FILTERS: dict[str, Filter] = {
    "none": none,
    "median": median,
    "adaptive-median": adaptive_median,
    "bilateral": bilateral,
    "nl-means": nl_means,
    "unsharp": unsharp,
}


def noise_sigma(pixels: Bytes) -> float:
    """Estimated standard deviation of Gaussian noise in grey levels, mean of the channels.

    The response of a Laplacian that ignores edges and ramps is treated as noise [1]_.

    .. [1] J. Immerkær, "Fast noise variance estimation", CVIU 1996, doi:10.1006/cviu.1996.0060
    """
    x = pixels.astype(np.float64)
    if min(x.shape[:2]) < 3:
        return 0.0
    across = x[:, :-2] - 2 * x[:, 1:-1] + x[:, 2:]
    both = across[:-2] - 2 * across[1:-1] + across[2:]
    return float(math.sqrt(math.pi / 2) / 6 * np.mean(np.abs(both)))


def _bytes(x: NDArray[np.floating]) -> Bytes:
    return np.clip(np.round(x * 255), 0, 255).astype(np.uint8)


def _scipy() -> Any:
    return _optional("scipy.ndimage")


def _skimage(module: str) -> Any:
    return _optional(f"skimage.{module}")


def _optional(module: str) -> Any:
    with needs_extra("a classic filter", "iqa", otherwise="or leave it out of --baseline"):
        return importlib.import_module(module)
