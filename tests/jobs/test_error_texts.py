"""Messages of the command line, as people on the page read them."""

from __future__ import annotations

import pytest

from crispen.jobs.error_texts import for_everyone


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "a.png: 20,000,000,000 pixels; if you trust the file, raise it with --max-pixels 2e10",
            "a.png: 20,000,000,000 pixels; make it smaller, or ask the administrator of the "
            "server to raise max_pixels",
        ),
        (
            "a.mp4: damaged; fetch it again, or read what is left of it with --keep-damaged",
            "a.mp4: damaged; fetch it again",
        ),
        ("no model for it; --as-is only enlarges", "no model for it"),
        ("give --crf or --quality", "give crf or quality"),
        ("two\n  lines", "two lines"),
        ("a-b--c.png is no option", "a-b--c.png is no option"),
    ],
)
def test_options_are_not_named(message: str, shown: str) -> None:
    assert for_everyone(message) == shown
