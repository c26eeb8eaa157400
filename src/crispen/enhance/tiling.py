"""Positions of windows: cut with their halo, of equal shape, kept only where they are exact.

A network with halo ``h`` computes a pixel from at most ``h`` pixels around it. A window with
those pixels gives the same result as the whole picture, so the joined cores of overlapping windows
equal the whole, without seams or averaging. Windows at the picture's border are shifted inward
rather than made smaller, since engines compile once per shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crispen.errors import UsageError
from crispen.models.card import ModelCard

# Larger windows gain little: at a halo of 14, 2 megapixels overlap by 4 %.
_WINDOW_PX = 2_200_000
# Multiply-adds in one window: about a second on two cores (0.35 tera-multiply-adds a second in
# bf16), so that progress is reported that often. On CPUs, Ctrl-C does not wait for a window.
_WINDOW_WORK = 2.5e11


@dataclass(frozen=True, slots=True)
class Span:
    """One window along one axis, half open.

    Attributes:
        start: First pixel of the window.
        stop: One past its last.
        core_start: First pixel of the core, which is kept.
        core_stop: One past the core's last pixel.
    """

    start: int
    stop: int
    core_start: int
    core_stop: int


def spans(length: int, window: int, halo: int, multiple: int = 1) -> list[Span]:
    """Windows of equal length whose cores partition ``[0, length)``.

    Args:
        length: Pixels along the axis.
        window: Longest window; the shortest equal length with the same number of windows is used.
        halo: Pixels that must surround a core wherever the picture continues.
        multiple: Windows and their first pixels are multiples of this, so that a network that
            pools uses the same grid in every window. The last window is shorter if the picture is
            not a multiple.

    >>> [(span.start, span.stop, span.core_start, span.core_stop) for span in spans(10, 6, 1)]
    [(0, 6, 0, 5), (4, 10, 5, 10)]
    """
    if length <= window:
        return [Span(0, length, 0, length)]
    # Computed in units of the multiple, as if there were none.
    whole, units, margin = (math.ceil(length / multiple), window // multiple, halo // multiple)
    margin += halo % multiple > 0
    if units <= 2 * margin:
        raise UsageError(
            f"tiles of {window} pixels leave nothing between halos of {halo}; "
            f"give --tile {_least_tile(halo, multiple)} or more"
        )
    count = math.ceil((whole - 2 * margin) / (units - 2 * margin))
    inner = math.ceil((whole - 2 * margin) / count)
    size = inner + 2 * margin
    out = []
    for i in range(count):
        start = min(i * inner, whole - size)
        ends = (
            start,
            start + size,
            i * inner + margin if i else 0,
            (i + 1) * inner + margin if i < count - 1 else whole,
        )
        out.append(Span(*(min(length, end * multiple) for end in ends)))
    return out


def round_up(length: int, multiple: int) -> int:
    """The next multiple, from `length` on.

    >>> round_up(33, 4), round_up(32, 4)
    (36, 32)
    """
    return -(-length // multiple) * multiple


def _least_tile(halo: int, multiple: int) -> int:
    return 2 * round_up(halo, multiple) + round_up(16, multiple)


def window_shape(
    width: int,
    height: int,
    card: ModelCard,
    *,
    halo: int,
    bytes_per_px: int,
    engine_bytes_per_px: float,
    memory_bytes: int,
    tile_px: int | None = None,
) -> tuple[int, int]:
    """Rows and columns of the windows for one picture: the least overlap that memory allows.

    Besides the engine's memory, a full-width band of windows is held: its input twice (the stream
    and the window), its output three times (being made, waiting, being written).

    Args:
        width: Columns of the picture.
        height: Rows of the picture.
        card: The network's card.
        halo: Overlap needed on each side.
        bytes_per_px: Channels times bytes a sample.
        engine_bytes_per_px: Memory of the engine per pixel of a window.
        memory_bytes: The budget.
        tile_px: Side of square windows, if set by the user.
    """
    multiple = card.multiple
    if tile_px is not None:
        if tile_px < 2 * round_up(halo, multiple) + multiple and tile_px < max(width, height):
            raise UsageError(
                f"--tile {tile_px} leaves nothing between halos of {halo} pixels; "
                f"give {_least_tile(halo, multiple)} or more"
            )
        return min(tile_px, height), min(tile_px, width)
    halo = round_up(halo, multiple)
    area = min(
        _WINDOW_PX,
        _WINDOW_WORK / max(1, card.parameters),
        0.7 * memory_bytes / engine_bytes_per_px,
    )
    band_row = width * bytes_per_px * (2 + 3 * card.scale**2)
    band_rows = int(0.3 * memory_bytes / band_row)
    # Below this the halo costs more than the core.
    least = 2 * halo + round_up(max(16, halo), multiple)
    best: tuple[float, int, int] | None = None
    for count in range(1, max(2, width // least + 1)):
        columns = _side(width, count, halo, multiple)
        rows = min(height, max(least, min(int(area / columns), band_rows)))
        rows = _side(height, len(spans(height, rows, halo, multiple)), halo, multiple)
        down, across = spans(height, rows, halo, multiple), spans(width, columns, halo, multiple)
        cost = len(across) * columns * len(down) * rows / (width * height)
        # A window above the area is a last resort, for pictures too wide for any other.
        cost *= max(1.0, rows * columns / area) ** 2
        if best is None or cost < best[0] - 1e-9:
            best = (cost, rows, columns)
        if columns < 64 + 2 * halo:
            break
    assert best is not None
    return best[1], best[2]


def _side(length: int, count: int, halo: int, multiple: int) -> int:
    """How long `count` windows must be to hold `length` between them."""
    return min(length, round_up(math.ceil((length - 2 * halo) / count) + 2 * halo, multiple))
