"""Windows as far as it can be simulated: what is open can neither be renamed, replaced nor deleted.

Files that Python opens on Windows cannot be, since they are not shared for deletion.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_DESCRIPTORS = Path("/proc/self/fd")


def open_files() -> set[tuple[int, int]]:
    """The regular files that this process has open, by device and inode."""
    found = set()
    for name in os.listdir(_DESCRIPTORS):
        try:
            about = os.stat(_DESCRIPTORS / name)
        except OSError:
            continue
        found.add((about.st_dev, about.st_ino))
    return found


def keep_open_files(patch: pytest.MonkeyPatch) -> None:
    """Refuse from now on what Windows refuses for open files."""
    if not _DESCRIPTORS.is_dir():
        pytest.skip("only Linux says which files are open")

    def refuse(path: Any, **folder: Any) -> None:
        if folder.get("src_dir_fd") is not None:
            folder = {"dir_fd": folder["src_dir_fd"]}
        try:
            about = os.stat(path, dir_fd=folder.get("dir_fd"), follow_symlinks=False)
        except FileNotFoundError:
            return
        if (about.st_dev, about.st_ino) in open_files():
            raise PermissionError(errno.EACCES, "The process cannot access the file", str(path))

    def guarded(plain: Callable[..., Any], *, both: bool) -> Callable[..., Any]:
        def call(first: Any, *more: Any, **options: Any) -> Any:
            refuse(first, **options)
            if both:
                refuse(more[0])
            return plain(first, *more, **options)

        return call

    for name in ("rename", "replace"):
        patch.setattr(os, name, guarded(getattr(os, name), both=True))
    for name in ("unlink", "remove"):
        patch.setattr(os, name, guarded(getattr(os, name), both=False))
