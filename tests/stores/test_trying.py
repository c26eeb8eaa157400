"""Which errors are worth another try, and what is said in the end."""

from __future__ import annotations

import errno

import pytest

from crispen.errors import Cancelled, InputError, MissingInput, OutputError
from crispen.progress import Progress
from crispen.stores import trying
from crispen.stores.trying import tried


class Fails:
    """Raises errors one after the other, then returns."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """How long it would have waited before each try."""
    found: list[float] = []
    monkeypatch.setattr(trying, "_wait", lambda seconds, _: found.append(seconds))
    return found


def test_a_broken_connection_is_tried_again_ever_later(waits):
    action, again = Fails(ConnectionResetError(), TimeoutError(), OSError("odd")), Fails()
    assert tried(action, "s3://b/a", Progress(), again=again) == "done"
    assert (action.calls, again.calls) == (4, 3)
    assert [round(seconds / (0.5 * 2**n)) for n, seconds in enumerate(waits)] == [1, 1, 1]


def test_it_ends_with_one_line():
    with pytest.raises(InputError) as told:
        tried(
            Fails(*[ConnectionResetError(errno.ECONNRESET, "reset\nby peer")] * 9),
            "s3://b/a",
            Progress(),
        )
    assert str(told.value) == (
        "s3://b/a: cannot be read after 4 tries: reset by peer; check the network, then run the "
        "command again"
    )


NoCredentialsError = type("NoCredentialsError", (Exception,), {})


@pytest.mark.parametrize(
    ("error", "doing", "kind", "text"),
    [
        (FileNotFoundError(), "read", MissingInput, "no such file or folder"),
        (FileNotFoundError(), "written", OutputError, "its bucket or folder does not exist"),
        (
            PermissionError("denied"),
            "read",
            InputError,
            "check the credentials and their permissions",
        ),
        (NoCredentialsError("…"), "written", OutputError, "no credentials were found"),
        (OSError(errno.ENOSPC, "No space left on device"), "read", InputError, "No space left"),
    ],
)
def test_what_would_be_the_same_again_is_not_tried(error, doing, kind, text):
    action = Fails(error)
    with pytest.raises(kind, match=text):
        tried(action, "s3://b/a", Progress(), doing=doing)
    assert action.calls == 1


def test_it_can_be_cancelled_while_it_waits(monkeypatch):
    monkeypatch.undo()
    progress = Progress()
    action = Fails(*[ConnectionResetError()] * 9)
    inner = action.__call__

    def cancels():
        progress.cancel()
        return inner()

    with pytest.raises(Cancelled):
        tried(cancels, "s3://b/a", progress)
    assert action.calls == 1
