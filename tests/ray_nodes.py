"""A small Ray of several nodes on this machine, whose nodes can be lost."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

STORE_BYTES = 80 << 20


class Nodes:
    """A head that has no processors, and nodes of one each."""

    def __init__(self, count: int) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.outside = f"ray://127.0.0.1:{port}"
        self._started(num_cpus=0, include_dashboard=False, ray_client_server_port=port)
        self.nodes: list[Any] = []
        self.lost = 0
        for _ in range(count):
            self.add()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add(self) -> None:
        # By the main thread only: Ray's processes end with the thread that started them.
        self.nodes.append(self._started(num_cpus=1))

    def _started(self, **options: Any) -> Any:
        for _ in range(5):
            try:
                return self._cluster.add_node(
                    object_store_memory=STORE_BYTES, wait=False, **options
                )
            except Exception as error:  # Ray waits half a minute, whatever else the machine does
                if "timed out" not in str(error):
                    raise
        raise AssertionError("no node of Ray starts here")

    def lose(self, number: int = 0) -> None:
        """Kill a node and all that runs on it."""
        self.lost += 1
        node = self.nodes.pop(number)
        workers = self.workers(node)
        self._cluster.remove_node(node, allow_graceful=False)
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_head(self) -> None:
        """Kill the process that knows all nodes; they stay."""
        self._cluster.head_node.kill_gcs_server()

    @staticmethod
    def workers(node: Any) -> list[int]:
        """The processes that work on a node."""
        (raylet,) = node.all_processes["raylet"]
        return children(raylet.process.pid)

    def close(self) -> None:
        for node in self.nodes:
            for pid in self.workers(node):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._cluster.shutdown()


def children(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(p) for p in (task / "children").read_text().split()]
    return found


@contextmanager
def ray_nodes() -> Iterator[Nodes]:
    """Two nodes; the test is skipped without Ray."""
    # As `crispen.cluster.connection` does, which may import Ray later than this.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"
    pytest.importorskip("ray", reason="pip install 'crispen[cluster]'")
    nodes = Nodes(2)
    try:
        yield nodes
    finally:
        nodes.close()
        for _ in range(50):
            if not any("raylet" in name(p) for p in children(os.getpid())):
                break
            time.sleep(0.1)


def name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""
