"""Which addresses count as one client."""

from __future__ import annotations

from pathlib import Path


def test_what_is_counted_together(tmp_path: Path) -> None:
    from crispen.server.http.addresses import counted_as

    home = {counted_as(f"2001:db8:0:7::{n:x}") for n in range(1, 50)}
    assert len(home) == 1
    assert counted_as("2001:db8:0:8::1") not in home
