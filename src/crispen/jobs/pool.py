"""The worker processes of one server: started, watched, started again, stopped.

A worker that dies gives its job back, which counts as one of the job's tries. When the whole
server died, its workers ended with it, and what they held goes back without a count: that was not
the job's doing.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import IO

from crispen.errors import OutputError
from crispen.jobs.states import Status
from crispen.jobs.store import JobStore
from crispen.jobs.work import clean
from crispen.jobs.worker import Orders, run

log = logging.getLogger("crispen.jobs")

_LOOK_S = 0.5
_SLOW_S = 5.0
_ORPHANS_S = 15.0


def share_threads(workers: int, threads: int | None, cores: int | None = None) -> int:
    """CPU threads of each worker, so that all of them together do not exceed the cores.

    >>> share_threads(3, None, 8), share_threads(2, 8, 8)
    (2, 4)
    """
    if cores is None:
        has_mask = hasattr(os, "sched_getaffinity")
        cores = len(os.sched_getaffinity(0)) if has_mask else os.cpu_count() or 1
    most = max(1, cores // max(1, workers))
    return most if threads is None else min(threads, most)


class _One:
    """A worker process and our end of its pipe."""

    def __init__(self, process: SpawnProcess, pipe: Connection) -> None:
        self.process = process
        self.pipe = pipe
        self.name = ""
        self.began = time.monotonic()
        self._idle = False
        self._wanted = False

    def say(self, word: str) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send(word)

    def wake(self) -> None:
        """Wake it if it sleeps, or as soon as it would: never two words on their way.

        A worker that is busy does not read, and whoever writes into a full pipe waits.
        """
        if self._idle:
            self._idle = False
            self.say("wake")
        else:
            self._wanted = True

    def rests(self) -> None:
        """It found nothing to do."""
        self._idle = True
        if self._wanted:
            self._wanted = False
            self.wake()


class Pool:
    """Worker processes; `take`, `start` and `stop`, or use it in a ``with`` block.

    Args:
        orders: What each is started with.
        workers: How many; none is fine.
        store: The queue, for jobs of workers that died.
        changed: Called from a thread of the pool whenever a job may have changed.
        stop_s: Seconds that workers get to stop.
        died: Called for each worker that died.
    """

    def __init__(
        self,
        orders: Orders,
        workers: int,
        store: JobStore,
        *,
        changed: Callable[[], None] = lambda: None,
        stop_s: float = 8.0,
        died: Callable[[], None] = lambda: None,
    ) -> None:
        self._orders = orders
        self._wanted = workers
        self._store = store
        self._changed = changed
        self._died = died
        self._stop_s = stop_s
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_One] = []
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pool", daemon=True)
        self._held: IO[bytes] | None = None
        self._fast_deaths = 0

    def __enter__(self) -> Pool:
        self.take()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def alive(self) -> int:
        """How many workers there are."""
        with self._lock:
            return sum(one.process.is_alive() for one in self._workers)

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        with self._lock:
            return [one.process.pid for one in self._workers if one.process.pid is not None]

    def take(self) -> None:
        """Take over the folder, and put back what a dead server's workers held.

        Raises:
            OutputError: Another server uses the folder.
        """
        self._held = _take(self._orders.lock.with_suffix(".server"))
        _await_orphans(self._orders.lock)
        for job in self._store.held():
            if self._store.release(job):
                log.warning("job %s was running when the server died; queued again", job.id)

    def start(self) -> None:
        """Start the workers; `take` comes first."""
        with self._lock:
            for _ in range(self._wanted):
                self._workers.append(self._spawn())
        self._thread.start()

    def wake(self) -> None:
        """There is work."""
        with self._lock:
            for one in self._workers:
                one.wake()

    def stop(self) -> None:
        """Let workers put their jobs back and end; kill those that do not."""
        self._ending.set()
        with self._lock:
            workers, self._workers = self._workers, []
        for one in workers:
            one.say("stop")
        until = time.monotonic() + self._stop_s
        for one in workers:
            one.process.join(max(0.0, until - time.monotonic()))
            if one.process.is_alive():
                one.process.kill()
                one.process.join()
            one.pipe.close()
        if self._thread.is_alive():
            self._thread.join()
        for one in workers:
            for job in self._store.held(one.name) if one.name else ():
                self._store.release(job)
        if self._held is not None:
            self._held.close()

    def _spawn(self) -> _One:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=run, args=(self._orders, theirs), name="crispen worker", daemon=True
        )
        process.start()
        theirs.close()
        return _One(process, ours)

    def _watch(self) -> None:
        looked = 0.0
        while not self._ending.is_set():
            with self._lock:
                watched = {one.pipe: one for one in self._workers}
            self._hear(watched)
            if time.monotonic() - looked > _LOOK_S:
                looked = time.monotonic()
                self._replace_dead()
                self._take_back_silent()

    def _hear(self, watched: dict[Connection, _One]) -> None:
        if not watched:
            self._ending.wait(_LOOK_S)
            return
        changed = False
        for pipe in wait(list(watched), timeout=_LOOK_S):
            assert isinstance(pipe, Connection)
            try:
                word, value = pipe.recv()
            except (EOFError, OSError):
                self._ending.wait(0.02)  # it is dying; do not spin until it is dead
                continue
            if word == "idle":
                with self._lock:
                    watched[pipe].rests()
                continue
            if word == "name":
                watched[pipe].name = value
            changed = True
        if changed:
            self._changed()

    def _replace_dead(self) -> None:
        with self._lock:
            dead = [one for one in self._workers if not one.process.is_alive()]
        for one in dead:
            self._bury(one)
            with self._lock:
                if self._ending.is_set():
                    return
                self._workers.remove(one)
                self._workers.append(self._spawn())

    def _bury(self, one: _One) -> None:
        one.process.join()
        reason = _reason(one.process.exitcode)
        log.error("worker %s died: %s", one.process.pid, reason)
        one.pipe.close()
        self._died()
        held = self._store.held(one.name) if one.name else ()
        for job in held:
            status = self._store.lose(job, f"its worker process {reason}")
            if status is Status.FAILED:
                clean(self._orders.bench.jobs / job.id)
            log.error("job %s lost its worker (try %d): %s", job.id, job.attempts, status)
        self._changed()
        # One that dies before it does anything would be started without end.
        early = not held and time.monotonic() - one.began < _SLOW_S
        self._fast_deaths = self._fast_deaths + 1 if early else 0
        if self._fast_deaths > 2:
            self._ending.wait(_SLOW_S)

    def _take_back_silent(self) -> None:
        """Jobs of workers of other machines, or of ones that hang."""
        for job in self._store.silent():
            status = self._store.lose(job, "its worker was not heard of any more")
            if status is not None:
                log.error("job %s: its worker is silent; %s", job.id, status.value)
                self._changed()
                if status is Status.QUEUED:
                    self.wake()


def _reason(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            hint = ", perhaps for want of memory" if name == "SIGKILL" else ""
            return f"was ended by {name}{hint}"
    return f"ended with code {code}"


def _take(path: Path) -> IO[bytes] | None:
    """Holds a folder for this server alone, as long as the file is open."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise OutputError(
            f"{path.parent}: another server uses this folder; stop it or choose another --folder"
        ) from error
    return file


def _await_orphans(path: Path) -> None:
    """Waits until the workers of a server that died have noticed, so that no job has two."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    until = time.monotonic() + _ORPHANS_S
    with path.open("wb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                if time.monotonic() > until:
                    log.warning("workers of an earlier server are still alive")
                    return
                time.sleep(0.05)
