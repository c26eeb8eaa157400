"""What runs on a machine of a cluster: one worker of a server, in an actor of Ray.

The worker is the one of `crispen.jobs.worker_process`. Its pipe ends in the same actor, which
passes the messages on, so no machine of the cluster has to open a connection to the server.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import queue
import socket
import threading
from dataclasses import dataclass

import crispen
from crispen.cluster.hello import other_version
from crispen.jobs.ownership import folder_mark
from crispen.jobs.worker_process import WorkerSetup, run

_HEAR_S = 1.0
# Calls that can run at the same time: the work, one that listens, one that speaks.
CALLS = 3


@dataclass(frozen=True, slots=True)
class ActorSetup:
    """What an actor is made with.

    Attributes:
        version: Version of the server.
        worker: What its worker is started with.
        mark: Mark of the server's folder; see `crispen.jobs.ownership`.
        models: Folder of added models, if the server's environment names one.
    """

    version: str
    worker: WorkerSetup
    mark: str
    models: str | None


@dataclass(frozen=True, slots=True)
class Hello:
    """An actor's first report.

    Attributes:
        pid: Number of its process.
        node: Ray's number of its machine.
        name: Name of the machine for people.
        refusal: Why it cannot work, if it cannot.
    """

    pid: int
    node: str
    name: str
    refusal: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What an actor has to report.

    Attributes:
        messages: Those of the worker, each a word and a value.
        lines: Lines for the server's log.
        ended: The worker has ended; nothing comes after this.
    """

    messages: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    ended: bool


class WorkerActor:
    """An actor, once Ray has made it one; it must allow `CALLS` calls at the same time.

    Args:
        setup: What it is made with.
    """

    def __init__(self, setup: ActorSetup) -> None:
        self._setup = setup
        self._ours, self._theirs = multiprocessing.Pipe()
        self._speaking = threading.Lock()
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def hello(self) -> Hello:
        """Where it is, and whether it can work."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        return Hello(os.getpid(), node, f"{socket.gethostname()}/{node[:6]}", refusal(self._setup))

    def work(self) -> None:
        """Run the worker until it is stopped."""
        if self._setup.models is not None:
            os.environ["CRISPEN_MODELS"] = self._setup.models
        # The log of this process is a file of Ray's on this machine, where nobody looks.
        root, relay = logging.getLogger(), _Relay(self._lines)
        root.addHandler(relay)
        try:
            run(self._setup.worker, self._theirs)
        finally:
            root.removeHandler(relay)
            self._theirs.close()

    def hear(self) -> Heard:
        """What there is to report; waits a second for it."""
        messages: list[tuple[str, str]] = []
        ended = False
        try:
            if self._ours.poll(_HEAR_S):
                while self._ours.poll(0):
                    messages.append(self._ours.recv())
        except (EOFError, OSError):
            ended = True
        lines = []
        with contextlib.suppress(queue.Empty):
            while True:
                lines.append(self._lines.get_nowait())
        return Heard(tuple(messages), tuple(lines), ended)

    def say(self, word: str) -> None:
        """Pass a message of the server to the worker."""
        with self._speaking, contextlib.suppress(OSError):
            self._ours.send(word)


def refusal(setup: ActorSetup) -> str:
    """Why this machine cannot work for a server; empty if it can.

    Args:
        setup: What its actor is made with.
    """
    folder = setup.worker.limits.jobs.parent
    if other := other_version(setup.version):
        return other
    if folder_mark(folder) != setup.mark:
        return f"does not see the server's {folder}; use a folder that all machines share"
    return ""


class _Relay(logging.Handler):
    """Passes log records on as lines."""

    def __init__(self, lines: queue.SimpleQueue[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put(self.format(record))


def actor_setup(worker: WorkerSetup) -> ActorSetup:
    """What the actors of this server are made with.

    Args:
        worker: What their workers are started with.
    """
    mark = folder_mark(worker.limits.jobs.parent)
    return ActorSetup(crispen.__version__, worker, mark, os.environ.get("CRISPEN_MODELS"))
