"""The errors that the package offers."""

import pickle

import pytest

import crispen
from crispen import errors


def test_the_errors_are_those_of_the_errors_module():
    assert crispen.UsageError is errors.UsageError
    assert issubclass(crispen.MissingInput, FileNotFoundError)


# The server's own needs a code as well.
KINDS = [
    kind
    for kind in (errors.CrispenError, *errors.CrispenError.__subclasses__())
    if kind.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_one_line_whatever_it_quotes(kind):
    """Names of files and values in recipes may hold what ends a line or steers a terminal."""
    error = kind("no file 'a\nb\r\x1b[2J\x85\u2028'; give another")
    assert str(error) == r"no file 'a\nb\r\x1b[2J\x85\u2028'; give another"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
