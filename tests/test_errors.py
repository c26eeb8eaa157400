"""The errors that the package offers."""

import crispen


def test_the_errors_are_those_of_the_errors_module():
    from crispen import errors

    assert crispen.UsageError is errors.UsageError
    assert issubclass(crispen.MissingInput, FileNotFoundError)
