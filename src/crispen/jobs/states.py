"""The state machine of a job, in one place.

::

    queued ──claim──► running ──finish──► done
      ▲  │              │ │ └───fail────► failed
      │  └──cancel──┐   │ └────cancel───► cancelled
      │             ▼   │
      │         cancelled
      ├──────release────┤   a graceful stop, or the whole server died: costs no attempt
      └───────lose──────┘   its worker died: at most `MAX_ATTEMPTS`, then failed
    failed, cancelled ──retry──► queued
    queued ──pause──► paused ──resume──► queued
                      paused ──cancel──► cancelled

Everything that changes a status goes through `move`; the store applies the answer only where the
row still has the status, worker and attempt that the answer was made for.
"""

from __future__ import annotations

from enum import StrEnum

from crispen.errors import UsageError

MAX_ATTEMPTS = 3


class Status(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    PAUSED = "paused"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Move(StrEnum):
    """What can happen to a job."""

    CLAIM = "claim"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"
    RELEASE = "release"
    LOSE = "lose"
    RETRY = "retry"
    PAUSE = "pause"
    RESUME = "resume"


FINAL = frozenset({Status.DONE, Status.FAILED, Status.CANCELLED})

_MOVES = {
    (Status.QUEUED, Move.CLAIM): Status.RUNNING,
    (Status.QUEUED, Move.CANCEL): Status.CANCELLED,
    (Status.RUNNING, Move.FINISH): Status.DONE,
    (Status.RUNNING, Move.FAIL): Status.FAILED,
    (Status.RUNNING, Move.CANCEL): Status.CANCELLED,
    (Status.RUNNING, Move.RELEASE): Status.QUEUED,
    (Status.RUNNING, Move.LOSE): Status.QUEUED,
    (Status.FAILED, Move.RETRY): Status.QUEUED,
    (Status.CANCELLED, Move.RETRY): Status.QUEUED,
    (Status.QUEUED, Move.PAUSE): Status.PAUSED,
    (Status.PAUSED, Move.RESUME): Status.QUEUED,
    (Status.PAUSED, Move.CANCEL): Status.CANCELLED,
}


class NotPossible(UsageError):
    """A move that a job's status does not allow."""


def move(status: Status, what: Move, *, attempts: int = 0) -> tuple[Status, int]:
    """The status and attempts after a move.

    Args:
        status: Before it.
        what: What happens.
        attempts: How often it was begun, this time included.

    Raises:
        NotPossible: The status does not allow it.

    >>> move(Status.RUNNING, Move.LOSE, attempts=3)
    (<Status.FAILED: 'failed'>, 3)
    """
    after = _MOVES.get((status, what))
    if after is None:
        allowed = sorted({s.value for s, m in _MOVES if m is what})
        raise NotPossible(
            f"the job is {status.value}; only {' or '.join(allowed)} jobs take '{what.value}'"
        )
    match what:
        case Move.CLAIM:
            return after, attempts + 1
        case Move.RELEASE:
            return after, max(0, attempts - 1)
        case Move.RETRY:
            return after, 0
        case Move.LOSE if attempts >= MAX_ATTEMPTS:
            return Status.FAILED, attempts
        case _:
            return after, attempts
