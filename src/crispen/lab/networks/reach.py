"""Exact receptive fields by interval arithmetic, so that no halo is counted by hand.

Each step answers: on which input samples does the range ``lo … hi`` of its output depend? `halo`
walks a network's steps backwards for every phase of an output sample and takes the farthest input
sample. Skips need not be listed, since the path that they bypass reaches further.
"""

from __future__ import annotations

from collections.abc import Callable

Range = tuple[int, int]
Step = Callable[[int, int], Range]


def conv(kernel: int, stride: int = 1, padding: int | None = None) -> Step:
    """A convolution; padding is ``kernel // 2`` unless given. Pooling is one without padding."""
    pad = kernel // 2 if padding is None else padding
    return lambda lo, hi: (lo * stride - pad, hi * stride - pad + kernel - 1)


def pool(size: int = 2) -> Step:
    """Pooling of non-overlapping cells, or a pixel-unshuffle."""
    return conv(size, size, 0)


def spread(factor: int) -> Step:
    """Nearest-neighbour upsampling, or a sub-pixel shuffle."""
    return lambda lo, hi: (lo // factor, hi // factor)


def transposed(kernel: int, stride: int, padding: int) -> Step:
    """A transposed convolution: output ``o`` uses ``i`` if ``o = stride · i - padding + k``."""
    return lambda lo, hi: (-((kernel - 1 - padding - lo) // stride), (hi + padding) // stride)


def _interpolated(scale: int, before: int, after: int) -> Step:
    # The sample at or before the centre (o + 0.5) / scale - 0.5, in whole numbers.
    def floor(o: int) -> int:
        return (2 * o + 1 - scale) // (2 * scale)

    def exact(o: int) -> bool:
        return (2 * o + 1 - scale) % (2 * scale) == 0

    return lambda lo, hi: (
        floor(lo) - (0 if exact(lo) else before),
        floor(hi) + (0 if exact(hi) else after),
    )


def bilinear(scale: int) -> Step:
    """Bilinear upsampling, centres aligned as in MATLAB."""
    return _interpolated(scale, 0, 1)


def bicubic(scale: int) -> Step:
    """Keys' bicubic upsampling; a sample that falls on another copies it."""
    return _interpolated(scale, 1, 2)


def halo(*steps: Step, scale: int = 1, multiple: int = 1) -> int:
    """Input pixels around a pixel on which its output depends.

    Args:
        steps: From the input to the output.
        scale: Output pixels per input pixel, along one side.
        multiple: Period of the network's grid in input pixels.

    >>> halo(conv(9), conv(1), conv(5))
    6
    >>> halo(pool(), conv(3), spread(2), multiple=2)
    3
    """
    farthest = 0
    for pixel in range(multiple):
        for phase in range(scale):
            lo = hi = pixel * scale + phase
            for step in reversed(steps):
                lo, hi = step(lo, hi)
            farthest = max(farthest, pixel - lo, hi - pixel)
    return farthest
