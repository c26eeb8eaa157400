"""Files that end early."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.media.video.completeness import ends_early

EBML = bytes.fromhex("1a45dfa3 84 42868101")


SEGMENT = bytes.fromhex("18538067")


@pytest.mark.parametrize(
    ("whole", "states_length"),
    [
        (EBML + SEGMENT + b"\x90" + bytes(16), True),
        (EBML + SEGMENT + bytes.fromhex("01 00000000000010") + bytes(16), True),
        (EBML + SEGMENT + bytes.fromhex("01 ffffffffffffff") + bytes(16), False),  # streamed
        (b"\0\0\0\x08ftyp" + b"\0\0\0\x18mdat" + bytes(16), True),
        (b"\0\0\0\x08ftyp" + b"\0\0\0\1mdat" + bytes(7) + b"\x20" + bytes(16), True),
        (b"\0\0\0\x08ftyp" + b"\0\0\0\0mdat" + bytes(16), False),  # to the end of the file
        (b"\0\0\0\x08ftyp" + b"SEFT, a camera's own notes", False),
        (b"RIFF\x18\0\0\0AVI LIST" + bytes(16), True),
        (b"\x47" + bytes(187), False),
    ],
)
def test_a_file_ends_early_that_is_shorter_than_it_says(
    tmp_path: Path, whole: bytes, states_length: bool
) -> None:
    path = tmp_path / "a"
    path.write_bytes(whole)
    assert not ends_early(path)
    path.write_bytes(whole[:-1])
    assert ends_early(path) == states_length
    for size in range(1, len(whole)):  # however little is left of it
        path.write_bytes(whole[:size])
        ends_early(path)
