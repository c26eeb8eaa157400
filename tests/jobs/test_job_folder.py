"""Where the result of a job is."""

from __future__ import annotations

import pytest

from crispen.enhance.plan import result_format
from crispen.enhance.request import Request

from .conftest import SOURCE


@pytest.mark.parametrize(
    ("kind", "format", "asked", "expected"),
    [
        ("image", "png", None, "png"),
        ("image", "bmp", None, "png"),
        ("image", "png", "webp", "webp"),
        ("video", "mp4", None, "mp4"),
        ("video", "avi", None, "mkv"),
        ("video", "avi", "mp4", "mp4"),
    ],
)
def test_format_of_the_result(kind: str, format: str, asked: str, expected: str) -> None:
    source = SOURCE.model_copy(update={"kind": kind, "format": format})
    assert result_format(Request(format=asked), source) == expected
