"""The inputs of a batch: files that were typed, and those below typed folders.

Below a folder there may be millions of files. They are not held: they are listed again, folder by
folder, each time somebody iterates over them, and rules decide whether a file is one of them. Only
what rules cannot decide is held: files that were typed, and symbolic links.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from crispen.enhance.folders import Contents, Found, Tree, unreadable
from crispen.enhance.record import Notes, source_of
from crispen.errors import InputError

_FOLDERS = 8


@dataclass(frozen=True, slots=True)
class Part:
    """Files of one folder.

    Attributes:
        folder: Where they are, as typed or below a folder as typed.
        names: Their names.
        depth: As in `Found`.
    """

    folder: str
    names: Sequence[str]
    depth: int

    def __iter__(self) -> Iterator[Found]:
        return (Found(Path(self.folder, name), self.depth) for name in self.names)


@dataclass(slots=True)
class Group:
    """Files whose results could get the same name; can be iterated over several times.

    Attributes:
        parts: The files.
        unreadable: Folders that cannot be read, with the positions of their trees.
        listed: Number of files to enhance in these folders, by the position of the tree; links and
            results of earlier runs included.
        skipped: Number of files that are skipped, likewise.
    """

    parts: list[Iterable[Found]] = field(default_factory=list)
    unreadable: list[tuple[int, str, InputError]] = field(default_factory=list)
    listed: Counter[int] = field(default_factory=Counter)
    skipped: Counter[int] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Found]:
        return itertools.chain.from_iterable(self.parts)


class _Spot(NamedTuple):
    """A folder of the tree at a position; `real` is its path without links."""

    place: int
    tree: Tree
    folder: str
    real: str
    depth: int


_Typed = Sequence[tuple[int, Found]]


class Sources:
    """The files to enhance, each once, without the results of earlier runs.

    Of a file and links to it, the file's own name counts; of several links, the first.

    Args:
        typed: Files, each with the position of what was typed.
        trees: Folders by their positions.
        together: Gives the same text for the names of folders that are one folder below that of all
            results; None if results are beside their sources.

    Attributes:
        typed: Files that were typed and that count, with their positions.
        trees: The same.
    """

    def __init__(
        self, typed: _Typed, trees: dict[int, Tree], together: Callable[[str], str] | None
    ) -> None:
        self.trees = trees
        self._together = together
        self._links: dict[str, Path] = {}
        self._notes = functools.lru_cache(_FOLDERS)(Notes)
        self._stems = functools.lru_cache(_FOLDERS)(self._stems_in)
        self._typed: dict[str, tuple[int, Found]] = {}
        for place, item in typed:
            real = os.path.realpath(item.path)
            before, other = self._typed.setdefault(real, (place, item))
            if other.path.is_symlink() and not item.path.is_symlink():
                self._typed[real] = before, item
        self.typed = [
            (place, item)
            for real, (place, item) in self._typed.items()
            if self._keeps_typed(real, place, item.path)
        ]

    def groups(self) -> Iterator[Group]:
        """All files, as they are now."""
        for typed, spots in self._starts():
            waiting = [(typed, spots)]
            while waiting:
                group, below = self._group(*waiting.pop())
                yield group
                waiting += [([], spots) for spots in below]

    def find(self, real: str) -> Path | None:
        """The name of an input as typed, or below a folder as typed; None if there is none.

        Args:
            real: Its path without links.
        """
        if real in self._typed:
            return self._typed[real][1].path
        if real in self._links:
            return self._links[real]
        found = (tree.find(real) for tree in self.trees.values())
        return next((path for path in found if path is not None), None)

    def at(self, path: Path) -> Path | None:
        """The input that a file is, under whatever name; None if it is none.

        Raises:
            OSError: There is no such file, or nobody can tell.
        """
        status = path.stat()
        inode = status.st_dev, status.st_ino
        if inode in self._inodes:
            return self._inodes[inode]
        found = self.find(os.path.realpath(path)) if self.trees else None
        if found is not None and not self._is_result(found.parent, found.name):
            return found
        return self._hard_links.get(inode) if self.trees and status.st_nlink > 1 else None

    @functools.cached_property
    def _inodes(self) -> dict[tuple[int, int], Path]:
        return dict(_inodes((item for _, item in self.typed), links=1))

    @functools.cached_property
    def _hard_links(self) -> dict[tuple[int, int], Path]:
        """Files that have several names; looked for only if a result is such a one."""
        return dict(_inodes((item for group in self.groups() for item in group), links=2))

    def _starts(self) -> Iterator[tuple[_Typed, list[_Spot]]]:
        spots = [
            _Spot(place, tree, os.fspath(tree.path), tree.real, 1)
            for place, tree in self.trees.items()
        ]
        if self._together is not None:
            yield self.typed, spots
            return
        # Results beside their sources meet those of the same folder.
        walked: dict[int, list[tuple[int, Found]]] = {spot.place: [] for spot in spots}
        alone: list[tuple[int, Found]] = []
        for place, item in self.typed:
            folder = os.path.realpath(item.path.parent)
            spot = next((spot for spot in spots if spot.tree.walks(folder)), None)
            (alone if spot is None else walked[spot.place]).append((place, item))
        starts = [(alone[0][0], alone, spots[:0])] if alone else []
        starts += [(spot.place, walked[spot.place], [spot]) for spot in spots]
        for _, typed, below in sorted(starts, key=itemgetter(0)):
            yield typed, below

    def _group(self, typed: _Typed, spots: list[_Spot]) -> tuple[Group, list[list[_Spot]]]:
        """The files of some folders, and the folders below them, in reverse order."""
        self._notes.cache_clear()  # a run adds to them
        self._stems.cache_clear()
        group = Group()
        parts: list[tuple[int, Iterable[Found]]] = []
        below: dict[str, list[_Spot]] = {}
        for spot in spots:
            contents = _look(spot, group)
            group.listed[spot.place] += len(contents.files)
            group.skipped[spot.place] += len(contents.strangers)
            parts.append((spot.place, Part(spot.folder, self._own(spot, contents), spot.depth)))
            for name in contents.folders:
                key = name if self._together is None else self._together(name)
                folder, real = os.path.join(spot.folder, name), os.path.join(spot.real, name)
                next_spot = _Spot(spot.place, spot.tree, folder, real, spot.depth + 1)
                below.setdefault(key, []).append(next_spot)
        for place, items in itertools.groupby(typed, key=itemgetter(0)):
            parts.append((place, [item for _, item in items]))
        group.parts = [part for _, part in sorted(parts, key=itemgetter(0))]
        return group, [below[key] for key in sorted(below, reverse=True)]

    def _own(self, spot: _Spot, contents: Contents) -> list[str]:
        """The names of the files that count as files of this folder."""
        plain = not contents.links and not self._typed and len(self.trees) == 1
        if plain and not self._notes(Path(spot.folder)):
            return contents.files
        return [name for name in contents.files if self._keeps(spot, name, name in contents.links)]

    def _keeps(self, spot: _Spot, name: str, link: bool) -> bool:
        path = Path(spot.folder, name)
        real = os.path.realpath(path) if link else os.path.join(spot.real, name)
        if link:
            if real in self._typed or self._in_trees(real):
                return False
            if self._links.setdefault(real, path) != path:
                return False
        else:
            place, item = self._typed.get(real, (spot.place, None))
            if item is not None and place < spot.place and not item.path.is_symlink():
                return False
            if self._in_trees(real, before=spot.place):
                return False
        return not self._is_result(path.parent, name)

    def _keeps_typed(self, real: str, place: int, path: Path) -> bool:
        if self._in_trees(real, before=None if path.is_symlink() else place):
            return False
        return not self._is_result(path.parent, path.name)

    def _in_trees(self, real: str, *, before: int | None = None) -> bool:
        return any(
            tree.find(real) is not None
            for place, tree in self.trees.items()
            if before is None or place < before
        )

    def _is_result(self, folder: Path, name: str) -> bool:
        """Whether an earlier run made a file from one of these, so that a batch can be repeated.

        Folders hold results after a first run, and patterns find them, even if the shell expands
        them. What the record of a folder does not name is nobody's result, whatever it is called;
        and a result whose source is not enhanced now is a picture like any other.
        """
        note = self._notes(folder).get(name)
        if note is None:
            return False
        source = source_of(folder, note)
        if source is not None:
            return self.find(os.fspath(source)) is not None
        # A record of before 0.3 says nothing of the source.
        parts, stems = name.split("."), self._stems(folder)
        return any(".".join(parts[:n]) in stems for n in range(1, len(parts) - 1))

    def _stems_in(self, folder: Path) -> set[str]:
        """The names of the inputs in a folder, without their suffixes."""
        paths = [folder / name for name in os.listdir(folder)]
        return {path.stem for path in paths if self.find(os.path.realpath(path)) is not None}


def _look(spot: _Spot, group: Group) -> Contents:
    try:
        return spot.tree.look(spot.folder)
    except (FileNotFoundError, NotADirectoryError):  # it went away meanwhile
        pass
    except OSError as error:
        group.unreadable.append((spot.place, spot.folder, unreadable(spot.folder, error)))
    return Contents([], set(), [], [])


def _inodes(items: Iterable[Found], *, links: int) -> Iterator[tuple[tuple[int, int], Path]]:
    """What identifies files that have at least that many names."""
    for item in items:
        try:
            status = item.path.stat()
        except OSError:  # whoever reads it says why
            continue
        if status.st_nlink >= links:
            yield (status.st_dev, status.st_ino), item.path
