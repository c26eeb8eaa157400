"""What each worker has of a machine of a cluster, and how many workers that leaves room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Share:
    """What each worker has for itself.

    Attributes:
        cpus: Number of processors.
        memory_bytes: Memory that is kept free for it.
        gpus: Number of GPUs; can be a fraction.
    """

    cpus: int
    memory_bytes: int
    gpus: float = 0

    @property
    def options(self) -> dict[str, Any]:
        """The same for an actor; one that ends is not started again by Ray."""
        return {
            "num_cpus": self.cpus,
            "num_gpus": self.gpus,
            "memory": self.memory_bytes,
            "max_restarts": 0,
            "scheduling_strategy": "SPREAD",
        }

    @property
    def text(self) -> str:
        """The same for display.

        >>> Share(4, 0, 1).text
        '4 processors and a GPU'
        """
        parts = [f"{self.cpus} processor{'s' if self.cpus > 1 else ''}"]
        parts += ["a GPU"] if self.gpus else []
        parts += ["enough memory"] if self.memory_bytes else []
        return " and ".join(parts)

    def room(self, nodes: list[dict[str, Any]]) -> int:
        """How many workers the machines could have, if nothing else ran on them.

        Args:
            nodes: The machines, as ``ray.nodes()`` describes them.
        """
        return sum(self._on(node["Resources"]) for node in nodes if node["Alive"])

    def _on(self, resources: dict[str, float]) -> int:
        count = int(resources.get("CPU", 0) // self.cpus)
        return min(count, int(resources.get("GPU", 0) // self.gpus)) if self.gpus else count


def share_of(device: str, threads: int | None, memory_bytes: int) -> Share:
    """The share of a worker.

    Args:
        device: What its networks run on.
        threads: Its CPU threads; 1 unless given.
        memory_bytes: Its memory.
    """
    return Share(threads or 1, memory_bytes, 1 if device.startswith("cuda") else 0)
