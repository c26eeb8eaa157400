"""What other systems do with the names of files: those that Windows refuses, and letters' cases."""

from __future__ import annotations

import itertools
import os
import re
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_REFUSED = re.compile(r'[<>:"\\|?*\x00-\x1f]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³])", re.IGNORECASE)
_MOST_LOOKS = 16


def on_windows() -> bool:
    """Whether this is Windows."""
    return os.name == "nt"


def portable(name: str) -> str:
    """A name that every system takes, as similar as possible.

    Args:
        name: Of a file, with the folders before it, each followed by ``/``.

    >>> portable("con/a:b?.png"), portable("AUX.tar.gz"), portable("what.../x. ")
    ('con_/a_b_.png', 'AUX_.tar.gz', 'what.._/x._')
    """
    return "/".join(map(_portable, name.split("/")))


def _portable(part: str) -> str:
    part = _REFUSED.sub("_", part)
    if part.endswith((".", " ")) and part not in (".", ".."):
        part = f"{part[:-1]}_"  # Windows would drop them
    stem, dot, rest = part.partition(".")
    if _DEVICES.fullmatch(stem.rstrip(" ")):
        part = f"{stem.rstrip(' ')}_{dot}{rest}"
    return part


def local_name(name: str) -> str:
    """`name` as files of this system can have it; see `portable`."""
    return portable(name) if on_windows() else name


def folded(name: str) -> str:
    """What is equal for names that are one file where letters' cases do not count.

    >>> folded("Café.PNG") == folded("CAFE\u0301.png")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def ignores_case(folder: Path) -> bool:
    """Whether names that differ only in their letters' cases are one file in a folder.

    Nothing is written: a name that is there is looked for in the other case. Where none can tell,
    Windows and macOS are assumed to ignore cases.

    Args:
        folder: It need not exist; the one that will hold it does then.
    """
    place = Path(os.path.realpath(folder))
    while not place.is_dir() and place != place.parent:
        place = place.parent
    with suppress(OSError), os.scandir(place) as entries:
        for entry in itertools.islice(entries, _MOST_LOOKS):
            if (found := _is_both(place, entry.name)) is not None:
                return found
    while place != place.parent:
        if (found := _is_both(place.parent, place.name)) is not None:
            return found
        place = place.parent
    return sys.platform in ("win32", "darwin")


def _is_both(folder: Path, name: str) -> bool | None:
    """Whether a name that is there is also found in the other case; None if it has no letters."""
    other = name.swapcase()
    if other == name or not name.isascii():
        return None
    try:
        return os.path.samefile(folder / name, folder / other)
    except FileNotFoundError:
        return False if os.path.lexists(folder / name) else None
    except OSError:
        return None
