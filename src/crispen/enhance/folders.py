"""Resolves names on a command line: files, folders, patterns, and the files skipped in them.

Only regular files are taken from a folder. Skipped files are counted by kind, so that nobody
thinks that a folder is done while half of it has an unsupported format. Folders are read one at a
time and never held as a whole, since there may be millions of files below one.
"""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from crispen.errors import InputError, MissingExtra, MissingInput
from crispen.media.format_choice import needs_more
from crispen.media.formats import PICTURES
from crispen.media.picture.byte_source import refuse_address
from crispen.media.signatures import HEAD_BYTES, describe_stranger, sniff

_KINDS_SHOWN = 5
_LONGEST_SUFFIX = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A file to enhance.

    Attributes:
        path: As typed, or below a folder as typed.
        depth: How many of the path's last parts are kept in a mirrored tree.
    """

    path: Path
    depth: int = 1

    @property
    def inside(self) -> Path:
        """Path of its result in a mirrored tree; not kept, since a folder may hold very many."""
        return Path(*os.fspath(self.path).split(os.sep)[-self.depth :])


@dataclass(frozen=True, slots=True)
class Stranger:
    """A skipped file in a folder.

    Attributes:
        path: Where it is.
        kind: What it is, in a word: ``PSD``, ``HEIC``, ``named pipe``.
        why: The remedy, as a clause.
    """

    path: Path
    kind: str
    why: str


class Contents(NamedTuple):
    """The names in a folder, without hidden ones; each list is sorted.

    Attributes:
        files: Names of files to enhance.
        links: Those of `files` that are symbolic links.
        strangers: Names of files to skip.
        folders: Names of the folders to look into.
    """

    files: list[str]
    links: set[str]
    strangers: list[str]
    folders: list[str]


@dataclass(frozen=True)
class Tree:
    """A folder whose files are enhanced.

    Attributes:
        path: As typed.
        recursive: Look into folders below it.
        skip: A folder below it to skip: that of the results.
        wanted: Decides by name whether to take a file.
    """

    path: Path
    recursive: bool
    skip: Path | None
    wanted: Callable[[Path], bool]

    @cached_property
    def real(self) -> str:
        """Its path without links."""
        return os.path.realpath(self.path)

    @cached_property
    def _skipped(self) -> str | None:
        return None if self.skip is None else os.path.realpath(self.skip)

    def look(self, folder: str) -> Contents:
        """The names in one of its folders.

        Raises:
            OSError: The folder cannot be read.
        """
        found = Contents([], set(), [], [])
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if _is_folder(entry):
                    if self._enters(entry):
                        found.folders.append(entry.name)
                elif _is_file(entry) and self.wanted(Path(entry.name)):
                    found.files.append(entry.name)
                    if entry.is_symlink():
                        found.links.add(entry.name)
                else:
                    found.strangers.append(entry.name)
        for names in (found.files, found.strangers, found.folders):
            names.sort()
        return found

    def folders(self) -> Iterator[tuple[str, Contents]]:
        """Each of its folders before those below it; one that is gone by then is left out.

        Raises:
            InputError: A folder cannot be read.
        """
        waiting = [os.fspath(self.path)]
        while waiting:
            folder = waiting.pop()
            try:
                contents = self.look(folder)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise unreadable(folder, error) from error
            yield folder, contents
            waiting += (os.path.join(folder, name) for name in reversed(contents.folders))

    def found(self) -> Iterator[Found]:
        """Its files.

        Raises:
            InputError: A folder cannot be read, or there are no files to enhance.
        """
        empty = True
        for folder, contents in self.folders():
            depth = len(Path(folder).relative_to(self.path).parts) + 1
            for name in contents.files:
                empty = False
                yield Found(Path(folder, name), depth)
        if empty:
            raise self.nothing()

    def strangers(self) -> Iterator[Stranger]:
        """Its files that are skipped."""
        for folder, contents in self.folders():
            for name in contents.strangers:
                path = Path(folder, name)
                yield _special(path) or _stranger(path)

    def nothing(self) -> InputError:
        """What to say if there is nothing to enhance."""
        left = skipped_files(stranger.kind for stranger in self.strangers())
        hint = "" if self.recursive else "; --recursive looks into folders below it"
        return InputError(
            f"{self.path}: no pictures or videos in this folder{hint}{f' ({left})' if left else ''}"
        )

    def walks(self, real: str) -> bool:
        """Whether it looks into a folder, given by its path without links."""
        parts = self._inside(real)
        return parts is not None and (self.recursive or not parts)

    def find(self, real: str) -> Path | None:
        """A file's path below `path`, if it is one of those to enhance.

        Args:
            real: Its path without links.
        """
        parts = self._inside(real)
        if not parts or (len(parts) > 1 and not self.recursive):
            return None
        if not self.wanted(Path(parts[-1])) or not os.path.isfile(real):
            return None
        return self.path.joinpath(*parts)

    def _inside(self, real: str) -> list[str] | None:
        """The parts of a path below this folder; None if the walk does not come there."""
        if real == self.real:
            return []
        begin = os.path.join(self.real, "")
        if not real.startswith(begin):
            return None
        parts = real[len(begin) :].split(os.sep)
        if any(part.startswith(".") for part in parts):
            return None
        skipped = self._skipped or ""
        left_out = skipped.startswith(begin) and f"{real}{os.sep}".startswith(f"{skipped}{os.sep}")
        return None if left_out else parts

    def _enters(self, entry: os.DirEntry[str]) -> bool:
        if not self.recursive or entry.is_symlink() or _is_junction(entry):
            return False
        return self._skipped is None or os.path.realpath(entry.path) != self._skipped


def named(text: str) -> list[Found]:
    """The files of an argument that is no folder.

    Args:
        text: A file or a pattern.

    Raises:
        InputError: Nothing has that name.
    """
    refuse_address(text)
    path = Path(text)
    try:
        if path.exists() or path.is_symlink():
            return [Found(path)]
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{text}: cannot be read ({why}); check the name") from None
    if not glob.has_magic(text):
        raise MissingInput(f"{text}: no such file or folder; check the path")
    matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
    if not matches:
        raise MissingInput(f"{text}: no file matches; check the pattern and the folder")
    return [Found(match) for match in matches if not match.is_dir()]


def unreadable(folder: str, error: OSError) -> InputError:
    """What to say of a folder that cannot be read."""
    return InputError(f"{folder}: cannot be read ({error.strerror})")


def skipped_files(kinds: Iterable[str]) -> str:
    """How many files were left out, by kind; empty if there were none.

    >>> skipped_files(["PSD", "HEIC", "PSD"])
    '3 files skipped: 2 PSD, 1 HEIC'
    """
    counts = Counter(kinds)
    total = counts.total()
    if not total:
        return ""
    common = counts.most_common(_KINDS_SHOWN)
    shown = [f"{count} {kind}" for kind, count in common]
    rest = total - sum(count for _, count in common)
    shown += [f"{rest} of other kinds"] if rest else []
    return f"{total} file{'s' * (total > 1)} skipped: {', '.join(shown)}"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Also of a broken link, whose reader says so."""
    try:
        return entry.is_file() or _special(Path(entry.path)) is None
    except OSError:
        return True


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Windows' other kind of link; Python 3.11 does not know it."""
    return bool(getattr(entry, "is_junction", bool)())


def _special(path: Path) -> Stranger | None:
    """The kind of `path`, if it is not a file; opening a pipe would block forever."""
    try:
        mode = path.stat().st_mode
    except OSError:  # a broken link: the read error reports it
        return None
    if stat.S_ISREG(mode):
        return None
    kind = "named pipe" if stat.S_ISFIFO(mode) else "socket" if stat.S_ISSOCK(mode) else "device"
    return Stranger(path, kind, f"a {kind}, not a file")


def _stranger(path: Path) -> Stranger:
    suffix = path.suffix[1:]
    named = suffix.isalnum() and len(suffix) <= _LONGEST_SUFFIX
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        needs_more(path)
    except OSError as error:
        return Stranger(path, "unreadable", f"cannot be read ({error.strerror})")
    except MissingExtra as error:
        return Stranger(path, suffix.upper(), str(error))
    known = sniff(head)
    if known is None:
        why = f"not read; it looks like {describe_stranger(head)}" if head else "empty"
        return Stranger(path, suffix.upper() if named else "other", why)
    about = PICTURES[known]
    kind = f"{about.title} named .{suffix}" if named else f"{about.title} without a suffix"
    return Stranger(path, kind, f"a {about.title} file; rename it to end in {about.suffixes[0]}")
