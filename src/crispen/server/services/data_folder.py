"""The data folder: uploads, jobs and drafts, how much space they use, and what can be deleted.

::

    crispen.db        the queue, unless another database was named
    secret            key of session cookies
    uploads/ID        bytes of an upload so far, and ID.info about it
    jobs/ID/          source, result and previews of a job
    samples/          models' sample pictures
    drafts/           bodies that are being received; emptied at start

No name that came from a client is part of any path: ids are made here.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import threading
import time
from pathlib import Path

from crispen.errors import OutputError
from crispen.server.api_errors import ApiError, disk_full

_COUNT_EVERY_S = 2.0
_ABANDONED_S = 86_400.0


class DataFolder:
    """One server's data folder.

    Args:
        folder: Created if missing.
        max_total_bytes: Maximum size of uploads and jobs together.
        min_free_bytes: Disk space that is left free.

    Raises:
        OutputError: The folder cannot be made.
    """

    def __init__(self, folder: Path, *, max_total_bytes: int, min_free_bytes: int) -> None:
        self.folder = folder.resolve()
        self._max_total_bytes = max_total_bytes
        self._min_free_bytes = min_free_bytes
        self._lock = threading.Lock()
        self._counted = (0.0, 0)
        self._count_every_s = _COUNT_EVERY_S
        self.uploads = self.folder / "uploads"
        self.jobs = self.folder / "jobs"
        self.samples = self.folder / "samples"
        self.drafts = self.folder / "drafts"

    def prepare(self) -> None:
        """Make the folders."""
        try:
            for folder in (self.uploads, self.jobs, self.samples, self.drafts):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(
                f"{self.folder}: cannot be made ({error.strerror}); choose another --folder"
            ) from error

    def clean(self, *, shared: bool = False) -> None:
        """Delete what a killed server left unfinished.

        Args:
            shared: Other servers use the folder, so only what is too old to be theirs goes.
        """
        for path in self.drafts.iterdir():
            if not (shared and _young(path)):
                path.unlink(missing_ok=True)
        if shared:
            return
        # Results and previews in the making. Folders of that name hold the finished segments of
        # videos, which continue after them.
        for part in (*self.jobs.glob("*/*.part"), *self.samples.glob("*/*.part")):
            if part.is_file():
                part.unlink(missing_ok=True)

    def secret(self) -> bytes:
        """The folder's key; made once, readable by its owner only."""
        path = self.folder / "secret"
        with contextlib.suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
        return path.read_bytes()

    def job(self, id: str) -> Path:
        """A job's folder."""
        return self.jobs / id

    def draft(self) -> Path:
        """A path for a body that is being received."""
        return self.drafts / secrets.token_hex(16)

    def used_bytes(self) -> int:
        """The size of uploads and jobs; counted at most every two seconds."""
        with self._lock:
            when, size = self._counted
            if time.monotonic() - when > self._count_every_s:
                size = sum(_size(folder) for folder in (self.uploads, self.jobs, self.drafts))
                self._counted = (time.monotonic(), size)
            return size

    def free_bytes(self) -> int:
        """Free space on the disk."""
        return shutil.disk_usage(self.folder).free

    def check_room(self, wanted: int) -> None:
        """Refuse what would not fit.

        Raises:
            ApiError: The disk or the server's share of it is full.
        """
        if self.free_bytes() - wanted < self._min_free_bytes:
            raise disk_full()
        if self.used_bytes() + wanted > self._max_total_bytes:
            raise ApiError(
                507,
                "store_full",
                f"the server keeps {self._max_total_bytes:,} bytes at most; delete old jobs first",
            )

    def drop_job(self, id: str) -> None:
        """Delete a job's files."""
        shutil.rmtree(self.job(id), ignore_errors=True)


def _young(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime < _ABANDONED_S
    return False


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # deleted by somebody else meanwhile
                if entry.is_dir(follow_symlinks=False):
                    total += _size(Path(entry.path))
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total
