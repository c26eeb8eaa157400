"""What the server does not keep, and what it does not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.server.api_errors import ApiError
from crispen.server.services.data_folder import DataFolder


def test_room(tmp_path: Path) -> None:
    files = DataFolder(tmp_path, max_total_bytes=1000, min_free_bytes=0)
    files.prepare()
    (files.uploads / "x").write_bytes(bytes(600))
    files.check_room(400)
    with pytest.raises(ApiError, match="1,000 bytes"):
        files.check_room(401)
    full = DataFolder(tmp_path, max_total_bytes=1 << 60, min_free_bytes=1 << 60)
    with pytest.raises(ApiError, match="disk is full"):
        full.check_room(0)


def test_the_secret_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    files = DataFolder(tmp_path, max_total_bytes=1, min_free_bytes=0)
    assert files.secret() == files.secret()
    assert len(files.secret()) == 32
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0
