"""Records in a store how results were made, so that later runs process only what is missing.

Object stores cannot append to a file. So each run writes its own files into the folder of results,
``.crispen/TIME-RUN-NUMBER.jsonl``, with a line for each result. The line is written before its
result, so that every result has one even if the run is interrupted. The records that were read are
kept in a local database, not in memory, because a folder may contain millions of results.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crispen.enhance.record import other_settings
from crispen.errors import CrispenError, MissingInput, OutputError
from crispen.media.file_names import folded
from crispen.progress import Progress
from crispen.stores.store import Entry, Store

FOLDER = ".crispen"
_LINES_A_FILE = 4096
_SCHEMA = """
CREATE TABLE notes (name TEXT PRIMARY KEY, note TEXT) WITHOUT ROWID;
CREATE TABLE files (name TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID;
CREATE TABLE taken (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class StoredRecord:
    """The record of the results in a store.

    Args:
        store: Store of the results.
        file: Path of the local database; created.
        listed: List the whole store once instead of querying each result; faster for many.
        progress: Receives progress events; can cancel.
    """

    def __init__(self, store: Store, file: Path, *, listed: bool, progress: Progress) -> None:
        self._store = store
        self._file = file
        self._listed = listed
        self._progress = progress
        self._lock = threading.Lock()
        self._known = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._known.execute("PRAGMA journal_mode = OFF")
        self._known.execute("PRAGMA synchronous = OFF")
        self._known.executescript(_SCHEMA)
        self._run = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
        self._number = 0
        self._lines: list[str] = []

    def load(self) -> None:
        """Reads the records of earlier runs and, if `listed`, the list of existing files.

        Raises:
            InputError: The store cannot be read.
            OutputError: The store does not exist.
        """
        with self._progress.task(f"reading {self._store.shown}", None, "files") as task:
            for entry in sorted(
                self._store.hidden(FOLDER, self._progress), key=lambda entry: entry.name
            ):
                self._read(entry)
                task.advance()
            if not self._listed:
                return
            try:
                for entry in self._store.files(recursive=True, progress=self._progress):
                    about = (entry.name, entry.size)
                    with self._lock:
                        self._known.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", about)
                    task.advance()
            except MissingInput as error:
                if not self._store.makes_folders:
                    text = "its bucket does not exist; create it first, or choose another -o"
                    raise OutputError(f"{self._store.shown}: {text}") from error

    def note(self, name: str) -> dict[str, Any] | None:
        """How a result was made; None if it has no record."""
        found = self._one("SELECT note FROM notes WHERE name = ?", name)
        if found is None:
            return None
        note: dict[str, Any] = json.loads(found[0])
        return note

    def size(self, name: str) -> int | None:
        """Size of an existing result in bytes; None if there is none."""
        if self._listed:
            found = self._one("SELECT size FROM files WHERE name = ?", name)
            return None if found is None else int(found[0])
        entry = self._store.find(name, self._progress)
        return None if entry is None else entry.size

    def take(self, name: str, of: str) -> bool:
        """Reserves a name for the result of a source; False if the name is taken."""
        note = self.note(name)
        if note is not None and note.get("of") != of and self.size(name) is not None:
            return False
        key = folded(name) if self._store.ignores_case else name
        with self._lock:
            done = self._known.execute("INSERT OR IGNORE INTO taken VALUES (?)", (key,))
            return done.rowcount == 1

    def difference(
        self, name: str, size: int, source: dict[str, Any], of: str, settings: dict[str, Any]
    ) -> str:
        """How an existing result differs from what this run would make; empty if it does not.

        Args:
            name: Name of the result.
            size: Size of the result in bytes.
            source: Identity of the source, such as its size and version.
            of: Address or path of the source.
            settings: All settings on which the result depends.
        """
        note = self.note(name)
        if note is None:
            return "and nothing says how it was made"
        if note.get("result") != {"bytes": size}:
            return "and was changed since it was made"
        if note.get("source") != source or note.get("of") != of:
            return f"made from another file or version of {of}"
        return other_settings(note.get("settings"), settings)

    def write(self, notes: Sequence[dict[str, Any]]) -> None:
        """Writes the records of results that will be uploaded next.

        Raises:
            OutputError: The store cannot be written.
        """
        if len(self._lines) + len(notes) > _LINES_A_FILE:
            self._number += 1
            self._lines = []
        lines = [*self._lines, *(json.dumps(note) for note in notes)]
        whole = self._file.with_suffix(".jsonl")
        whole.write_text("\n".join(lines) + "\n")  # ASCII escapes represent names in any encoding
        name = f"{FOLDER}/{self._run}-{self._number:06}.jsonl"
        self._store.put(whole, name, overwrite=True, progress=self._progress)
        self._lines = lines

    def close(self) -> None:
        """Closes the local database."""
        self._known.close()

    def _one(self, query: str, name: str) -> tuple[Any, ...] | None:
        with self._lock:
            found: tuple[Any, ...] | None = self._known.execute(query, (name,)).fetchone()
            return found

    def _read(self, entry: Entry) -> None:
        if not entry.name.endswith(".jsonl"):
            return
        path = self._store.local(entry) or self._file.with_suffix(".read")
        if self._store.local(entry) is None:
            path.unlink(missing_ok=True)
            self._store.fetch(entry, path, self._progress)
        with path.open(encoding="ascii", errors="replace") as lines, self._lock:
            for line in lines:
                try:
                    name = json.loads(line)["name"]
                except (ValueError, KeyError, TypeError):
                    continue  # a truncated line, for instance from a full disk
                self._known.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, line))


def refused(error: CrispenError) -> str:
    """A note for the user about results whose record could not be written."""
    return f"the record cannot be written ({error}), so the next run will not skip this file"
