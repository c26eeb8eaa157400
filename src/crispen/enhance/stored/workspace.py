"""Where fetched files and results are until they are delivered.

What belongs to a picture is in a temporary folder. A video's is kept until it is delivered, under a
name made of all that its result depends on: so an interrupted run continues, with the source that
was fetched and the segments that were made.
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

_KEPT_S = 14 * 86400.0


class Workspace:
    """Folders for files on their way; use it in a ``with`` block.

    Args:
        kept: The folder of those that outlive a run; the user's cache unless given.
    """

    def __init__(self, kept: Path | None = None) -> None:
        self._kept = kept
        self._temporary = tempfile.TemporaryDirectory(prefix="crispen-")
        self._numbers = itertools.count()
        self._locks: dict[Path, FileLock] = {}
        self._swept = False

    @property
    def folder(self) -> Path:
        """A folder that ends with the run."""
        return Path(self._temporary.name)

    def place(self) -> Path:
        """A new folder that ends with the run."""
        place = self.folder / f"{next(self._numbers)}"
        place.mkdir()
        return place

    def lasting(self, **about: Any) -> Path:
        """The folder for what is described so, with what an earlier run left there.

        Raises:
            OutputError: Another run uses it, or it cannot be made.
        """
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
        root = self._kept or _usual()
        place = root / digest[:32]
        try:
            place.mkdir(parents=True, exist_ok=True)
            self._sweep(root)
            lock = FileLock(place / "lock", timeout=0)
            lock.acquire()
        except Timeout as error:
            raise OutputError(f"{about['of']}: another run makes it now; wait for it") from error
        except OSError as error:
            raise OutputError(f"{place}: cannot be made ({error.strerror})") from error
        self._locks[place] = lock
        return place

    def drop(self, place: Path) -> None:
        """Remove a folder, whose file is delivered."""
        shutil.rmtree(place, ignore_errors=True)
        lock = self._locks.pop(place, None)
        if lock is not None:
            lock.release()
            shutil.rmtree(place, ignore_errors=True)  # where open files stay

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        for lock in self._locks.values():
            lock.release()
        self._temporary.cleanup()

    def _sweep(self, root: Path) -> None:
        """Remove what nobody came back for."""
        if self._swept:
            return
        self._swept = True
        for place in root.iterdir():
            with contextlib.suppress(Timeout, OSError):
                if time.time() - place.stat().st_mtime > _KEPT_S:
                    with FileLock(place / "lock", timeout=0):
                        shutil.rmtree(place, ignore_errors=True)


def _usual() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("crispen", appauthor=False)) / "transfers"
