"""Ensures that one server uses a database and a folder, which belong together.

A database keeps the id of the folder whose jobs it holds, and the folder keeps it too. A server
with another folder would find no file for any of these jobs, and fail every one of them; two
servers at the same time would do that to each other.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from crispen.errors import OutputError, UsageError
from crispen.jobs.database import StoreError
from crispen.jobs.job_store import JobStore

log = logging.getLogger("crispen.jobs")

_FACT = "folder"
_FACT_PATH = "folder_path"


class Ownership:
    """A database that is this server's alone.

    Args:
        store: The queue in it.
        folder: Folder with the files of its jobs.
    """

    def __init__(self, store: JobStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._lock = store.advisory_lock()

    def take(self) -> None:
        """Take the database.

        Raises:
            OutputError: Another server uses it.
            UsageError: Its jobs are in another folder.
            StoreError: It does not answer.
        """
        if not self._lock.take():
            raise OutputError(
                "another server uses this database; stop it, or give this one a database of its own"
            )
        try:
            self._match()
        except BaseException:
            self.release()
            raise

    def keep(self) -> None:
        """See that it is still ours; a round of a supervised loop.

        Raises:
            StoreError: The database does not answer, or another server took it meanwhile.
        """
        if not self._lock.take():
            raise StoreError("another server took the database while it was away; stop one of them")

    def release(self) -> None:
        """Give it back."""
        self._lock.release()

    def _match(self) -> None:
        file = self._folder / "store"
        mine = file.read_text(encoding="ascii").strip() if file.is_file() else ""
        theirs = self._store.fact(_FACT)
        empty = not any(self._store.counts().values())
        if theirs is not None and theirs != mine and not empty:
            where = self._store.fact(_FACT_PATH)
            raise UsageError(
                f"the jobs of this database have their files in another folder, {where}; give "
                "that one with --folder, or another database"
            )
        if not mine:
            mine = secrets.token_hex(16)
            file.write_text(mine + "\n", encoding="ascii")
        if theirs != mine:
            self._store.note_fact(_FACT, mine)
        self._store.note_fact(_FACT_PATH, str(self._folder))
