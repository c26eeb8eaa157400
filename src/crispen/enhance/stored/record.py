"""Records in a store how results were made, so that another run does what is missing only.

A store cannot add a line to a file. So each run writes files of its own into the folder of results,
``.crispen/TIME-RUN-NUMBER.jsonl``, with a line for each result. A line is there before its result
is: whenever a run ends, a result that is there has its line. What is known is kept on the disk of
this machine, not in memory, since a folder may hold millions.
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
    """What is known of the results in a store.

    Args:
        store: Where they are.
        file: For what is known; it is made.
        listed: List the store at first, rather than ask for each result; for many.
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
        """Read what earlier runs wrote, and what is there.

        Raises:
            InputError: The store cannot be read.
            OutputError: There is no such store.
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
                    text = "its bucket is not there; make it first, or choose another -o"
                    raise OutputError(f"{self._store.shown}: {text}") from error

    def note(self, name: str) -> dict[str, Any] | None:
        """How a result was made; None where nothing says so."""
        found = self._one("SELECT note FROM notes WHERE name = ?", name)
        if found is None:
            return None
        note: dict[str, Any] = json.loads(found[0])
        return note

    def size(self, name: str) -> int | None:
        """How large a result is that is there; None where there is none."""
        if self._listed:
            found = self._one("SELECT size FROM files WHERE name = ?", name)
            return None if found is None else int(found[0])
        entry = self._store.find(name, self._progress)
        return None if entry is None else entry.size

    def take(self, name: str, of: str) -> bool:
        """Whether the name is free for the result of a source, whose it is from now on."""
        note = self.note(name)
        if note is not None and note.get("of") != of and self.size(name) is not None:
            return False
        with self._lock:
            done = self._known.execute("INSERT OR IGNORE INTO taken VALUES (?)", (name,))
            return done.rowcount == 1

    def difference(
        self, name: str, size: int, source: dict[str, Any], of: str, settings: dict[str, Any]
    ) -> str:
        """How a result that is there was made otherwise; empty if it was made just so.

        Args:
            name: Of the result.
            size: In bytes.
            source: What tells its source from any other file.
            of: The source, for people.
            settings: Everything else that it depends on.
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
        """Add notes of results that are about to be written.

        Raises:
            OutputError: The store refuses it.
        """
        if len(self._lines) + len(notes) > _LINES_A_FILE:
            self._number += 1
            self._lines = []
        lines = [*self._lines, *(json.dumps(note) for note in notes)]
        whole = self._file.with_suffix(".jsonl")
        whole.write_text("\n".join(lines) + "\n")  # in ASCII, which holds names of any encoding
        name = f"{FOLDER}/{self._run}-{self._number:06}.jsonl"
        self._store.put(whole, name, overwrite=True, progress=self._progress)
        self._lines = lines

    def close(self) -> None:
        """Forget what is known."""
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
                    continue  # a line that a full disk cut off
                self._known.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, line))


def refused(error: CrispenError) -> str:
    """What a person should know of a result whose note could not be written."""
    return f"the record cannot be written ({error}), so a next run will not skip this file"
