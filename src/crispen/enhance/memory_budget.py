"""The part of a memory budget that is left for tiles."""

from __future__ import annotations

import functools

# Measured maximum of Python, libvips, OpenVINO and a compiled network. Memory of the
# caller's own program is not counted.
_MOST_BYTES = 192 << 20
_LEAST_PART = 0.25
# Tiles were measured to take up to a tenth more than estimated.
_MARGIN = 0.85


@functools.cache
def _program_bytes() -> int:
    """Memory of the program before its first picture; later it keeps freed memory."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            resident = next(line for line in file if line.startswith("VmRSS:"))
        return min(int(resident.split()[1]) << 10, _MOST_BYTES)
    except (OSError, StopIteration):  # not Linux
        return _MOST_BYTES


def left_for_tiles(memory_bytes: int) -> int:
    """Bytes of a budget that tiles and bands may take; a quarter of it at least.

    Args:
        memory_bytes: Budget for all of the work, including the program.
    """
    left = _MARGIN * (memory_bytes - _program_bytes())
    return int(max(left, _LEAST_PART * memory_bytes))
