"""Sources of pictures: a path, the bytes of a file, or a stream."""

from __future__ import annotations

import os
import re
import select
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from crispen.errors import InputError, MissingInput, UsageError
from crispen.media.signatures import HEAD_BYTES

Source = str | os.PathLike[str] | bytes | BinaryIO

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # at least two letters: C:/ is a path
_NOBODY_WRITES_S = 3.0
_LOOK_EVERY_S = 0.1
_CHUNK_BYTES = 1 << 20


def locate(source: Source) -> tuple[str, bytes, Path | None]:
    """The source's name for errors, its bytes, and its path: bytes or path, not both."""
    if isinstance(source, bytes):
        return "the given bytes", source, None
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", None)
        data = source.read()
        if not isinstance(data, bytes):
            raise UsageError("a stream must be opened in binary mode: open(path, 'rb')")
        known = isinstance(name, str) and not name.startswith("<")
        return str(name) if known else "standard input or stream", data, None
    refuse_address(os.fspath(source))
    path = Path(source)
    if is_pipe(path):
        return os.fspath(source), read_pipe(path), None
    return os.fspath(source), b"", path


def first_bytes(path: Path) -> bytes:
    """The bytes of a file that `crispen.media.signatures.sniff` needs.

    Raises:
        MissingInput: There is no such file.
        InputError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except FileNotFoundError:
        if path.is_symlink():
            raise MissingInput(
                f"{path}: a link to {path.readlink()}, which does not exist; fix the link or name "
                "the file"
            ) from None
        raise MissingInput(f"{path}: no such file; check the spelling and the folder") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder, where a picture file was expected") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it; try chmod u+r on it") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read: {why}") from None


def refuse_address(text: str) -> None:
    """Says what to do with a web address if a file was expected.

    Raises:
        InputError: `text` is one.
    """
    if not _ADDRESS.match(text) or os.path.exists(text):
        return
    if text.startswith("file:"):
        path = url2pathname(urlsplit(text).path)
        raise InputError(f"{text}: an address, where a path was expected; give {path}")
    raise InputError(
        f"{text}: an address, and files are not fetched here; download it first, or give it to "
        "'crispen enhance'"
    )


def is_pipe(path: Path) -> bool:
    """Whether `path` is a pipe: a named one, or a shell's for ``<(command)``."""
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def read_pipe(path: Path, check: Callable[[], None] | None = None) -> bytes:
    """Everything written to a pipe.

    Args:
        path: The pipe.
        check: Called while waiting; if it raises, the wait ends.

    Raises:
        InputError: Nothing writes to it.
    """
    # An ordinary open would wait for a writer, for ever if there is none.
    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    chunks: list[bytes] = []
    begun = time.monotonic()
    try:
        while True:
            if check is not None:
                check()
            try:
                chunk = os.read(pipe, _CHUNK_BYTES)
            except BlockingIOError:  # somebody has it open and has not written yet
                select.select([pipe], [], [], _LOOK_EVERY_S)
                continue
            if chunk:
                chunks.append(chunk)
            elif chunks:
                return b"".join(chunks)
            elif time.monotonic() - begun > _NOBODY_WRITES_S:
                raise InputError(f"{path}: a pipe that nothing writes to; start the writer first")
            else:
                time.sleep(_LOOK_EVERY_S)
    finally:
        os.close(pipe)
