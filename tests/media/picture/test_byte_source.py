"""Where pictures come from, and what is said of what is not there."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from crispen.errors import InputError, MissingInput, UsageError
from crispen.media.picture.byte_source import first_bytes, locate
from crispen.media.signatures import HEAD_BYTES


def test_each_kind_of_source(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"abc")
    assert locate(path) == (str(path), b"", path)
    assert locate(str(path)) == (str(path), b"", path)
    assert locate(b"abc") == ("the given bytes", b"abc", None)
    assert locate(io.BytesIO(b"abc")) == ("standard input or stream", b"abc", None)
    with path.open("rb") as file:
        assert locate(file) == (str(path), b"abc", None)
    with path.open() as text, pytest.raises(UsageError, match="binary mode"):
        locate(text)  # type: ignore[arg-type]


def test_only_the_beginning_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(10_000))
    assert len(first_bytes(path)) == HEAD_BYTES


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such file"):
        first_bytes(tmp_path / "a")
    with pytest.raises(InputError, match="a folder"):
        first_bytes(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    with pytest.raises(MissingInput, match="a link to"):
        first_bytes(link)
    with pytest.raises(InputError, match="cannot be read"):
        first_bytes(Path("a\0b"))


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator reads everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch(0o000)
    with pytest.raises(InputError, match="no permission"):
        first_bytes(path)
