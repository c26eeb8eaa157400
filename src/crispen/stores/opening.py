"""Opens the store of an address."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from crispen.errors import MissingInput
from crispen.progress import Progress
from crispen.stores.address import WEB, Address, is_address, parse, without_secrets
from crispen.stores.archive import ArchiveStore
from crispen.stores.remote import RemoteStore
from crispen.stores.store import Store
from crispen.stores.web import WebStore


class Stores:
    """Opens stores and keeps them open; use it in a ``with`` block, which closes them.

    Args:
        progress: Receives progress events; can cancel.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stack = ExitStack()
        self._open: dict[str, Store] = {}

    def of(self, address: Address) -> Store:
        """The store of an address's folder.

        Raises:
            MissingExtra: A package that the store needs is not installed.
            MissingInput: An archive does not exist.
            InputError: An archive cannot be read.
        """
        # A web store contains a single file.
        key = address.text if address.scheme in WEB else address.folder
        if key not in self._open:
            self._open[key] = self._stack.enter_context(self._opened(address))
        return self._open[key]

    def __enter__(self) -> Stores:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _opened(self, address: Address) -> Store:
        if address.scheme in WEB:
            return WebStore(address)
        if address.scheme == "zip":
            inside = address.folder.removeprefix(f"zip://{address.archive}/")
            shown = f"zip://{without_secrets(address.archive)}/{inside}"
            return ArchiveStore(self._archive(address.archive), inside, shown)
        return RemoteStore(address)

    def _archive(self, text: str) -> Path:
        if not is_address(text):
            return Path(text)
        address = parse(text)
        store = self.of(address)
        entry = store.find(address.name, self._progress)
        if entry is None:
            raise MissingInput(f"{address.shown}: no such file; check the address")
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="crispen-")))
        store.fetch(entry, folder / "archive.zip", self._progress)
        return folder / "archive.zip"
