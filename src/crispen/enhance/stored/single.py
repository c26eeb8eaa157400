"""One picture or video of a store, for Python."""

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
    """A copy of a file of a store, as long as the block lasts.

    Raises:
        InputError: It cannot be read.
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
    """What `work` returns for files here, in place of those of a store.

    Args:
        source: A path or an address.
        target: Likewise.
        work: Makes one out of the other; what it leaves beside its target is there again when it
            was interrupted and is done again.
        overwrite: Replace a target that exists.
        settings: What the result depends on beside its source, as JSON.
        progress: Can cancel.

    Raises:
        InputError: The source cannot be read.
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
                raise UsageError(f"{address.shown}: no file that can be written; name one")
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
