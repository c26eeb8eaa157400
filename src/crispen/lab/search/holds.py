"""Who trains which trial: several processes can share a search, on one machine or on many.

Each process locks a file for the search while it chooses a trial or records one, and a file for
each trial that it trains. The system frees the locks of a process that ends, however it ends, so a
trial that is recorded as running and whose file is free was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from crispen.errors import OutputError

# Choosing and recording take milliseconds, many processes may wait for each other.
_PATIENCE_S = 60.0


class Holds:
    """The locks of this process in the folder of a search.

    Args:
        folder: The folder, which exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._whole = FileLock(folder / ".lock", timeout=_PATIENCE_S, thread_local=False)
        self._trials: dict[int, FileLock] = {}

    @contextmanager
    def whole(self) -> Iterator[None]:
        """No other process chooses or records a trial while the block runs; can be nested.

        Raises:
            OutputError: Another process does not let go of it, or nothing can be locked there.
        """
        try:
            self._whole.acquire()
        except Timeout as error:
            raise OutputError(
                f"{self._folder}: another process of the search has it locked and does not go on; "
                "end it, and repeat the command"
            ) from error
        except (OSError, NotImplementedError) as error:
            raise OutputError(
                f"{self._folder}: files cannot be locked there ({error}); choose another -o"
            ) from error
        try:
            yield
        finally:
            self._whole.release()

    def take(self, number: int) -> bool:
        """Whether the trial is this process's now; False if one is training it already.

        Only inside of `whole`, so that nobody removes the file at the same time.
        """
        lock = FileLock(self._file(number), timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return False
        self._trials[number] = lock
        return True

    def taken(self, number: int) -> bool:
        """Whether a process, this one or another, is training the trial; inside of `whole`."""
        if number in self._trials:
            return True
        if not self._file(number).exists():
            return False
        if not self.take(number):
            return True
        self.free(number)
        return False

    def free(self, number: int) -> None:
        """Let go of a trial of this process; inside of `whole`."""
        self._trials.pop(number).release()
        with suppress(OSError):  # it is only litter
            self._file(number).unlink()

    def close(self) -> None:
        """Let go of all trials; those that did not end are continued by the next that looks."""
        for number in [*self._trials]:
            self.free(number)

    def _file(self, number: int) -> Path:
        return self._folder / f".trial-{number:03d}.lock"
