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
        self._locks: dict[Path, FileLock] = {}
        self._numbers = itertools.count()

    def path(self, result: Path) -> Path:
        """A separate place for a draft of `result`, with the same name.

        Raises:
            OutputError: The folder refuses it.
        """
        folder = result.parent / self._name
        try:
            if folder not in self._locks:
                sweep(result.parent)
                folder.mkdir()
                self._locks[folder] = lock = FileLock(folder / "lock", timeout=0)
                lock.acquire()
            place = folder / f"{next(self._numbers)}"
            place.mkdir()
        except OSError as error:
            raise OutputError(
                f"{result}: cannot be written ({error.strerror}); choose another -o"
            ) from error
        return place / result.name

    def drop(self, draft: Path) -> None:
        """Remove a draft that is no longer needed."""
        shutil.rmtree(draft.parent, ignore_errors=True)

    def close(self) -> None:
        """Remove all of them."""
        for folder, lock in self._locks.items():
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)  # where open files cannot be removed
        self._locks.clear()


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
