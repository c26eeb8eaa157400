"""One server for a data folder: its lock, and the end of an earlier server's workers."""

from __future__ import annotations

import contextlib
import logging
import time
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout, lock_descriptor

from crispen.errors import OutputError

log = logging.getLogger("crispen.jobs")

_ORPHANS_S = 15.0


def hold_folder(path: Path) -> BaseFileLock:
    """Holds a folder for this server alone, until it is released.

    Raises:
        OutputError: Another server holds it, or it is in a place without locks.
    """
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise OutputError(
            f"{path.parent}: another server uses this folder; stop it or choose another --folder"
        ) from error
    except OSError as error:  # as on some network file systems
        raise OutputError(
            f"{path.parent}: cannot be locked ({error}); choose a --folder on a disk of this "
            "machine, or share it (CRISPEN_SHARED=1)"
        ) from error
    return lock


def await_orphans(lock: Path) -> None:
    """Waits until a dead server's workers have ended, so that no job has two workers."""
    until = time.monotonic() + _ORPHANS_S
    for path in lock.parent.glob(f"{lock.name}.*"):
        while not _is_free(path):
            if time.monotonic() > until:
                log.warning("workers of an earlier server are still alive")
                return
            time.sleep(0.05)
        with contextlib.suppress(OSError):
            path.unlink()


def _is_free(path: Path) -> bool:
    with path.open("ab") as file:
        return lock_descriptor(file.fileno(), blocking=False)
