"""Where pictures are that are compared: files, folders, addresses, and test sets by name."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crispen.errors import CrispenError, InputError, MissingInput, UsageError
from crispen.evaluate.pairs import find_data
from crispen.lab.data.fetching import is_here, place
from crispen.lab.data.sources import picture_files
from crispen.lab.data.tables import SetName
from crispen.media.image import Image, is_image_name, read_image
from crispen.progress import Progress
from crispen.stores.address import WEB, Address, file_name, is_address, parse
from crispen.stores.opening import Stores
from crispen.stores.store import Entry, Store

# What networks are usually measured on; looked for where `crispen evaluate --data` looks.
TEST_SETS = ("Set5", "Set14", "BSD100", "B100", "Urban100", "Manga109", "General100")
# And those of `crispen data` that are for measuring.
_FETCHED: tuple[SetName, ...] = ("div2k-valid",)


@dataclass(frozen=True)
class Place:
    """Some pictures, and how each is read.

    Attributes:
        shown: The folder or address, for display.
        names: Path or address of each picture, for display.
        keys: Equal for two pictures that are one file.
        read: The picture with an index; from several threads.
    """

    shown: str
    names: list[str]
    keys: list[str]
    read: Callable[[int], Image]


def find_pictures(text: str, stores: Stores, progress: Progress) -> Place:
    """The pictures of a folder with its subfolders, or one picture.

    Args:
        text: A path; or an address, as of ``crispen enhance``.
        stores: Opens the stores of addresses.
        progress: Can cancel.

    Raises:
        MissingInput: There is no such file or folder.
        InputError: It contains no pictures.
        UsageError: An address of the web names no picture.
    """
    if is_address(text):
        return _stored(parse(text), stores, progress)
    path = Path(text).expanduser()
    if path.is_dir():
        return _local(path)
    if not path.is_file():
        raise MissingInput(f"{path}: no such folder; check the path")
    return Place(str(path), [str(path)], [str(path.resolve())], lambda index: read_image(path))


def find_tests(text: str, stores: Stores, progress: Progress) -> Place:
    """The same; a test set can be given by its name, and of one with a folder ``HR`` that is used.

    Raises:
        CrispenError: As `find_pictures`.
    """
    if is_address(text) or Path(text).expanduser().is_file():
        return find_pictures(text, stores, progress)
    try:
        folder = find_data(text)
    except MissingInput:
        raise MissingInput(
            f"{text}: no such folder, and no test set of that name is here; check --against"
        ) from None
    return _local(_large(folder))


def known_tests() -> list[str]:
    """The folders of the usual test sets that are on this machine.

    Raises:
        UsageError: There is none.
    """
    found: dict[Path, str] = {}
    for name in TEST_SETS:
        try:
            folder = _large(find_data(name))
        except CrispenError:
            continue
        found.setdefault(folder.resolve(), str(folder))
    for name in _FETCHED:
        if is_here(name):
            found.setdefault(place(name).resolve(), str(place(name)))
    if not found:
        raise UsageError(
            f"none of the usual test sets is here ({', '.join(TEST_SETS)}); give --against FOLDER"
        )
    return list(found.values())


def _large(folder: Path) -> Path:
    return folder / "HR" if (folder / "HR").is_dir() else folder


def _local(folder: Path) -> Place:
    files = picture_files(folder)
    if not files:
        raise InputError(f"{folder}: no pictures in it; put PNG, JPEG, WebP or AVIF files there")
    return Place(
        str(folder),
        [str(file) for file in files],
        [str(file.resolve()) for file in files],
        lambda index: read_image(files[index]),
    )


def _stored(address: Address, stores: Stores, progress: Progress) -> Place:
    store = stores.of(address)
    entries: list[Entry] = []
    if address.name:
        name = file_name(address)
        entry = store.find(name, progress)
        if entry is not None:
            entries = [entry]
        elif store.is_folder(name, progress):
            store = stores.of(address.as_folder())
        else:
            raise MissingInput(f"{address.shown}: no such file or folder; check the address")
    elif address.scheme in WEB:
        raise UsageError(
            f"{address.shown}: names no file, and files on the web cannot be listed; give the "
            "address of a picture, or zip:// before that of an archive"
        )
    if not entries:
        listed = store.files(recursive=True, progress=progress)
        entries = sorted((e for e in listed if is_image_name(Path(e.name))), key=lambda e: e.name)
    if not entries:
        raise InputError(f"{address.shown}: no pictures in it; check the address")
    names = [store.of(entry) for entry in entries]
    return Place(
        address.shown, names, names, lambda index: _fetched(store, entries[index], progress)
    )


def _fetched(store: Store, entry: Entry, progress: Progress) -> Image:
    local = store.local(entry)
    if local is not None:
        return read_image(local)
    with tempfile.TemporaryDirectory(prefix="crispen-") as folder:
        file = Path(folder) / Path(entry.name).name
        store.fetch(entry, file, progress)
        return read_image(file)
