"""Deprecation of public names: a warning that states the version of their removal."""

from __future__ import annotations

import warnings


class CrispenDeprecationWarning(FutureWarning):
    """Something that is used here will be removed; shown to everyone, not to developers only."""


def deprecated(
    what: str, *, since: str, removed_in: str, instead: str, stacklevel: int = 2
) -> None:
    """Warn that something public will be removed.

    Call it where the old way is taken. A test fails once `removed_in` is reached, so that nothing
    outlives its announcement.

    Args:
        what: What is deprecated, as the start of a sentence.
        since: The version that first warned.
        removed_in: The version without it, at least one minor version later.
        instead: What to use, as an imperative.
        stacklevel: Frames between this call and the caller that should change, counted as
            `warnings.warn` does from the function that calls this one.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     deprecated("crispen.old", since="0.2", removed_in="0.4", instead="use crispen.new")
    >>> print(caught[0].message)
    crispen.old is deprecated since 0.2 and will be removed in 0.4; use crispen.new
    """
    warnings.warn(
        f"{what} is deprecated since {since} and will be removed in {removed_in}; {instead}",
        CrispenDeprecationWarning,
        stacklevel=stacklevel + 1,
    )
