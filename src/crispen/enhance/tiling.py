"""Where windows lie: cut with their halo, of equal shape, kept only where they are exact.

A network with halo ``h`` computes a pixel from at most ``h`` pixels around it. A window that holds
those answers as the whole picture would, so the cores of overlapping windows put together equal
the whole, with no seam and no averaging. Windows at the picture's border are shifted inward rather
than made smaller, since engines compile once per shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crispen.errors import UsageError
from crispen.models.card import ModelCard

# Larger windows gain little: at a halo of 14, 2 megapixels overlap by 4 %.
_WINDOW_PX = 2_000_000
# Multiply-adds in one window, so that Ctrl-C, which waits for a window, is answered within a second
# on two busy cores (0.35 tera-multiply-adds a second in bf16 where nothing else runs).
_WINDOW_WORK = 1.5e11


@dataclass(frozen=True, slots=True)
class Span:
    """One window along one axis, half open.

    Attributes:
        start: First pixel of the window.
        stop: One past its last.
        core_start: First pixel that this window answers for.
        core_stop: One past the last of those.
    """

    start: int
    stop: int
    core_start: int
    core_stop: int


def spans(length: int, window: int, halo: int) -> list[Span]:
    """Windows of equal length whose cores part ``[0, length)``.

    Args:
        length: Pixels along the axis.
        window: Longest window; the least equal length that needs no more windows is used.
        halo: Pixels that must lie around a core wherever the picture goes on.

    >>> [(span.start, span.stop, span.core_start, span.core_stop) for span in spans(10, 6, 1)]
    [(0, 6, 0, 5), (4, 10, 5, 10)]
    """
    if length <= window:
        return [Span(0, length, 0, length)]
    if window <= 2 * halo:
        raise UsageError(
            f"tiles of {window} pixels leave nothing between halos of {halo}; "
            f"give --tile {2 * halo + 16} or more"
        )
    count = math.ceil((length - 2 * halo) / (window - 2 * halo))
    inner = math.ceil((length - 2 * halo) / count)
    size = inner + 2 * halo
    out = []
    for i in range(count):
        start = min(i * inner, length - size)
        core_start = i * inner + halo if i else 0
        core_stop = (i + 1) * inner + halo if i < count - 1 else length
        out.append(Span(start, start + size, core_start, core_stop))
    return out


def engine_bytes_per_px(card: ModelCard) -> float:
    """Memory an engine takes for one pixel of a window, estimated.

    A plain 3x3 stack of ``halo`` layers has about ``9 · halo · width²`` weights, which gives its
    width. An engine holds about three layers in 32 bits (two are alive at once, one is slack for
    layout changes), and the result of three channels four times over in 32 bits. Measured with
    OpenVINO this is an upper bound.
    """
    layers = card.halo or 8
    width = max(16.0, math.sqrt(card.parameters / (9.0 * max(1, layers))))
    return 12.0 * width + 48.0 * card.scale**2


def window_shape(
    width: int,
    height: int,
    card: ModelCard,
    *,
    halo: int,
    bytes_per_px: int,
    memory_bytes: int,
    tile_px: int | None = None,
) -> tuple[int, int]:
    """Rows and columns of the windows for one picture: the least overlap that memory allows.

    Besides the engine's share, a full-width band of windows is held: its input twice (the stream
    and the window), its output three times (being made, waiting, being written).

    Args:
        width: Columns of the picture.
        height: Rows of the picture.
        card: The network's card.
        halo: Overlap needed on each side.
        bytes_per_px: Channels times bytes a sample.
        memory_bytes: The budget.
        tile_px: Side of square windows, where the person wants to say it.
    """
    if tile_px is not None:
        if tile_px <= 2 * halo and tile_px < max(width, height):
            raise UsageError(
                f"--tile {tile_px} leaves nothing between halos of {halo} pixels; "
                f"give {2 * halo + 16} or more"
            )
        return min(tile_px, height), min(tile_px, width)
    area = min(
        _WINDOW_PX,
        _WINDOW_WORK / max(1, card.parameters),
        0.7 * memory_bytes / engine_bytes_per_px(card),
    )
    band_row = width * bytes_per_px * (2 + 3 * card.scale**2)
    band_rows = int(0.3 * memory_bytes / band_row)
    least = 2 * halo + max(16, halo)  # below this the halo costs more than the core
    best: tuple[float, int, int] | None = None
    for count in range(1, max(2, width // least + 1)):
        columns = min(width, math.ceil((width - 2 * halo) / count) + 2 * halo)
        rows = min(height, max(least, min(int(area / columns), band_rows)))
        down = len(spans(height, rows, halo))
        rows = min(height, math.ceil((height - 2 * halo) / down) + 2 * halo)
        cost = count * columns * down * rows / (width * height)
        # A window above the area is a last resort, for pictures too wide for any other.
        cost *= max(1.0, rows * columns / area) ** 2
        if best is None or cost < best[0] - 1e-9:
            best = (cost, rows, columns)
        if columns < 64 + 2 * halo:
            break
    assert best is not None
    return best[1], best[2]
