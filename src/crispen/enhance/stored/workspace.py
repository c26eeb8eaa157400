"""Local folders for fetched sources and for results until their upload.

Files of a picture are in a temporary folder. Those of a video are kept until its upload, in a
folder named by a hash of everything on which the result depends: an interrupted run continues with
the fetched source and the finished segments.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from crispen.errors import OutputError
from crispen.user_folders import cache_folder

_KEPT_S = 14 * 86400.0
# A process that is just being started holds its parent's open locks until it has begun.
_MOMENT_S = 1.0


class Workspace:
    """Folders for sources and results; use it in a ``with`` block.

    Args:
        kept: Parent of the folders that outlive a run; the user's cache folder unless given.
    """

    def __init__(self, kept: Path | None = None) -> None:
        self._kept = kept
        self._temporary = tempfile.TemporaryDirectory(prefix="crispen-")
        self._numbers = itertools.count()
        self._locks: dict[Path, FileLock] = {}
        self._swept = False

    @property
    def folder(self) -> Path:
        """The temporary folder of this run."""
        return Path(self._temporary.name)

    def place(self) -> Path:
        """A new folder inside the temporary folder of this run."""
        place = self.folder / f"{next(self._numbers)}"
        place.mkdir()
        return place

    def lasting(self, **about: Any) -> Path:
        """The lasting folder for this description, with the files that an earlier run left in it.

        Args:
            about: JSON values that identify the work; ``of`` names the source in messages.

        Raises:
            OutputError: Another run uses the folder, or it cannot be created.
        """
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
        root = self._kept or _usual()
        place = root / digest[:32]
        try:
            place.mkdir(parents=True, exist_ok=True)
            self._sweep(root)
            # Any thread may let go of it: the one that downloads takes it, another one ends.
            lock = FileLock(place / "lock", timeout=_MOMENT_S, thread_local=False)
            lock.acquire()
        except Timeout as error:
            raise OutputError(
                f"{about['of']}: another run is at work on it; wait for it"
            ) from error
        except OSError as error:
            raise OutputError(f"{place}: cannot be created ({error.strerror})") from error
        self._locks[place] = lock
        return place

    def drop(self, place: Path) -> None:
        """Removes a folder after the upload of its result."""
        shutil.rmtree(place, ignore_errors=True)
        lock = self._locks.pop(place, None)
        if lock is not None:
            lock.release()
            shutil.rmtree(place, ignore_errors=True)  # on Windows, the open lock file remained

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        for lock in self._locks.values():
            lock.release()
        self._temporary.cleanup()

    def _sweep(self, root: Path) -> None:
        """Removes the folders of runs that were not continued for two weeks."""
        if self._swept:
            return
        self._swept = True
        for place in root.iterdir():
            with contextlib.suppress(Timeout, OSError):
                if time.time() - place.stat().st_mtime > _KEPT_S:
                    with FileLock(place / "lock", timeout=0):
                        shutil.rmtree(place, ignore_errors=True)


def _usual() -> Path:

    return cache_folder("transfers")
