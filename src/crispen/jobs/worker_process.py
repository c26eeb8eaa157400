"""A worker: claims jobs one after the other, reports its progress, and stops on request.

It is the only one of its process, and holds one end of a pipe.
Messages of the server: ``wake`` (there is work), ``stop`` (put the job back and end). Its
end of file means that the server died: the worker then ends at once, since the next server
gives its job to somebody else.

If the database does not respond, neither the worker nor its work ends: the job continues, and its
outcome is recorded as soon as the database responds again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from filelock import lock_descriptor

from crispen.errors import Cancelled, CrispenError
from crispen.jobs.error_texts import disk_is_full
from crispen.jobs.file_kinds import renamed
from crispen.jobs.job import Job
from crispen.jobs.job_facts import ProgressNow
from crispen.jobs.job_folder import SOURCE, clean
from crispen.jobs.job_store import JobStore
from crispen.jobs.states import Status
from crispen.jobs.supervisor import Supervisor
from crispen.jobs.worker import Worker, WorkerLimits
from crispen.progress import Event, Progress

log = logging.getLogger("crispen.jobs")

BEAT_S = 0.2
_IDLE_S = 1.0
# Pause between tries while the database does not respond; far below any lease.
_RETRY_S = 1.0
_STUCK_S = 10.0
_STUCK_EXIT = 70


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker process is started with; it must be picklable.

    Attributes:
        url: Of the queue's database.
        limits: How it works.
        lease_s: Seconds without a sign of life after which a job is taken back.
        max_job_s: Seconds after which a job is given up.
        lock: Begins the names of the files that living workers hold; None where several servers
            share the folder, since none of them takes it over.
    """

    url: str
    limits: WorkerLimits
    lease_s: float
    max_job_s: float
    lock: Path | None = None


def run(setup: WorkerSetup, pipe: Connection) -> None:
    """The whole life of a worker.

    Args:
        setup: What it is started with.
        pipe: To the server, or to what passes its messages on.
    """
    if _has_signals():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server handles Ctrl-C
    os.environ["OMP_NUM_THREADS"] = str(setup.limits.threads)
    os.environ["VIPS_CONCURRENCY"] = str(setup.limits.threads)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    with _alive(setup.lock) if setup.lock is not None else contextlib.nullcontext():
        store = JobStore(setup.url, prepare=False)
        _Life(setup, pipe, store).work()


def _has_signals() -> bool:
    """Only the main thread of a process can handle them; an actor's work has another one."""
    return threading.current_thread() is threading.main_thread()


def alive_file(lock: Path, pid: int) -> Path:
    """What a worker holds as long as it lives."""
    return lock.with_name(f"{lock.name}.{pid}")


@contextlib.contextmanager
def _alive(lock: Path) -> Iterator[None]:
    """Holds a file of its own, by which the next server sees that a worker of the last one lives.

    Never removed here: a file that exists but is not held shows that its worker has ended.
    """
    with alive_file(lock, os.getpid()).open("wb") as file:
        lock_descriptor(file.fileno(), blocking=False)
        yield


