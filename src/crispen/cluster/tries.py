"""How often a piece of work may kill its worker."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 3
# A machine can be lost for any reason, but a file that loses several is to blame.
MOST_NODES = 10


@dataclass(slots=True)
class Tries:
    """What a piece of work has cost so far.

    Attributes:
        processes: Processes that ended while they did it.
        nodes: Machines that were lost while they did it.

    >>> tries = Tries()
    >>> [tries.count(with_node=False) for _ in range(3)]
    [True, True, False]
    """

    processes: int = 0
    nodes: int = 0

    def count(self, *, with_node: bool) -> bool:
        """Count one more; whether it may be tried again."""
        if with_node:
            self.nodes += 1
        else:
            self.processes += 1
        return self.processes < MOST and self.nodes < MOST_NODES

    @property
    def text(self) -> str:
        """What happened, for the user."""
        if self.processes >= MOST:
            return (
                f"the process that worked on it ended {self.processes} times, such as for lack of "
                "memory; try it alone, with less --memory"
            )
        return f"the machine that worked on it was lost {self.nodes} times; try it alone"
