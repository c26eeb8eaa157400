"""Messages of the command line, as people on the page read them."""

from __future__ import annotations

import errno
import os

import pytest

from crispen.errors import InputError, OutputError
from crispen.jobs.error_texts import disk_is_full, for_everyone


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


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_known_however_it_is_raised(code: int) -> None:
    text = os.strerror(code)
    assert disk_is_full(OSError(code, text))
    # As an encoder says it, which names a file of ours and has advice for the command line.
    error = OutputError(f"result.png: cannot be written: {text}; free some space and run it again")
    assert disk_is_full(error)
    assert not disk_is_full(OSError(errno.EACCES, os.strerror(errno.EACCES)))
    assert not disk_is_full(InputError("a.png: cut off"))
