"""How much memory is free: a set that fits is held in memory, a larger one is streamed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from crispen.evaluate.peak_memory import bytes_said

if TYPE_CHECKING:
    import torch

SHARE = 0.5
"""Share of the free memory that a set may use."""

_CGROUP = Path("/sys/fs/cgroup")


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _status(key: str) -> int:
    return bytes_said(Path("/proc/self/status").read_text(), key) or 0


def _available() -> int:
    if Path("/proc/meminfo").is_file():
        said = bytes_said(Path("/proc/meminfo").read_text(), "MemAvailable")
        if said is not None:
            return said
    if sys.platform == "win32":
        # Windows needs a call that Python lacks; a set is then streamed from 4 GB on.
        return 8 << 30
    # macOS counts its caches as used, so half of all memory is treated as free.
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _limits() -> list[int]:
    """The memory left by the limits of this process and its control group."""
    left = []
    if sys.platform == "linux":
        import resource

        for limit, used in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
            soft = resource.getrlimit(limit)[0]
            if soft != resource.RLIM_INFINITY:
                left.append(soft - _status(used))
        most, now = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
        if most is not None and now is not None:
            left.append(most - now)
    return left


def free_bytes(device: torch.device) -> int:
    """Memory still available on a device: the minimum over the device and all limits."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    return max(0, min(_available(), *_limits(), 1 << 62))
