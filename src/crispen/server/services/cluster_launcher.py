"""Starts a server's workers as actors on the machines of a Ray cluster."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import threading
import time
from contextlib import ExitStack
from typing import Any

from crispen.cluster.connection import connected
from crispen.cluster.head import Head, HeadLost
from crispen.cluster.share import Share
from crispen.errors import UsageError
from crispen.jobs.worker_handle import WorkerHandle
from crispen.jobs.worker_process import WorkerSetup
from crispen.server.services.cluster_actor import CALLS, Hello, WorkerActor, actor_setup

log = logging.getLogger("crispen.jobs")

_TRY_EVERY_S = 10.0
_LOOK_S = 0.5


class ClusterLauncher:
    """Workers that are actors of Ray; as many as the cluster has room for.

    Args:
        address: Address of the cluster; see `crispen.cluster.connection.connected`.
        share: What each worker has of its machine.
    """

    def __init__(self, address: str, share: Share) -> None:
        self._address = address
        self._share = share
        self._stack = ExitStack()
        self._ray: Any = None
        self._make: Any = None
        self._head: Head | None = None
        self._tried = 0.0
        self._told = False
        self._actors: list[_Actor] = []

    def begin(self) -> None:
        """Connect to the cluster.

        Raises:
            UsageError: There is no cluster at that address.
            MissingExtra: Ray is not installed.
        """
        if self._ray is None:
            self._ray = self._stack.enter_context(connected(self._address))
            self._head = Head(self._ray, self._address)
            options = {**self._share.options, "max_concurrency": CALLS}
            self._make = self._ray.remote(WorkerActor).options(**options)

    def launch(self, setup: WorkerSetup) -> WorkerHandle:
        """A worker; it starts as soon as a machine has room for it."""
        self._actors = [one for one in self._actors if one.alive]
        self._actors.append(_Actor(self._ray, self._make.remote(actor_setup(setup))))
        return self._actors[-1]

    def room(self, wanted: int) -> int:
        """As many as the machines have room for, and one at least if any is wanted.

        That one makes a cluster grow that can. Without a head there is no room, until one answers
        again at the same address.
        """
        if self._head is None and not self._returned():
            return 0
        assert self._head is not None
        try:
            found = self._share.room(self._head.nodes())
        except HeadLost:
            self._leave()
            return 0
        if not found and not self._told:
            log.warning(
                "no machine of the cluster has %d processors for a worker; jobs wait until one "
                "joins, or give fewer --threads",
                self._share.cpus,
            )
            self._told = True
        return min(wanted, max(1, found))

    def _returned(self) -> bool:
        """Whether a head that was lost answers again, and is connected."""
        now = time.monotonic()
        if now - self._tried < _TRY_EVERY_S:
            return False
        self._tried = now
        try:
            self.begin()
        except UsageError:
            return False
        log.warning("the cluster at %s is back", self._address)
        return True

    def _leave(self) -> None:
        """Give up what ran on a cluster whose head is gone."""
        log.error("the head of the cluster at %s is gone; jobs wait for it", self._address)
        for one in self._actors:
            one.give_up()
        self._actors.clear()
        self.end()

    def fewest(self, wanted: int) -> int:
        """One, since other work can occupy machines, and machines come and go."""
        return min(wanted, 1)

    def end(self) -> None:
        """Disconnect; a Ray of this machine ends with it."""
        self._ray = self._head = None
        self._stack.close()


class _Actor(WorkerHandle):
    """An actor, and a thread that receives what it reports."""

    def __init__(self, ray: Any, actor: Any) -> None:
        ours, self._theirs = multiprocessing.Pipe()
        super().__init__(ours)
        self._ray = ray
        self._actor = actor
        self._hello: Hello | None = None
        self._fate = "ended"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="actor", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        return self._hello.pid if self._hello is not None else None

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    @property
    def ready(self) -> bool:
        return self._hello is not None and not self._hello.refusal and self.alive

    @property
    def fate(self) -> str:
        return self._fate

    @property
    def label(self) -> str:
        return f"{self.pid} on {self._hello.name}" if self._hello is not None else "of the cluster"

    def say(self, word: str) -> None:
        if self.ready:
            self._actor.say.remote(word)
        elif word == "stop":
            self.kill()

    def kill(self) -> None:
        with contextlib.suppress(Exception):  # the cluster itself has ended
            self._ray.kill(self._actor)

    def join(self, timeout_s: float | None = None) -> None:
        self._ended.wait(timeout_s)

    def give_up(self) -> None:
        """Take it for ended: nobody can tell what it does, and Ray is about to be left."""
        self._fate = "was lost with the cluster"
        self._ended.set()
        self._thread.join(4 * _LOOK_S)

    def _follow(self) -> None:
        """Receive what the actor reports until it has ended."""
        try:
            hello = self._get(self._actor.hello.remote())
            self._hello, self.began = hello, time.monotonic()
            if hello.refusal:
                log.error("machine %s %s; it gets no jobs", hello.name, hello.refusal)
                work = None
            else:
                work = self._actor.work.remote()
            while not self._receive():
                pass
            if work is not None:
                self._get(work)
            self._fate = "ended"
        except Exception as error:  # of Ray, or of what the worker raised
            if self.alive:
                self._fate = self._reason(error)
        finally:
            if self.alive:
                self.kill()
            self._ended.set()
            self._theirs.close()

    def _get(self, ref: Any) -> Any:
        """What the actor answers.

        Raises:
            InterruptedError: It was given up meanwhile.
        """
        while not self._ray.wait([ref], timeout=_LOOK_S)[0]:
            if not self.alive:
                raise InterruptedError
        return self._ray.get(ref)

    def _receive(self) -> bool:
        heard = self._get(self._actor.hear.remote())
        for line in heard.lines:
            log.error("worker %s: %s", self.label, line)
        for message in heard.messages:
            self._theirs.send(message)
        return bool(heard.ended)

    def _reason(self, error: Exception) -> str:
        from ray.exceptions import RayActorError, RayTaskError

        if isinstance(error, RayTaskError):
            log.error("worker %s: %s", self.label, error.cause)
            return f"ended with {type(error.cause).__name__}"
        if not isinstance(error, RayActorError):
            return f"cannot be reached ({type(error).__name__})"
        if self._hello is None:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return f"did not start ({lines[-1].strip()[:200]})"
        with contextlib.suppress(Exception):
            alive = {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}
            if self._hello.node not in alive or "node has died" in str(error):
                return "was lost with its machine"
        return "was ended, perhaps for lack of memory"
