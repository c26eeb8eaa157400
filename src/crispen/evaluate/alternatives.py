"""All sensible ways to enhance one picture, side by side, for ``crispen enhance --try``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crispen.enhance.chain import Lineup
from crispen.enhance.choice import choose, is_damaged
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.request import Request
from crispen.enhance.source import damage_in
from crispen.enhance.target import Target
from crispen.errors import UsageError
from crispen.evaluate.compare import Window, choose_windows
from crispen.evaluate.grid import make_grid
from crispen.media.image import Image, read_image
from crispen.media.resample import resize
from crispen.models.athand import AtHand
from crispen.models.dials import Dials
from crispen.progress import Progress

Bytes = NDArray[np.uint8]
# Places shown: how many, their side in pixels of the picture, and the context around them that
# networks need.
_PLACES, _SIDE, _RIM = 3, 112, 40
_LARGEST = 4
_SHOWN_PX = 336


def ways(damage: Dials) -> dict[str, Request]:
    """Requests by their command-line options.

    Args:
        damage: How degraded the picture is; if it is, less and more repair are offered.
    """
    found = {"as it comes": Request(), "--as-is": Request(as_is=True)}
    if is_damaged(damage):
        for factor, more in ((0.5, 0.0), (1.0, 0.25)):
            amounts = [min(1.0, round((v or 0.0) * factor + more, 2)) for v in damage.values]
            noise, compression, blur = amounts
            label = f"--denoise {noise:g} --dejpeg {compression:g} --deblur {blur:g}"
            found[label] = Request(denoise=noise, dejpeg=compression, deblur=blur)
    for vivid in (0.5, 1.0):
        found[f"--vivid {vivid:g}"] = Request(vivid=vivid)
    return found


def make_choices(
    source: Path, *, scale: float | None = None, progress: Progress | None = None
) -> Bytes:
    """A sheet of crops: a row for each way, a column for each place.

    Args:
        source: A picture file.
        scale: How many times larger, at most 4; 2 by default.
        progress: Receives events; can cancel.

    Returns:
        ``(height, width, 3)``.

    Raises:
        InputError: It cannot be read.
        UsageError: The scale does not enlarge.
    """
    factor = 2.0 if scale is None else min(float(scale), _LARGEST)
    if factor < 1:
        raise UsageError("--try shows ways to enlarge; give a --scale of 1 or more")
    pixels = read_image(source).as_rgb8()
    damage = damage_in(pixels, source)
    side = min(_SIDE, *pixels.shape[:2])
    places = choose_windows(pixels, pixels, side, _PLACES)
    at_hand = AtHand()
    rows = [_row("before, bicubic", [_shown(place.cut(pixels)) for place in places])]
    chosen = ways(damage)
    with (progress or Progress()).task("ways", len(chosen), "ways") as task:
        for label, request in chosen.items():
            choice = choose(request, Lineup(None, at_hand=at_hand), at_hand, factor, damage)
            with Enhancer(choice.models, dials=choice.dials) as enhancer:
                crops = [_enhanced(enhancer, pixels, place, factor) for place in places]
            rows.append(_row(f"{label}: {', '.join(choice.models)}", crops))
            task.advance(1)
    return make_grid(rows)


def _row(label: str, crops: list[Bytes]) -> list[tuple[str, Bytes]]:
    """The label may be as long as the row."""
    return [(label, crops[0]), *(("", crop) for crop in crops[1:])]


def _enhanced(enhancer: Enhancer, pixels: Bytes, place: Window, factor: float) -> Bytes:
    top, left = max(0, place.top - _RIM), max(0, place.left - _RIM)
    part = pixels[top : place.top + place.side + _RIM, left : place.left + place.side + _RIM]
    large = enhancer.enhance(Image(np.ascontiguousarray(part)), Target(scale=factor)).as_rgb8()
    first, begin = round((place.top - top) * factor), round((place.left - left) * factor)
    extent = round(place.side * factor)
    crop = large[first : first + extent, begin : begin + extent]
    return _shown(crop)


def _shown(crop: Bytes) -> Bytes:
    return resize(crop, _SHOWN_PX, _SHOWN_PX).astype(np.uint8)
