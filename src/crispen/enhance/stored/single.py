"""Single files in stores, for the Python API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from crispen.enhance.stored.workspace import Workspace
from crispen.errors import MissingInput, OutputError, UsageError
from crispen.progress import Progress
from crispen.stores.address import file_name, is_address, parse
from crispen.stores.opening import Stores
from crispen.stores.store import Entry, Store

T = TypeVar("T")


@contextmanager
def fetched(text: str, progress: Progress | None = None) -> Iterator[Path]:
    """A local copy of a file in a store; deleted at the end of the ``with`` block.

    Raises:
        MissingInput: The file does not exist.
        InputError: The file cannot be read.
    """
    progress = progress or Progress()
    with Stores(progress) as stores, Workspace() as space:
        store, entry = _found(text, stores, progress)
        path = space.place() / Path(entry.name).name
        store.fetch(entry, path, progress)
        yield path


def between_stores(
    source: str | Path,
    target: str | Path,
    work: Callable[[Path, Path], T],
    *,
    overwrite: bool,
    settings: Any,
    progress: Progress | None = None,
) -> T:
    """Calls `work` with local copies of the source and the target, and returns its result.

    Args:
        source: Path or address of the source.
        target: Path or address of the target.
        work: Writes the target from the source, given their local paths. Files that it leaves next
            to its target are available again if it was interrupted and is repeated.
        overwrite: Replace an existing target.
        settings: Everything else on which the result depends, as JSON values.
        progress: Can cancel.

    Raises:
        MissingInput: The source does not exist.
        InputError: The source cannot be read.
        UsageError: The target's address has no file name, or its store is read-only.
        OutputError: The target cannot be written, or exists.
    """
    progress = progress or Progress()
    with Stores(progress) as stores, Workspace() as space:
        about: Any = str(source)
        store: Store | None = None
        if is_address(source):
            store, entry = _found(str(source), stores, progress)
            about = (store.of(entry), entry.size, entry.version)
        goal: Store | None = None
        if is_address(target):
            address = parse(str(target))
            goal = stores.of(address)
            if not address.name or not goal.writable:
                raise UsageError(f"{address.shown}: not a file that can be written; name one")
            if not overwrite and goal.find(address.name, progress) is not None:
                raise OutputError(f"{address.shown}: exists already; pass overwrite=True")
        place = space.lasting(of=about, to=str(target), settings=settings)
        path, result = Path(source), Path(target)
        if store is not None:
            path = place / "source" / Path(entry.name).name
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                store.fetch(entry, path, progress)
        if goal is None:
            report = work(path, result)
        else:
            result = place / "result" / address.name
            result.parent.mkdir(exist_ok=True)
            result.unlink(missing_ok=True)
            report = work(path, result)
            goal.put(result, address.name, overwrite=overwrite, progress=progress)
        space.drop(place)
        return report


def _found(text: str, stores: Stores, progress: Progress) -> tuple[Store, Entry]:
    address = parse(text)
    store = stores.of(address)
    entry = store.find(file_name(address), progress) if address.name else None
    if entry is None:
        raise MissingInput(f"{address.shown}: no such file; check the address")
    return store, entry
