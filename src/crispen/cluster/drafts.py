"""Results that other machines write, until the coordinating machine gives them their names.

They are in hidden folders beside the results, ``.crispen.NUMBER.drafts``, which are locked as long
as the run lives. The next run removes what dead runs left in that folder.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import shutil
import time
from collections import Counter
from pathlib import Path

from filelock import FileLock, Timeout

from crispen.errors import OutputError

_PATTERN = ".crispen.*.drafts"
# A live run does not hold its folder between creating and locking it.
_YOUNG_S = 60.0


class Drafts:
    """Where drafts are; `close` removes what is left of them."""

    def __init__(self) -> None:
        self._name = f".crispen.{secrets.token_hex(4)}.drafts"
        self._open: dict[Path, tuple[FileLock, Counter[Path]]] = {}
        self._numbers = itertools.count()

    def path(self, result: Path, beside: Path | None = None) -> Path:
        """Where to write a draft of `result`, with the same name.

        Args:
            result: What it becomes.
            beside: A draft of another result, by the same worker; they share a place if both
                results are in one folder. Without it, the place is a new one.

        Raises:
            OutputError: The folder refuses it.
        """
        folder = result.parent / self._name
        if beside is not None and beside.parents[1] == folder:
            self._open[folder][1][beside.parent] += 1
            return beside.parent / result.name
        try:
            if folder not in self._open:
                self._close_unused()
                sweep(result.parent)
                folder.mkdir()
                lock = FileLock(folder / "lock", timeout=0, thread_local=False)
                self._open[folder] = lock, Counter()
                lock.acquire()
            place = folder / f"{next(self._numbers)}"
            place.mkdir()
        except OSError as error:
            raise OutputError(
                f"{result}: cannot be written ({error.strerror}); choose another -o"
            ) from error
        self._open[folder][1][place] += 1
        return place / result.name

    def drop(self, draft: Path) -> None:
        """Remove a draft that is no longer needed; its place goes with the last one in it."""
        place = draft.parent
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        places = self._open[place.parent][1] if place.parent in self._open else Counter[Path]()
        places[place] -= 1
        if places[place] <= 0:
            del places[place]
            shutil.rmtree(place, ignore_errors=True)

    def close(self) -> None:
        """Remove all of them."""
        for folder in [*self._open]:
            self._close(folder)

    def _close_unused(self) -> None:
        """A lock is an open file, of which a process can have about a thousand."""
        for folder in [folder for folder, (_, places) in self._open.items() if not places]:
            self._close(folder)

    def _close(self, folder: Path) -> None:
        lock, _ = self._open.pop(folder)
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)  # where open files cannot be removed


def sweep(folder: Path) -> None:
    """Removes what dead runs left in `folder`."""
    for drafts in folder.glob(_PATTERN):
        with contextlib.suppress(Timeout, OSError):
            if time.time() - drafts.stat().st_mtime < _YOUNG_S:
                continue
            lock = FileLock(drafts / "lock", timeout=0)
            lock.acquire()
            shutil.rmtree(drafts, ignore_errors=True)
            lock.release()
