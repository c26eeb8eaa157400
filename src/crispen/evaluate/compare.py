"""Compares two pictures of one thing, and finds where they differ.

The smaller one is enlarged to the size of the other, and the factor is stated. PSNR and SSIM are
measured if there is a reference. `crispen.evaluate.sheet` and `crispen.evaluate.report.slider`
show it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crispen.errors import UsageError
from crispen.evaluate.metrics import literature_border, luma255, psnr, round8, ssim
from crispen.media.image import ImageLike, as_image
from crispen.media.resample import resize

Bytes = NDArray[np.uint8]
Method = Literal["bicubic", "nearest"]


@dataclass(frozen=True, eq=False, slots=True)
class Panel:
    """One of the pictures.

    Attributes:
        title: ``before``, ``after`` or ``reference``, and the file's name.
        note: How it was enlarged, PSNR and SSIM; may be empty.
        pixels: ``(height, width, 3)``, the same size in all panels.
    """

    title: str
    note: str
    pixels: Bytes


@dataclass(frozen=True, slots=True)
class Window:
    """A square worth a closer look, in pixels of the panels."""

    left: int
    top: int
    side: int

    def cut(self, pixels: Bytes) -> Bytes:
        """Its pixels."""
        return pixels[self.top : self.top + self.side, self.left : self.left + self.side]


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """What a sheet shows."""

    panels: tuple[Panel, ...]
    windows: tuple[Window, ...]


def compare(
    before: ImageLike,
    after: ImageLike,
    reference: ImageLike | None = None,
    *,
    method: Method = "bicubic",
    windows: int = 3,
    window_px: int = 36,
) -> Comparison:
    """Reads the pictures and makes them comparable.

    Args:
        before: A path, or whatever else `crispen.enhance` takes; enlarged to the size of `after`
            if it is smaller.
        after: The result; it sets the comparison's size.
        reference: What it should look like; at least as large as `after`.
        method: How `before` is enlarged.
        windows: How many places to magnify.
        window_px: Side of these squares; less if the picture is smaller.

    Raises:
        UsageError: The pictures do not show the same thing at these sizes.
    """
    first, second = as_image(before).as_rgb8(), as_image(after).as_rgb8()
    titles = [_title(role, x) for role, x in (("before", before), ("after", after))]
    height, width = second.shape[:2]
    note, factor = "", _factor(first, second, *titles)
    if first.shape != second.shape:
        first = resized(first, height, width, method)
        note = f"{method} {factor:.3g}×"
    panels = [Panel(titles[0], note, first), Panel(titles[1], "", second)]
    if reference is not None:
        title = _title("reference", reference)
        target = _reference(as_image(reference).as_rgb8(), title, height, width)
        border = literature_border(factor)
        panels = [
            Panel(p.title, _join(p.note, score(p.pixels, target, border)), p.pixels) for p in panels
        ]
        panels.append(Panel(title, "", target))
    side = min(window_px, height, width)
    return Comparison(tuple(panels), choose_windows(first, second, side, windows))


def resized(pixels: Bytes, height: int, width: int, method: Method) -> Bytes:
    """The picture at another size, channel by channel to spare memory."""
    channels = [
        resize(pixels[..., c], height, width, method=method) for c in range(pixels.shape[2])
    ]
    return np.stack(channels, axis=-1).astype(np.uint8)


def _title(role: str, x: ImageLike) -> str:
    """Its role, and its name if it is a file."""
    return f"{role}: {Path(x).name}" if isinstance(x, str | os.PathLike) else role


def _factor(first: Bytes, second: Bytes, before: str, after: str) -> float:
    (h1, w1), (h2, w2) = first.shape[:2], second.shape[:2]
    if h1 > h2 or w1 > w2:
        raise UsageError(
            f"{before} ({w1}x{h1}) is larger than {after} ({w2}x{h2}); "
            "give the small picture first, the enhanced one second"
        )
    # One pixel of rounding is not a change of shape.
    if abs(h2 * w1 - w2 * h1) > max(h1, w1) * max(h2 / h1, w2 / w1):
        raise UsageError(
            f"{before} ({w1}x{h1}) and {after} ({w2}x{h2}) differ in shape; "
            "compare two versions of one picture"
        )
    return float(w2 / w1)


def _reference(pixels: Bytes, title: str, height: int, width: int) -> Bytes:
    if pixels.shape[0] < height or pixels.shape[1] < width:
        raise UsageError(
            f"{title} ({pixels.shape[1]}x{pixels.shape[0]}) is smaller than the result "
            f"({width}x{height}); give a reference of the result's size"
        )
    # As with the literature's test sets, whose LR covers the top left of an odd-sized HR.
    return pixels[:height, :width]


def score(pixels: Bytes, reference: Bytes, border: int) -> str:
    """PSNR and SSIM for a label; empty if the picture is too small for PSNR."""
    image, target = round8(luma255(pixels)), luma255(reference)
    if min(image.shape) <= 2 * border:
        return ""
    label = f"{psnr(image, target, border=border):.2f} dB"
    if min(image.shape) - 2 * border < 11:
        return label
    return f"{label}, SSIM {ssim(image, target, border=border):.4f}"


def _join(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def choose_windows(first: Bytes, second: Bytes, side: int, count: int) -> tuple[Window, ...]:
    """The non-overlapping squares where two pictures differ most, largest difference first.

    For equal pictures, the squares with the most detail.

    Args:
        first: ``(height, width, 3)``.
        second: The same shape.
        side: A square's, in pixels.
        count: Maximum number.
    """
    a, b = first.sum(axis=2, dtype=np.int32), second.sum(axis=2, dtype=np.int32)
    energy = np.abs(a - b)
    if not energy.any():
        energy[:-1] += np.abs(np.diff(b, axis=0))
        energy[:, :-1] += np.abs(np.diff(b, axis=1))
    # Sums of all squares at once, from the integral image.
    total = np.zeros((energy.shape[0] + 1, energy.shape[1] + 1), np.int64)
    total[1:, 1:] = energy.cumsum(0, dtype=np.int64).cumsum(1)
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    chosen = []
    for _ in range(count):
        top, left = (int(i) for i in np.unravel_index(sums.argmax(), sums.shape))
        if sums[top, left] < 0:
            break
        chosen.append(Window(left, top, side))
        # At least half a side apart in one direction: neighbours would show the same edge.
        rim = side + side // 2
        sums[max(0, top - rim + 1) : top + rim, max(0, left - rim + 1) : left + rim] = -1
    return tuple(chosen)
