"""Records how results of a batch were made, so that only matching ones are skipped.

``.crispen.jsonl`` in a folder of results holds one line for each: what it was made from,
where that was, with which settings, and what tells the result itself from any other file. The last
line of a name counts. It is written after the result, so that it never promises what is not there;
and it travels with the folder, so that a batch continues after a move or on another machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

NAME = ".crispen.jsonl"
_ENDS = 1 << 20
# A batch goes on from folder to folder; of how many the notes are known at the same time.
_FOLDERS = 4


def identity(path: Path) -> dict[str, Any]:
    """What tells a file from any other without reading all of it."""
    stat = path.stat()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        digest.update(file.read(_ENDS))
        file.seek(max(0, stat.st_size - _ENDS))
        digest.update(file.read(_ENDS))
    return {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns, "ends": digest.hexdigest()}


class Notes:
    """What the record in a folder says of each result there; nothing if there is none.

    Only the place of each note in the record is held, since a folder may hold very many results.

    Args:
        folder: Where the results are.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._places: dict[str, int] = {}
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            place = 0
            for line in file:
                note = _note(line)
                if note is not None:
                    self._places[note["name"]] = place
                place += len(line)

    def __bool__(self) -> bool:
        return bool(self._places)

    def get(self, name: str) -> dict[str, Any] | None:
        """The last note about a result."""
        place = self._places.get(name)
        if place is None:
            return None
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            file.seek(place)
            note = _note(file.readline())
            return note if note is not None and note["name"] == name else None
        return None

    def add(self, name: str, place: int) -> None:
        """Say that a note about `name` was written at that byte."""
        self._places[name] = place


def _note(line: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, TypeError, KeyError):
        note = json.loads(line.decode(errors="replace"))
        if isinstance(note["name"], str):
            found: dict[str, Any] = note
            return found
    return None


def source_of(folder: Path, note: dict[str, Any]) -> Path | None:
    """Where the source of a result lay, links followed; None in records of before 0.3."""
    where = note.get("of")
    return Path(os.path.realpath(folder / where)) if isinstance(where, str) else None


def other_settings(before: Any, now: dict[str, Any]) -> str:
    """How the settings in a note differ from others, as a clause; empty if they do not."""
    if not isinstance(before, dict):
        return "and nothing says how it was made"
    keys = [*now, *(key for key in before if key not in now)]
    other = [key for key in keys if before.get(key) != now.get(key)]
    return f"made with other settings ({', '.join(other)})" if other else ""


class Record:
    """What is known of the results in their folders.

    Args:
        settings: Everything but its source that a result depends on, as JSON; the keys are what a
            person calls them.

    Attributes:
        settings: The same, as it is read from a file.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        # Through JSON and back, so that it equals what is read from a file.
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))
        self._known: dict[Path, Notes] = {}

    def difference(self, source: Path, result: Path) -> str:
        """How a result that exists was made otherwise; empty if it was made just so."""
        note = self._notes(result.parent).get(result.name)
        if note is None:
            return "and nothing says how it was made"
        try:
            if note["result"] != _content(result):
                return "and was changed since it was made"
            if note["source"] != identity(source):
                return f"made from another file or version of {source.name}"
            return other_settings(note["settings"], self.settings)
        except (KeyError, TypeError, ValueError):
            return "and nothing says how it was made"

    def add(self, source: Path, result: Path) -> None:
        """Note that `result` was made from `source`, just now.

        Raises:
            OSError: The folder refuses it.
        """
        self.write(result, self.note(source, result))

    def note(self, source: Path, result: Path, *, draft: Path | None = None) -> dict[str, Any]:
        """The note that `result` was made from `source`.

        Args:
            source: Where it was read.
            result: Where it is, or will be.
            draft: Where it is until then.
        """
        return {
            "name": result.name,
            "of": _relative(source, result.parent),
            "result": _content(draft or result),
            "source": identity(source),
            "settings": self.settings,
        }

    def write(self, result: Path, note: dict[str, Any]) -> None:
        """Add a note to the folder of a result that is there.

        Raises:
            OSError: The folder refuses it.
        """
        line = json.dumps(note).encode() + b"\n"  # in ASCII, which holds names of any encoding
        path = result.parent / NAME
        with path.open("a+b") as file:
            # A line that a killed process or a full disk cut off must not damage this one.
            if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                line = b"\n" + line
            file.write(line)
            end = file.tell()
        known = self._known.get(result.parent)
        if known is not None:
            known.add(result.name, end - len(line.lstrip(b"\n")))

    def _notes(self, folder: Path) -> Notes:
        if folder not in self._known:
            if len(self._known) >= _FOLDERS:
                del self._known[next(iter(self._known))]
            self._known[folder] = Notes(folder)
        return self._known[folder]


def _relative(source: Path, folder: Path) -> str:
    """Where `source` is as seen from `folder`; both may move together."""
    path = os.path.realpath(source)
    try:
        # With / on every system, so that another one can read it.
        return Path(os.path.relpath(path, os.path.realpath(folder))).as_posix()
    except ValueError:  # on another drive
        return path


def _content(path: Path) -> dict[str, Any]:
    """Its identity wherever it is copied to."""
    return {key: value for key, value in identity(path).items() if key != "mtime_ns"}
