"""One supervisor for every background loop of a process: it logs, waits and tries again.

A loop is a function that does one round. A round that raises does not end its loop: the supervisor
logs the error once, waits a little longer after each further failure, and runs the next round.
The first round that succeeds ends the trouble. Meanwhile `Supervisor.troubles` names the loop, and
`/health` answers 503.

The back-off is ten lines, and no retry library knows of loops that never end, of threads and
tasks alike, and of what to report meanwhile; so it is written here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crispen.errors import CrispenError

log = logging.getLogger("crispen.jobs")


@dataclass(slots=True)
class _Loop:
    """How one loop is doing."""

    failures: int = 0
    reason: str = ""
    since: float = 0.0
    round_began: float | None = None
    stalled_s: float | None = None


class Supervisor:
    """Runs rounds of loops and remembers which of them fail.

    Args:
        first_s: Seconds before the first new try after a failure; doubled after each further one.
        most_s: Most seconds between two tries.
        stalled_s: Seconds after which a round that has not ended counts as trouble.
    """

    def __init__(
        self, *, first_s: float = 0.25, most_s: float = 5.0, stalled_s: float = 20.0
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._stalled_s = stalled_s
        self._loops: dict[str, _Loop] = {}
        self._lock = threading.Lock()

    @property
    def troubles(self) -> dict[str, str]:
        """The loops that fail or hang now, each with the reason; empty if all is well."""
        now = time.monotonic()
        found = {}
        with self._lock:
            for name, loop in self._loops.items():
                if loop.failures:
                    found[name] = loop.reason
                elif (
                    loop.round_began is not None
                    and loop.stalled_s is not None
                    and now - loop.round_began > loop.stalled_s
                ):
                    found[name] = f"has not answered for {now - loop.round_began:.0f} s"
        return found

    def attempt(self, name: str, step: Callable[[], object], *, slow: bool = False) -> float:
        """Run one round in this thread.

        Args:
            name: Of the loop.
            step: The round.
            slow: A round may take any time, and never counts as stalled.

        Returns:
            Seconds to wait before the next try; 0.0 after a success.
        """
        loop = self._loop(name, slow)
        try:
            with self._round(loop):
                step()
        except Exception as error:
            return self._failed(name, loop, error)
        self._well(name, loop)
        return 0.0

    def run(
        self,
        name: str,
        step: Callable[[], object],
        ending: threading.Event,
        *,
        every_s: float = 0.0,
    ) -> None:
        """Run a loop in this thread until `ending` is set."""
        while not ending.is_set():
            ending.wait(self.attempt(name, step) or every_s)

    def thread(
        self,
        name: str,
        step: Callable[[], object],
        ending: threading.Event,
        *,
        every_s: float = 0.0,
    ) -> threading.Thread:
        """A started thread that does what `run` does."""
        thread = threading.Thread(
            target=self.run,
            args=(name, step, ending),
            kwargs={"every_s": every_s},
            name=name,
            daemon=True,
        )
        thread.start()
        return thread

    async def watch(
        self,
        name: str,
        step: Callable[[], Awaitable[object]],
        *,
        every_s: float = 0.0,
        slow: bool = False,
    ) -> None:
        """Run a loop of coroutines until the task is cancelled."""
        loop = self._loop(name, slow)
        while True:
            pause = every_s
            try:
                with self._round(loop):
                    await step()
            except Exception as error:
                pause = self._failed(name, loop, error)
            else:
                self._well(name, loop)
            await asyncio.sleep(pause)

    def forget(self, name: str) -> None:
        """A loop has ended; its problems no longer matter."""
        with self._lock:
            self._loops.pop(name, None)

    def _loop(self, name: str, slow: bool) -> _Loop:
        with self._lock:
            loop = self._loops.setdefault(name, _Loop())
            loop.stalled_s = None if slow else self._stalled_s
            return loop

    @contextmanager
    def _round(self, loop: _Loop) -> Iterator[None]:
        loop.round_began = time.monotonic()
        try:
            yield
        finally:
            loop.round_began = None

    def _failed(self, name: str, loop: _Loop, error: Exception) -> float:
        reason = str(error) if isinstance(error, CrispenError) else type(error).__name__
        with self._lock:
            if not loop.failures:
                loop.since = time.monotonic()
            new = reason != loop.reason or not loop.failures
            loop.failures += 1
            loop.reason = reason
            pause = min(self._most_s, self._first_s * 2.0 ** min(loop.failures - 1, 30))
        if new:
            expected = isinstance(error, CrispenError)
            log.error(
                "%s fails and is tried again: %s",
                name,
                reason,
                exc_info=None if expected else error,
            )
        return pause

    def _well(self, name: str, loop: _Loop) -> None:
        with self._lock:
            failures, loop.failures, loop.reason = loop.failures, 0, ""
        if failures:
            took = time.monotonic() - loop.since
            log.warning("%s works again after %d failures in %.1f s", name, failures, took)