class _Life:
    def __init__(self, setup: WorkerSetup, pipe: Connection, store: JobStore) -> None:
        self._setup = setup
        self._pipe = pipe
        self._store = store
        self._worker = Worker(setup.limits)
        self._name = f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._stopping = False
        self._next: Job | None = None
        self._unsure = False
        self._trouble = ""
        self.supervisor = Supervisor(first_s=BEAT_S, most_s=_RETRY_S)
        if _has_signals():
            signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def work(self) -> None:
        """Runs jobs until it is stopped."""
        self._pipe.send(("name", self._name))
        try:
            while True:
                # Also between jobs, since an unread pipe fills up.
                self._listen(0)
                if self._stopping:
                    return
                if not self._until_done(self._claim):
                    return
                if self._next is not None:
                    self._do(self._next)
                else:
                    self._say("idle")
                    self._listen(_IDLE_S)
        finally:
            self._worker.close()
            self._store.close()

    def _claim(self) -> None:
        if self._unsure:  # a claim that failed may have been stored nevertheless
            for held in self._store.held(self._name):
                self._store.release(held)
        self._unsure = True
        self._next = self._store.claim(self._name, self._setup.lease_s)
        self._unsure = False

    def _until_done(self, step: Callable[[], object]) -> bool:
        """Try until the database does it; False if it was stopped before."""
        while True:
            pause = self.supervisor.attempt("queue", step)
            self.tell_trouble()
            if not pause:
                return True
            self._listen(pause)
            if self._stopping:
                return False

    def tell_trouble(self) -> None:
        """Keep the server informed of what is wrong here, or that it no longer is."""
        now = "; ".join(self.supervisor.troubles.values())
        if now or self._trouble:
            self._trouble = now
            self._say("trouble", now)

    def _listen(self, timeout_s: float) -> None:
        """Wait for a message from the server; this process ends with it."""
        try:
            if self._pipe.poll(timeout_s):
                while self._pipe.poll(0):
                    self._stopping |= self._pipe.recv() == "stop"
        except (EOFError, OSError):
            os._exit(0)

    def _tell(self) -> None:
        self._say("changed")

    def _say(self, word: str, value: str = "") -> None:
        # `_listen` notices when the server is gone.
        with contextlib.suppress(OSError):
            self._pipe.send((word, value))

    def _do(self, job: Job) -> None:
        self._tell()
        folder = self._setup.limits.jobs / job.id
        beats = _Beats(self, job)
        with beats:
            try:
                result, models = self._worker.do(job, beats.progress)
            except Cancelled:
                ending = beats.why or "released"
            except (CrispenError, OSError) as error:
                if disk_is_full(error):
                    ending = f"{job.name}: the server's disk is full; delete old jobs and try again"
                elif isinstance(error, CrispenError):
                    ending = renamed(error, folder / SOURCE, job.name)
                else:
                    ending = f"{job.name}: {error.strerror or error}"
            except MemoryError:
                ending = f"{job.name}: the server has not enough memory for it; try a smaller scale"
            except Exception as error:
                log.exception("job %s: unexpected", job.id)
                ending = (
                    f"{job.name}: unexpected {type(error).__name__}; "
                    f"the server's log has the details under {job.id}"
                )
            else:
                ending = ""

        def settle() -> None:
            if not ending:
                kept = self._store.finish(job, result, models)
            elif ending == "released":
                kept = self._store.release(job)
            elif ending == "lost":
                kept = False
                now = self._store.get(job.id)
                # If another worker has the job, these files are that worker's.
                if now is None or now.status is Status.CANCELLED:
                    clean(folder)
            else:
                clean(folder)
                kept = self._store.fail(job, ending)
            if not kept:
                log.info("job %s was taken back", job.id)

        if ending == "released":  # the next server releases it if this fails
            self.supervisor.attempt("queue", settle)
        else:
            self._until_done(settle)
        self._tell()


class _Beats:
    """A thread that renews the lease of a job, and stops the work once the lease is lost."""

    def __init__(self, life: _Life, job: Job) -> None:
        self._life = life
        self._job = job
        self._now: ProgressNow | None = None
        self._told: ProgressNow | None = None
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.progress = Progress(self._hear)
        self.why = ""

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _hear(self, event: Event) -> None:
        # The file is called "source" here; users know it by another name.
        what = event.what.removeprefix("enhancing ").replace(SOURCE, self._job.name)
        self._now = ProgressNow(
            what=f"enhancing {what}",
            done=event.done,
            total=event.total,
            unit=event.unit,
            rate=event.rate,
            left_s=event.left_s,
        )

    def _run(self) -> None:
        supervisor = self._life.supervisor
        supervisor.run("heartbeat", self._beat, self._ended, every_s=BEAT_S)
        supervisor.forget("heartbeat")

    def _beat(self) -> None:
        life, setup = self._life, self._life._setup
        life._listen(0)
        life.tell_trouble()
        if life._stopping:
            self._end("released")
        elif time.monotonic() - self._began > setup.max_job_s:
            self._end(f"{self._job.name}: not done after {setup.max_job_s:,.0f} seconds; given up")
        elif not life._store.beat(self._job, setup.lease_s, self._now):
            self._end("lost")
        elif self._now != self._told:
            self._told = self._now
            life._tell()

    def _end(self, why: str) -> None:
        self.why = why
        self.progress.cancel()
        if not self._ended.wait(_STUCK_S):
            # A decoder hangs; the next process starts without it.
            os._exit(_STUCK_EXIT)
        # The working thread does the rest.
