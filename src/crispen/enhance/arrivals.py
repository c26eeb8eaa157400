"""Files that arrive in a folder, each once it is fully written.

The record beside the results lists finished work, so that a restarted run repeats
nothing. A file that failed is tried again when it changes, or in the next run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from crispen.enhance.results import Job
from crispen.errors import UsageError, needs_extra
from crispen.progress import Progress

SETTLE_S = 2.0
_LOOK_S = 0.5
# Some network drives do not report changes.
_LOOK_ANYWAY_S = 60.0

_Stamp = tuple[int, int, int]


class Arrivals:
    """The files of a folder, present and future.

    Args:
        folder: Which.
        progress: Can cancel.
        recursive: Look into folders below it.
        settle_s: Seconds without a change before a file is read.

    Raises:
        UsageError: It is not a folder.
    """

    def __init__(
        self,
        folder: Path,
        progress: Progress,
        *,
        recursive: bool = False,
        settle_s: float = SETTLE_S,
    ) -> None:
        if not folder.is_dir():
            raise UsageError(f"--watch takes a folder, and {folder} is not one; create it first")
        self._folder = folder
        self._progress = progress
        self._recursive = recursive
        self._settle_s = settle_s
        self._done: dict[Path, _Stamp] = {}
        self._waiting: dict[Path, tuple[_Stamp, float]] = {}

    def __call__(self, plan: Callable[[], Sequence[Job]]) -> Iterator[Job]:
        """Each file once it has settled; ends when it is cancelled.

        Args:
            plan: Work for all files present now.
        """
        with needs_extra("--watch", "watch"):
            from watchfiles import watch

        looked = -_LOOK_ANYWAY_S
        for changes in watch(
            self._folder,
            recursive=self._recursive,
            rust_timeout=round(1e3 * _LOOK_S),
            yield_on_timeout=True,
            watch_filter=None,
        ):
            self._progress.check()
            now = time.monotonic()
            if changes or self._waiting or now - looked >= _LOOK_ANYWAY_S:
                looked = now
                yield from self._settled(plan(), now)

    def _settled(self, jobs: Sequence[Job], now: float) -> Iterator[Job]:
        before, self._waiting = self._waiting, {}
        for job in jobs:
            assert job.source is not None
            stamp = _stamp(job.source)
            if stamp is None or self._done.get(job.source) == stamp:
                continue
            known, since = before.get(job.source, (None, now))
            if known != stamp:
                since = now
            if now - since < self._settle_s:
                self._waiting[job.source] = stamp, since
                continue
            self._done[job.source] = stamp
            yield job


def _stamp(path: Path) -> _Stamp | None:
    """The state that changes while a file is written; None if it is gone or empty."""
    try:
        about = path.stat()
    except OSError:
        return None
    return (about.st_size, about.st_mtime_ns, about.st_ino) if about.st_size else None
