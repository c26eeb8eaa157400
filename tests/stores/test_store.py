"""Names of files, which come from other people's stores."""

from __future__ import annotations

import pytest

from crispen.errors import InputError
from crispen.stores.store import check_place, is_hidden


@pytest.mark.parametrize(
    "name", ["", "..", "../a", "a/../b", "/a", "a//b", "a/", "a\\b", "a\0b", "./a"]
)
def test_names_that_are_none(name):
    with pytest.raises(InputError, match="no name for a file in a folder; rename it there"):
        check_place(name)


@pytest.mark.parametrize("name", ["a", "a/b.c", "..a", "a..", "a b/ü.png", "a:b"])
def test_names_that_are_fine(name):
    check_place(name)


def test_what_is_hidden():
    assert is_hidden(".a")
    assert is_hidden("a/.b/c")
    assert not is_hidden("a.b/c.d")
