"""Resolves names on a command line: files, folders, patterns, and the files skipped in them.

Only regular files are taken from a folder. Skipped files are counted by kind, so that nobody
thinks that a folder is done while half of it has an unsupported format.
"""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

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


@dataclass(slots=True)
class Listing:
    """The files of a folder, a pattern or a name."""

    found: list[Found] = field(default_factory=list)
    strangers: list[Stranger] = field(default_factory=list)


def expand(
    text: str, *, recursive: bool, skip: Path | None, wanted: Callable[[Path], bool]
) -> Listing:
    """The files of an argument.

    Args:
        text: A file, a folder or a pattern.
        recursive: Look into folders below a folder.
        skip: A folder to skip: that of the results.
        wanted: Decides by name whether to take a file in a folder.

    Raises:
        InputError: Nothing has that name, or nothing in the folder can be read.
    """
    refuse_address(text)
    path = Path(text)
    try:
        if path.is_dir():
            return _walk(path, recursive, skip, wanted)
        if path.exists() or path.is_symlink():
            return Listing([Found(path)])
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{text}: cannot be read ({why}); check the name") from None
    if not glob.has_magic(text):
        raise MissingInput(f"{text}: no such file or folder; check the path")
    matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
    if not matches:
        raise MissingInput(f"{text}: no file matches; check the pattern and the folder")
    return Listing([Found(match) for match in matches if not match.is_dir()])


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


def _walk(
    folder: Path, recursive: bool, skip: Path | None, wanted: Callable[[Path], bool]
) -> Listing:
    listing = Listing()
    below = os.path.realpath(skip) if skip is not None else None

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error

    for where, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(
            name
            for name in folders
            if recursive
            and not name.startswith(".")
            and os.path.realpath(os.path.join(where, name)) != below
        )
        depth = len(Path(where).relative_to(folder).parts) + 1
        for name in sorted(names):
            path = Path(where, name)
            if name.startswith("."):
                continue
            special = _special(path)
            if special or not wanted(path):
                listing.strangers.append(special or _stranger(path))
            else:
                listing.found.append(Found(path, depth))
    if not listing.found:
        left = skipped_files(stranger.kind for stranger in listing.strangers)
        hint = "" if recursive else "; --recursive looks into folders below it"
        raise InputError(
            f"{folder}: no pictures or videos in this folder{hint}{f' ({left})' if left else ''}"
        )
    return listing


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
