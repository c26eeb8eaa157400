"""Ensures that one server, or those that share them, use a database and a folder together.

A database keeps the id of the folder whose jobs it holds, and the folder keeps it too. A server
with another folder would find no files for these jobs, and fail every one of them; two
servers at the same time, each with a folder of its own, would do that to each other.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from crispen.errors import OutputError, UsageError
from crispen.jobs.database import StoreError
from crispen.jobs.job_store import JobStore

log = logging.getLogger("crispen.jobs")

_FACT = "folder"
_FACT_PATH = "folder_path"
_MARK = "store"


def folder_mark(folder: Path) -> str:
    """The id that a folder of jobs has; empty if there is none, or no such folder."""
    file = folder / _MARK
    return file.read_text(encoding="ascii").strip() if file.is_file() else ""


class Ownership:
    """A database that belongs to this server, or to it and others that share it.

    Args:
        store: The queue in it.
        folder: Folder with the files of its jobs.
        shared: Others with this setting may use it at the same time.

    Raises:
        UsageError: The database cannot be shared.
    """

    def __init__(self, store: JobStore, folder: Path, *, shared: bool = False) -> None:
        self._store = store
        self._folder = folder
        self._lock = store.advisory_lock(shared=shared)

    def take(self) -> None:
        """Take the database.

        Raises:
            OutputError: Another server uses it.
            UsageError: Its jobs are in another folder.
            StoreError: It does not answer.
        """
        if not self._lock.take():
            raise OutputError(
                "another server uses this database; stop it, give this one a database of its own, "
                "or share it (CRISPEN_SHARED=1 for all of them)"
            )
        try:
            self._match()
        except BaseException:
            self.release()
            raise

    def keep(self) -> None:
        """Check that it is still ours; a round of a supervised loop.

        Raises:
            StoreError: The database does not answer, or another server took it meanwhile.
        """
        if not self._lock.take():
            raise StoreError(
                "another server took the database while it was unavailable; stop one of them"
            )

    def release(self) -> None:
        """Release it."""
        self._lock.release()

    def _match(self) -> None:
        file, mine = self._folder / _MARK, folder_mark(self._folder)
        theirs = self._store.fact(_FACT)
        empty = not any(self._store.counts().values())
        if theirs is not None and theirs != mine and not empty:
            where = self._store.fact(_FACT_PATH)
            raise UsageError(
                f"the jobs of this database have their files in another folder, {where}; give "
                "that one with --folder, or another database"
            )
        if not mine:
            # If several begin at the same time, the first one's counts.
            draft = file.with_name(f"{file.name}.{secrets.token_hex(16)}")
            draft.write_text(f"{draft.suffix[1:]}\n", encoding="ascii")
            try:
                os.link(draft, file)
            except OSError:
                if not file.exists():  # a file system without hard links
                    draft.replace(file)
            draft.unlink(missing_ok=True)
            mine = file.read_text(encoding="ascii").strip()
        if theirs != mine:
            self._store.note_fact(_FACT, mine)
        self._store.note_fact(_FACT_PATH, str(self._folder))
