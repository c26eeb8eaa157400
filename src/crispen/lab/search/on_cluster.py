"""A search whose trials are trained on the machines of a Ray cluster, as many as have room.

This process alone chooses values, hears of validations and writes Optuna's record. A trial is
trained in its run folder, which all machines see; if its machine is lost, another one continues it
from its last checkpoint.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import crispen
from crispen.cluster.connection import connected
from crispen.cluster.head import Head
from crispen.cluster.pool import Pool
from crispen.cluster.share import Share, share_of
from crispen.cluster.tries import MOST, Tries
from crispen.errors import CrispenError, InputError, TrainingError, UsageError
from crispen.lab.search.order import SearchOrder
from crispen.lab.search.outcome import SearchOutcome
from crispen.lab.search.pruning import Pruned
from crispen.lab.search.searching import JOURNAL, search
from crispen.lab.search.trial_worker import CALLS, Look, Trained, TrialSetup, TrialWorker
from crispen.lab.search.trials import Attempt, Trials
from crispen.progress import Progress
from crispen.progress import Task as Shown


def search_on_cluster(
    order: SearchOrder, progress: Progress | None = None, *, address: str
) -> SearchOutcome:
    """Trains the trials that are missing on a cluster; see `crispen.lab.search.searching.search`.

    The folder of the search, the current folder and the pictures must be seen by all machines under
    the same names.

    Args:
        order: What to search; `threads` is what each trial has, 1 unless given. A trial on
            ``cuda`` has a GPU; so it has with ``auto`` if the cluster has GPUs.
        progress: Notified of trials and steps; cancelling it saves the trials and stops.
        address: Of the cluster; see `crispen.cluster.connection.connected`.

    Raises:
        HeadLost: The head of the cluster no longer answers; the same call continues.
    """

    def train(trials: Trials, order: SearchOrder, progress: Progress) -> Generator[None]:
        return _trained(trials, order, progress, address)

    return search(order, progress, train)


def _trained(
    trials: Trials, order: SearchOrder, progress: Progress, address: str
) -> Generator[None]:
    if not trials.left:
        return
    with connected(address) as ray:
        head = Head(ray, address)
        share = _share(order, head.nodes())
        supply = _Supply(ray, trials, progress)
        pool = Pool(ray, TrialWorker, _setup(order, share), share, head, at_a_time=1, calls=CALLS)
        try:
            for _ in pool.run(supply):
                if progress.cancelled:
                    supply.stop()
                yield
            yield  # the last result was heard after the last yield
        finally:
            supply.close()
            pool.close()
    if supply.error is not None:
        raise supply.error
    progress.check()


def _share(order: SearchOrder, nodes: list[dict[str, Any]]) -> Share:
    """What each trial has: a GPU if it is to use one, or may and there are some."""
    share = share_of(order.device, order.threads, 0)
    some = any(node["Alive"] and node["Resources"].get("GPU", 0) >= 1 for node in nodes)
    return replace(share, gpus=1) if order.device == "auto" and some else share


def _setup(order: SearchOrder, share: Share) -> TrialSetup:
    return TrialSetup(
        crispen.__version__,
        (order.folder / JOURNAL).absolute(),
        Path.cwd(),
        tuple(sys.argv),
        # Each sees its own GPU only, which is then the first.
        "cuda" if share.gpus else order.device,
        share.cpus,
    )


class _Supply:
    """The trials as tasks; see `crispen.cluster.pool.Supply`.

    Attributes:
        error: What ended the search.
    """

    hurries = False

    def __init__(self, ray: Any, trials: Trials, progress: Progress) -> None:
        self.error: CrispenError | None = None
        self.trials = trials
        self.progress = Progress(progress.emit)  # cancelling is answered by `stop`
        self._ray = ray
        self._lost: deque[_TrialTask] = deque()
        self._tasks: set[_TrialTask] = set()
        self._stopping = False

    @property
    def finished(self) -> bool:
        return not self._tasks and (self._stopping or not self.most)

    @property
    def most(self) -> int:
        waiting = 0 if self._stopping else len(self._lost) + self.trials.left
        return len(self._tasks) + waiting

    def next(self, workers: int) -> _TrialTask | None:
        if self._stopping:
            return None
        if self._lost:
            task = self._lost.popleft()
        else:
            try:
                attempt = self.trials.next()
            except CrispenError as error:
                self.fail(error)
                return None
            if attempt is None:
                return None
            task = _TrialTask(self, attempt)
        self._tasks.add(task)
        return task

    def tick(self) -> None:
        """Hear of the trials."""
        looks = {task.look(stop=self._stopping): task for task in self._tasks}
        if not looks:
            return
        there, _ = self._ray.wait([*looks], num_returns=len(looks), timeout=0)
        for ref in there:
            looks[ref].seen(self._answer(ref))

    def _answer(self, ref: Any) -> Look | None:
        from ray.exceptions import RayError

        try:
            look: Look = self._ray.get(ref)
        except RayError:  # the pool hears that the worker has ended
            return None
        return look

    def ended(self, task: _TrialTask) -> None:
        """A trial is not trained any more."""
        self._tasks.discard(task)

    def again(self, task: _TrialTask) -> None:
        """A trial is to be continued by another worker."""
        self._tasks.discard(task)
        self._lost.append(task)

    def fail(self, error: CrispenError) -> None:
        """End the search; trials that are being trained save a checkpoint."""
        self.error = self.error or error
        self.stop()

    def stop(self) -> None:
        """Have the trials save a checkpoint and end, and begin none."""
        self._stopping = True

    def close(self) -> None:
        """Show no trial any more."""
        for task in self._tasks:
            task.hide()


class _TrialTask:
    """A trial, with one worker after another; see `crispen.cluster.pool.Task`."""

    def __init__(self, supply: _Supply, attempt: Attempt) -> None:
        self._supply = supply
        self._attempt = attempt
        self._tries = Tries()
        self._actor: Any = None
        self._look: Any = None
        self._answered: int | None = None
        self._shown: Shown | None = None
        self._step = 0

    def send(self, actor: Any) -> Any:
        self._actor, self._look, self._answered = actor, None, None
        return actor.train.remote(self._attempt.recipe, self._attempt.folder.absolute())

    def look(self, *, stop: bool) -> Any:
        """Ray's reference of what its worker says of it.

        Args:
            stop: Have it save a checkpoint and end.
        """
        if self._look is None:
            self._look = self._actor.look.remote(stop=stop)
        return self._look

    def seen(self, look: Look | None) -> None:
        """Show how far it is, and answer a validation.

        Args:
            look: What its worker said; None if it said nothing.
        """
        self._look = None
        if look is None:
            return
        self._show(look)
        asked = look.validation
        if asked is None or asked.step == self._answered:
            return
        self._answered = asked.step
        watch = self._attempt.watch
        try:
            watch.on_validation_end(asked.step, asked.steps, {watch.monitor: asked.value})
        except Pruned:
            self._actor.answer.remote(asked.step, prune=True)
        else:
            self._actor.answer.remote(asked.step, prune=False)

    def _show(self, look: Look) -> None:
        if look.steps is None:
            return
        if self._shown is None:
            name = f"trial {self._attempt.number} on {look.node}"
            self._shown = self._supply.progress.task(name, look.steps, "steps")
            self._shown.__enter__()
        if look.step != self._step:
            self._shown.advance(look.step - self._step)
            self._step = look.step

    def hide(self) -> None:
        """Show it no more."""
        if self._shown is not None:
            self._shown.__exit__(None, None, None)
            self._shown, self._step = None, 0

    def done(self, answer: Trained, node: str) -> None:
        self.hide()
        self._supply.ended(self)
        trials, trial = self._supply.trials, self._attempt.trial
        if answer.best is not None:
            trials.done(trial, answer.best)
        elif answer.pruned:
            trials.pruned(trial)

    def lost(self, *, blamed: bool, with_node: bool) -> None:
        if self._tries.count(with_node=with_node):
            self.hide()
            self._supply.again(self)
        else:
            self._failed(TrainingError(self._fate()))

    def broke(self, error: Exception) -> None:
        if isinstance(error, TrainingError | UsageError | InputError):
            self._failed(error)
        elif isinstance(error, CrispenError):  # such as a full disk
            self.hide()
            self._supply.ended(self)
            self._supply.fail(error)
        elif self._tries.count(with_node=False):  # such as a broken GPU
            self.hide()
            self._supply.again(self)
        else:
            self._failed(TrainingError(f"unexpected {type(error).__name__}: {error}"))

    def _failed(self, error: TrainingError | UsageError | InputError) -> None:
        self.hide()
        self._supply.ended(self)
        try:
            self._supply.trials.failed(self._attempt.trial, error)
        except CrispenError as raised:
            self._supply.fail(raised)

    def _fate(self) -> str:
        if self._tries.processes >= MOST:
            return (
                f"its process ended {self._tries.processes} times, such as for lack of memory; "
                "make data.batch or data.patch smaller"
            )
        return f"its machine was lost {self._tries.nodes} times"
