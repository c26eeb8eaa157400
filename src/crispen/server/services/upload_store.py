"""The bytes of uploads: the size of the file on disk is the offset; nothing else records it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from crispen.server.services.clock import Clock
from crispen.server.services.data_folder import DataFolder

UID = re.compile(r"^[0-9a-f]{32}$")


class Owner(NamedTuple):
    """Who owns an upload.

    Attributes:
        client: The client that sees it.
        address: The address that limits count it by.
    """

    client: str
    address: str

    def items(self) -> list[tuple[str, str]]:
        """The key that it is counted by."""
        return list(self._asdict().items())


class UploadStore:
    """Bytes in ``uploads/ID``, metadata in ``uploads/ID.info``.

    A file's own time says when it was last written, by the clock that decides when it expires:
    a disk on another machine has a clock of its own, which may be days off.

    Args:
        folder: The data folder.
        clock: What time it is.
    """

    def __init__(self, folder: DataFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._owners: dict[str, Owner] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def begin(self) -> None:
        """Find existing uploads at start; after that, the folder is never scanned again."""
        for uid in self.uids():
            facts = self.about(uid)
            if facts is not None:
                self._note(uid, Owner(facts["owner"], facts.get("address", "")))

    def uids(self) -> list[str]:
        """The ids of all uploads that have bytes or could have."""
        return [path.name for path in self._folder.uploads.iterdir() if UID.match(path.name)]

    def of_client(self, client: str) -> int:
        """How many uploads a client has."""
        return self._counts["client", client]

    def of_address(self, address: str) -> int:
        """How many uploads come from an address."""
        return self._counts["address", address]

    def claim(self, owner: Owner) -> str:
        """The id of a new upload of this owner."""
        uid = secrets.token_hex(16)
        self._note(uid, owner)
        return uid

    def _note(self, uid: str, owner: Owner) -> None:
        self._owners[uid] = owner
        self._counts.update(owner.items())

    def path(self, uid: str) -> Path:
        """Where the bytes are."""
        return self._folder.uploads / uid

    def about(self, uid: str) -> dict[str, Any] | None:
        """Metadata of an upload, with its true offset; None if there is no such upload."""
        try:
            facts: dict[str, Any] = json.loads(self._info(uid).read_text(encoding="utf-8"))
            stat = self.path(uid).stat()
            facts["offset"], facts["written"] = stat.st_size, stat.st_mtime
        except (OSError, ValueError):
            return None
        # The library needs both to answer HEAD; the protocol needs neither.
        for name in ("filename", "filetype"):
            facts["metadata"].setdefault(name, "unknown")
        return facts

    def save(self, uid: str, facts: dict[str, Any]) -> None:
        """Store an upload's metadata, unless it was deleted while its bytes arrived."""
        if not self.path(uid).is_file():
            return
        owner = self._owners.get(uid) or Owner("", "")
        text = json.dumps({**facts, **owner._asdict(), "owner": owner.client}, default=str)
        draft = self._folder.draft()
        draft.write_text(text, encoding="utf-8")
        draft.replace(self._info(uid))

    def create(self, uid: str) -> None:
        """Create an empty upload."""
        self.path(uid).touch()
        self._stamp(uid)

    def append(self, uid: str, content: bytes) -> None:
        """Write bytes at the end.

        Raises:
            ApiError: The disk or the server's share of it is full.
            OSError: They cannot be written.
        """
        self._folder.check_room(len(content))
        with self._open(uid) as file:
            file.write(content)
        self._stamp(uid)

    def cut(self, uid: str, size: int) -> None:
        """Keep only the first `size` bytes."""
        with contextlib.suppress(FileNotFoundError), self.path(uid).open("r+b") as file:
            file.truncate(size)

    def drop(self, uid: str) -> None:
        """Delete an upload."""
        owner = self._owners.pop(uid, None)
        if owner is not None:
            self._counts.subtract(owner.items())
            self._counts = +self._counts
        self.path(uid).unlink(missing_ok=True)
        self._info(uid).unlink(missing_ok=True)

    def _stamp(self, uid: str) -> None:
        now = self._clock.now()
        with contextlib.suppress(OSError):  # a disk that keeps no such times, or a deleted upload
            os.utime(self.path(uid), (now, now))

    def _open(self, uid: str) -> BinaryIO:
        return self.path(uid).open("ab")

    def _info(self, uid: str) -> Path:
        return self._folder.uploads / f"{uid}.info"
