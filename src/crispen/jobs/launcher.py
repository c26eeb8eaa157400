"""Starts the workers of a pool: processes of this machine, or what another launcher starts."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Protocol

from crispen.jobs.worker_handle import WorkerHandle
from crispen.jobs.worker_process import WorkerSetup, run


class Launcher(Protocol):
    """Where workers run."""

    def begin(self) -> None:
        """Get ready to start workers.

        Raises:
            CrispenError: There is nowhere to start them.
        """

    def launch(self, setup: WorkerSetup) -> WorkerHandle:
        """A worker that has been started, or will be as soon as there is room for it."""

    def room(self, wanted: int) -> int:
        """How many workers to have now.

        Args:
            wanted: How many there should be if nothing is in the way.
        """

    def fewest(self, wanted: int) -> int:
        """How many workers must be ready for the server to be in order.

        Args:
            wanted: How many there should be if nothing is in the way.
        """

    def end(self) -> None:
        """Give back what `begin` took; all workers have ended."""


class LocalLauncher:
    """Worker processes of this machine.

    They are started with ``spawn``, so that nothing of the server is in them.
    """

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")

    def begin(self) -> None:
        """Nothing to do."""

    def launch(self, setup: WorkerSetup) -> WorkerHandle:
        """A process that has been started."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=run, args=(setup, theirs), name="crispen worker", daemon=True
        )
        process.start()
        theirs.close()
        return _Local(process, ours)

    def room(self, wanted: int) -> int:
        """All of them."""
        return wanted

    def fewest(self, wanted: int) -> int:
        """All of them."""
        return wanted

    def end(self) -> None:
        """Nothing to do."""


class _Local(WorkerHandle):
    def __init__(self, process: SpawnProcess, pipe: Connection) -> None:
        super().__init__(pipe)
        self._process = process

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def ready(self) -> bool:
        return self.alive

    @property
    def fate(self) -> str:
        code = self._process.exitcode
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-code).name
                hint = ", perhaps for lack of memory" if name == "SIGKILL" else ""
                return f"was ended by {name}{hint}"
        return f"ended with code {code}"

    def say(self, word: str) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send(word)

    def kill(self) -> None:
        self._process.kill()

    def join(self, timeout_s: float | None = None) -> None:
        self._process.join(timeout_s)
