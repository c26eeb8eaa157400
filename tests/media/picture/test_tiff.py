"""Directories of TIFF files whose places are anything but places."""

from __future__ import annotations

import io
import struct

import pytest

from crispen.media.picture.tiff import EXIF, SUB_DIRECTORIES, SUBFILE, WIDTH, directories, linked
from crispen.media.picture.tiff_tags import in_tiff

LONG, SLONG, FLOAT = 4, 9, 11
BAD = [
    pytest.param(SLONG, "i", -10, id="negative"),
    pytest.param(FLOAT, "f", float("nan"), id="nan"),
    pytest.param(FLOAT, "f", float("inf"), id="infinite"),
    pytest.param(FLOAT, "f", 30.5, id="fraction"),
    pytest.param(FLOAT, "f", 1e30, id="beyond every file"),
    pytest.param(LONG, "I", 2**32 - 1, id="beyond the file"),
]


def tiff(tag: int, kind: int, code: str, value: float) -> io.BytesIO:
    """A TIFF of one directory with a width and this tag."""
    entries = sorted(
        [(WIDTH, LONG, struct.pack("<I", 7)), (tag, kind, struct.pack(f"<{code}", value))]
    )
    table = b"".join(struct.pack("<HHI", t, k, 1) + data for t, k, data in entries)
    return io.BytesIO(b"II*\0" + struct.pack("<IH", 8, 2) + table + bytes(4))


@pytest.mark.parametrize(("kind", "code", "value"), BAD)
@pytest.mark.parametrize("tag", [SUB_DIRECTORIES, EXIF, SUBFILE])
def test_a_place_that_is_none_is_passed_over(tag: int, kind: int, code: str, value: float) -> None:
    file = tiff(tag, kind, code, value)
    (found,) = directories(file)
    assert found.whole(file, WIDTH) == 7
    assert linked(file, found, EXIF) is None
    found.reduced(file)
    in_tiff(file)


def test_a_sub_directory_is_found() -> None:
    file = tiff(SUB_DIRECTORIES, LONG, "I", 38)
    file.seek(0, 2)
    file.write(struct.pack("<HHHII", 1, WIDTH, LONG, 1, 3) + bytes(4))
    first, second = directories(file)
    assert (first.sub, second.sub, second.whole(file, WIDTH)) == (-1, 0, 3)
