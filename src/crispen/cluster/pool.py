"""The workers of a batch or a search: as many as the cluster has room for, each with few tasks.

A worker of a batch is given its next task while it does one, and no more than that: so memory
stays flat however long the batch is, and little is lost with a worker. Its oldest task is what it
was doing when it ended; that one is blamed, and the other goes to another worker.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from crispen.cluster.head import Head, HeadLost
from crispen.cluster.hello import Hello
from crispen.cluster.share import Share
from crispen.errors import UsageError

_AT_A_TIME = 2
_TICK_S = 0.25
# How long the first worker may take to start on a busy machine.
_PATIENCE_S = 300.0
_MOST_FAILED_STARTS = 5


class Task(Protocol):
    """A piece of work."""

    def send(self, actor: Any) -> Any:
        """Send it to a worker; Ray's reference of the answer.

        Args:
            actor: Ray's handle of the worker.
        """

    def done(self, answer: Any, node: str) -> None:
        """It was done.

        Args:
            answer: What the worker said.
            node: The name of the machine.
        """

    def lost(self, *, blamed: bool, with_node: bool) -> None:
        """Its worker ended.

        Args:
            blamed: It was what the worker was doing.
            with_node: The whole machine was lost.
        """

    def broke(self, error: Exception) -> None:
        """The work raised an unexpected error."""


class Supply(Protocol):
    """The source of tasks."""

    @property
    def finished(self) -> bool:
        """Whether everything is done."""

    @property
    def hurries(self) -> bool:
        """Whether it may have tasks that it did not have at the last call."""

    @property
    def most(self) -> int:
        """How many workers could be busy at the same time."""

    def next(self, workers: int) -> Task | None:
        """A task, if there is one now.

        Args:
            workers: How many there are.
        """

    def tick(self) -> None:
        """Called several times a second."""


@dataclass(eq=False, slots=True)
class _Member:
    """A worker and its tasks; it is working on the first."""

    actor: Any
    hello: Any
    about: Hello | None = None
    tasks: deque[tuple[Any, Task]] = field(default_factory=deque)

    @property
    def ready(self) -> bool:
        return self.about is not None and not self.about.refusal


class Pool:
    """Workers on Ray; `close` ends them.

    Args:
        ray: The module, connected.
        worker: Class of the workers, made with `setup`; its method ``hello`` gives a `Hello`.
        setup: What each worker is given.
        share: What each has of its machine.
        head: Of the cluster.
        at_a_time: How many tasks a worker holds, with the one that it does.
        calls: How many methods of a worker can run at the same time.
    """

    def __init__(
        self,
        ray: Any,
        worker: type[Any],
        setup: object,
        share: Share,
        head: Head,
        *,
        at_a_time: int = _AT_A_TIME,
        calls: int = 1,
    ) -> None:
        self._ray = ray
        self._setup = ray.put(setup)
        self._share = share
        self._make = ray.remote(worker).options(**share.options, max_concurrency=calls)
        self._at_a_time = at_a_time
        self._members: list[_Member] = []
        self._head = head
        self._began = time.monotonic()
        self._started = 0
        self._failed_starts = 0
        self._refusals: dict[str, str] = {}

    def run(self, supply: Supply) -> Iterator[None]:
        """Run all tasks; yields several times a second.

        Raises:
            UsageError: No machine can do it.
            HeadLost: The cluster has no head any more.
        """
        while not supply.finished:
            try:
                self._grow(supply.most)
                self._hand_out(supply)
                if supply.finished:
                    return
                self._listen(0.0 if supply.hurries else _TICK_S)
            except HeadLost:
                self._members.clear()  # nobody could end them now
                raise
            supply.tick()
            yield

    def close(self) -> None:
        """End all workers."""
        for member in self._members:
            self._ray.kill(member.actor)
        self._members.clear()

    def _grow(self, most: int) -> None:
        wanted = self._share.room(self._head.nodes())
        self._check(time.monotonic())
        # One at least, which makes an autoscaling cluster grow.
        while len(self._members) < max(1, min(wanted, most + len(self._refusals))):
            actor = self._make.remote(self._setup)
            self._members.append(_Member(actor, actor.hello.remote()))

    def _check(self, now: float) -> None:
        if any(m.ready for m in self._members):
            return
        if self._refusals and len(self._refusals) >= len(self._members):
            reasons = "; ".join(f"{name} {why}" for name, why in self._refusals.items())
            raise UsageError(f"no machine of the cluster can do it: {reasons}")
        if not self._started and now - self._began > _PATIENCE_S:
            raise UsageError(
                f"no machine of the cluster has {self._share.text} free; give fewer --threads"
                f"{' or less --memory' if self._share.memory_bytes else ''}, or wait for other "
                "work to end"
            )

    def _hand_out(self, supply: Supply) -> None:
        ready = [m for m in self._members if m.ready]
        for depth in range(self._at_a_time):
            for member in ready:
                if len(member.tasks) == depth:
                    task = supply.next(len(ready))
                    if task is None:
                        return
                    member.tasks.append((task.send(member.actor), task))

    def _listen(self, timeout_s: float) -> None:
        waiting = {m.tasks[0][0] if m.tasks else m.hello: m for m in self._members if _waits(m)}
        if not waiting:
            time.sleep(timeout_s)
            return
        refs = [*waiting]
        some, _ = self._ray.wait(refs, num_returns=1, timeout=timeout_s)
        if some:
            some, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        for ref in some:
            self._hear(waiting[ref], ref)

    def _hear(self, member: _Member, ref: Any) -> None:
        from ray.exceptions import RayActorError, RayError

        try:
            answer = self._ray.get(ref)
        except RayActorError as error:
            self._bury(member, error)
            return
        except RayError as error:
            if member.tasks:
                member.tasks.popleft()[1].broke(getattr(error, "cause", None) or error)
            else:
                self._bury(member, error)
            return
        if member.about is None:
            member.about = answer
            self._started += 1
            if answer.refusal:
                self._refusals[answer.name] = answer.refusal
            return
        task = member.tasks.popleft()[1]
        task.done(answer, member.about.name)

    def _bury(self, member: _Member, error: Exception) -> None:
        self._members.remove(member)
        if member.about is None:
            self._failed_starts += 1
            if not self._started and self._failed_starts >= _MOST_FAILED_STARTS:
                lines = str(error).strip().splitlines() or [type(error).__name__]
                raise UsageError(
                    "no worker can be started; install Crispen on all machines of the cluster "
                    f"({lines[-1].strip()[:200]})"
                )
            return
        alive = {node["NodeID"] for node in self._head.nodes(fresh=True) if node["Alive"]}
        with_node = member.about.node not in alive or "node has died" in str(error)
        for number, (_, task) in enumerate(member.tasks):
            task.lost(blamed=number == 0, with_node=with_node)


def _waits(member: _Member) -> bool:
    return member.about is None or bool(member.tasks)
