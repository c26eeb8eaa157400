"""Sources of pictures: a path, the bytes of a file, or a stream."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from crispen.errors import InputError, MissingInput, UsageError
from crispen.media.signatures import HEAD_BYTES

Source = str | os.PathLike[str] | bytes | BinaryIO


def locate(source: Source) -> tuple[str, bytes, Path | None]:
    """What to call the source in errors, its bytes, and its path: bytes or path, not both."""
    if isinstance(source, bytes):
        return "the given bytes", source, None
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", None)
        data = source.read()
        if not isinstance(data, bytes):
            raise UsageError("a stream must be opened in binary mode: open(path, 'rb')")
        known = isinstance(name, str) and not name.startswith("<")
        return str(name) if known else "standard input or stream", data, None
    return os.fspath(source), b"", Path(source)


def first_bytes(path: Path) -> bytes:
    """What `crispen.media.signatures.sniff` needs to see of a file.

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
