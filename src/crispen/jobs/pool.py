"""The workers of one server: started, watched, started again, stopped.

When a worker dies, its job goes back to the queue, and that counts as one of the job's tries. When
the whole server died, its workers ended with it, and their jobs go back without a count, since the
jobs were not the cause.

Two supervised loops do it. ``workers`` listens to workers and replaces dead ones; it never queries
the database. ``leases`` gives the jobs of dead and silent workers back, as soon as the database
allows it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import cast

from filelock import BaseFileLock

from crispen.engines.devices import usable_cores
from crispen.jobs.database import StoreError
from crispen.jobs.folder_lock import await_orphans, hold_folder
from crispen.jobs.job import Job
from crispen.jobs.job_folder import clean
from crispen.jobs.job_store import JobStore
from crispen.jobs.launcher import Launcher, LocalLauncher
from crispen.jobs.silence import SilenceWatch
from crispen.jobs.states import Status
from crispen.jobs.supervisor import Supervisor
from crispen.jobs.worker_handle import WorkerHandle
from crispen.jobs.worker_process import WorkerSetup, alive_file

log = logging.getLogger("crispen.jobs")

_LOOK_S = 0.5
_SLOW_S = 5.0


def share_threads(workers: int, threads: int | None, cores: int | None = None) -> int:
    """CPU threads of each worker, so that all of them together do not exceed the cores.

    >>> share_threads(3, None, 8), share_threads(2, 8, 8)
    (2, 4)
    """
    if cores is None:
        cores = usable_cores()
    most = max(1, cores // max(1, workers))
    return most if threads is None else min(threads, most)


class Pool:
    """Workers; `take`, `start` and `stop`, or use it in a ``with`` block.

    Args:
        setup: What each is started with.
        workers: How many; can be 0.
        store: The queue, for jobs of workers that died.
        supervisor: Runs the loops.
        changed: Called from a thread of the pool whenever a job may have changed.
        stop_s: Seconds that workers get to stop.
        died: Called for each worker that died.
        shared: Others use the queue and the folder at the same time, so that what runs may be
            theirs; what they hold goes back when they stop responding.
        launcher: Starts the workers; processes of this machine unless given.
    """

    def __init__(
        self,
        setup: WorkerSetup,
        workers: int,
        store: JobStore,
        *,
        supervisor: Supervisor | None = None,
        changed: Callable[[], None] = lambda: None,
        stop_s: float = 8.0,
        died: Callable[[], None] = lambda: None,
        shared: bool = False,
        launcher: Launcher | None = None,
    ) -> None:
        self._setup = setup
        self._wanted = workers
        self._store = store
        self._changed = changed
        self._died = died
        self._shared = shared
        self._stop_s = stop_s
        self._launcher = launcher or LocalLauncher()
        self._supervisor = supervisor or Supervisor()
        self._workers: list[WorkerHandle] = []
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._held: BaseFileLock | None = None
        self._dead: list[tuple[str, str]] = []
        self._silence = SilenceWatch(setup.lease_s, store.probe)
        self._fast_deaths = 0
        self._spawn_after = 0.0

    def __enter__(self) -> Pool:
        self.take()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def alive(self) -> int:
        """How many workers can take jobs."""
        with self._lock:
            return sum(one.ready for one in self._workers)

    @property
    def fewest(self) -> int:
        """How many of them must be alive for the server to be in order."""
        return self._launcher.fewest(self._wanted)

    @property
    def troubles(self) -> dict[str, str]:
        """Problems that live workers report."""
        with self._lock:
            return {
                f"worker {place}": one.trouble
                for place, one in enumerate(self._workers, 1)
                if one.trouble
            }

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        with self._lock:
            return [one.pid for one in self._workers if one.pid is not None]

    def hold(self) -> None:
        """Keep other servers off the folder.

        Raises:
            OutputError: Another server uses it.
        """
        if self._held is None and self._setup.lock is not None:
            self._held = hold_folder(self._setup.lock.with_suffix(".server"))

    def take(self) -> None:
        """Take over the folder, and put back what a dead server's workers held.

        Raises:
            OutputError: Another server uses the folder.
            CrispenError: There is nowhere to start workers.
        """
        self.hold()
        if self._wanted:
            self._launcher.begin()
        if self._shared:
            return
        if self._setup.lock is not None:
            await_orphans(self._setup.lock)
        for job in self._store.held():
            if self._store.release(job):
                log.warning("job %s was running when the server died; queued again", job.id)

    def start(self) -> None:
        """Start the workers; `take` comes first."""
        self._fill()
        self._threads = [
            self._supervisor.thread("workers", self._watch, self._ending),
            self._supervisor.thread("leases", self._give_back, self._ending, every_s=_LOOK_S),
        ]

    def wake(self) -> None:
        """Wake a worker: there is work."""
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
            one.join(max(0.0, until - time.monotonic()))
            if one.alive:
                one.kill()
                one.join()
            one.pipe.close()
        for thread in self._threads:
            thread.join()
        # The next server does the same if the database does not respond now.
        with contextlib.suppress(StoreError):
            for one in workers:
                for job in self._store.held(one.name) if one.name else ():
                    self._store.release(job)
        self.let_go()

    def let_go(self) -> None:
        """Give the folder to another server."""
        self._launcher.end()
        if self._held is not None:
            self._held.release()
            self._held = None

    def _watch(self) -> None:
        with self._lock:
            watched = {one.pipe: one for one in self._workers}
        self._hear(watched)
        self._bury_dead()
        self._fill()

    def _hear(self, watched: dict[Connection, WorkerHandle]) -> None:
        if not watched:
            self._ending.wait(_LOOK_S)
            return
        changed = False
        for pipe in wait(list(watched), timeout=_LOOK_S):
            # Not asserted: Windows has a class of its own for pipes.
            one = watched[cast("Connection", pipe)]
            try:
                word, value = one.pipe.recv()
            except (EOFError, OSError):
                self._ending.wait(0.02)  # it is dying; do not spin until it is dead
                continue
            one.heard = time.monotonic()
            match word:
                case "idle":
                    with self._lock:
                        one.rests()
                case "trouble":
                    one.trouble = value
                case "name":
                    one.name = value
                case _:
                    one.used = changed = True
        if changed:
            self._changed()

    def _bury_dead(self) -> None:
        with self._lock:
            dead = [one for one in self._workers if not one.alive]
            self._workers = [one for one in self._workers if one not in dead]
        for one in dead:
            one.join()
            reason = one.fate
            log.error("worker %s died: %s", one.label, reason)
            one.pipe.close()
            self._forget(one)
            self._died()
            if one.name:
                with self._lock:
                    self._dead.append((one.name, reason))
            # A worker that dies at once would otherwise be restarted forever.
            early = not one.used and time.monotonic() - one.began < _SLOW_S
            self._fast_deaths = self._fast_deaths + 1 if early else 0
            if self._fast_deaths > 2:
                self._spawn_after = time.monotonic() + _SLOW_S

    def _forget(self, one: WorkerHandle) -> None:
        if self._setup.lock is not None and one.pid is not None:
            with contextlib.suppress(OSError):
                alive_file(self._setup.lock, one.pid).unlink()

    def _fill(self) -> None:
        if time.monotonic() < self._spawn_after:
            return
        wanted = self._launcher.room(self._wanted)
        with self._lock:
            while len(self._workers) < wanted and not self._ending.is_set():
                self._workers.append(self._launcher.launch(self._setup))

    def _give_back(self) -> None:
        with self._lock:
            dead = list(self._dead)
        for name, reason in dead:
            for job in self._store.held(name):
                self._lose(job, f"its worker process {reason}")
            with self._lock:
                self._dead.remove((name, reason))
        running = self._store.held()
        for job in self._silence.look(running, time.monotonic()):
            with self._lock:
                own = next((one for one in self._workers if one.name == job.worker), None)
            if own is not None:
                if time.monotonic() - own.heard < self._setup.lease_s:
                    continue  # it reports that it cannot write, so it is alive
                # It hangs; `_bury_dead` and the next round do the rest.
                log.error("worker %s stopped responding; it is ended", own.label)
                own.kill()
            else:
                self._lose(job, "its worker stopped responding")

    def _lose(self, job: Job, reason: str) -> None:
        status = self._store.lose(job, reason)
        if status is None:
            return
        log.error("job %s (try %d): %s; %s", job.id, job.attempts, reason, status.value)
        if status is Status.FAILED:
            clean(self._setup.limits.jobs / job.id)
        self._changed()
        if status is Status.QUEUED:
            self.wake()
