"""Log lines."""

from __future__ import annotations

import logging

import pytest

from crispen.server.logs import JsonLines, TextLines


def test_nobody_writes_lines_into_the_log() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "GET /a\nb\x1b[2J %s", ("c",), None)
    assert "\n" not in TextLines().format(record)
    assert "\x1b" not in TextLines().format(record)
    assert "\n" not in JsonLines().format(record)


@pytest.mark.parametrize("peer", ["192.0.2.7", None])
def test_the_log_says_who_asked(peer: str | None) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "GET /a 200", (), None)
    record.peer = peer
    assert TextLines().format(record).endswith(f"GET /a 200 {peer}" if peer else "GET /a 200")
