"""What handing out work to a cluster costs one process, and what follows for many nodes."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crispen.cluster import pictures


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time that the coordinating process needs.

    Attributes:
        picture_s: For each picture.
        task_s: For each task.
    """

    picture_s: float
    task_s: float

    @classmethod
    def fitted(cls, found: Sequence[tuple[float, float]]) -> Cost:
        """The cost that fits measurements of pictures a task and seconds a picture."""
        parts = [1 / size for size, _ in found]
        slope, height = np.polyfit(parts, [seconds for _, seconds in found], 1)
        return cls(float(height), float(slope))


def simulate(
    nodes: int, files: int, work_s: float, overhead_s: float, cost: Cost
) -> tuple[float, float]:
    """Seconds for a batch, and the share during which the driver is busy.

    Every worker gets its next task while it runs one; the driver does one thing at a time.
    """
    size = pictures.task_size(work_s, nodes)
    left, driver, busy = files, 0.0, 0.0
    free = [0.0] * nodes
    events = [(0.0, n) for n in range(nodes) for _ in range(2)]
    heapq.heapify(events)
    end = 0.0
    while left and events:
        when, node = heapq.heappop(events)
        some = min(size, left)
        left -= some
        needed_s = some * cost.picture_s + cost.task_s
        driver = max(driver, when) + needed_s
        busy += needed_s
        free[node] = max(free[node], driver) + some * (work_s + overhead_s)
        end = max(end, free[node])
        heapq.heappush(events, (free[node], node))
    return end, busy / end
