"""What holds for all files of a batch, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from crispen.enhance.request import Request
from crispen.errors import UsageError
from crispen.models.athand import AtHand

Status = Literal["done", "skipped", "failed", "unread"]


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for all files of a batch.

    Attributes:
        request: What is wanted.
        at_hand: The models that it names; those that ship and the user's own unless given.
        device: What networks run on.
        memory_bytes: Budget of tiles.
        threads: Maximum number of CPU threads.
        tile_px: Side of square tiles, instead of a choice by memory.
        max_pixels: Refuse pictures of more.
        recursive: Look into folders below folders.
        resume: Skip finished results; None for what `overwrite` implies.
        overwrite: Replace results that exist.
    """

    request: Request = field(default_factory=Request)
    at_hand: AtHand | None = None
    device: str = "auto"
    memory_bytes: int | None = None
    threads: int | None = None
    tile_px: int | None = None
    max_pixels: int | None = None
    keep_damaged: bool = False
    recursive: bool = False
    resume: bool | None = None
    overwrite: bool = False

    @property
    def resumes(self) -> bool:
        """Whether finished results are skipped: by default, if none is overwritten."""
        return not self.overwrite if self.resume is None else self.resume


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Attributes:
        source: The file as typed or found; ``-`` is standard input.
        target: Where the result is or would be; empty if it never got so far.
        status: ``done``, ``skipped`` (was there already), ``failed``, or ``unread`` for a file in a
            folder that is of no format that is read.
        source_size: Width and height.
        target_size: Width and height.
        frames: Of an animation or video.
        models: Names of the networks that ran, in order.
        codec: Of a video.
        seconds: Time it took.
        error: One line, if it failed or is not read.
        kind: What an unread file is, in a word.
        notes: What a person should know about the result.
        shrinks_back: See `crispen.enhance.enhancer.Enhanced`.
        exit_code: What this alone would end the command with.
        node: Which machine did it, where there are several.
    """

    source: str
    target: str
    status: Status
    source_size: tuple[int, int] | None = None
    target_size: tuple[int, int] | None = None
    frames: int = 1
    seconds: float = 0.0
    error: str = ""
    kind: str = ""
    notes: tuple[str, ...] = ()
    shrinks_back: float | None = None
    exit_code: int = 0
    models: tuple[str, ...] = ()
    codec: str = ""
    node: str = ""

    @classmethod
    def failure(cls, source: str, target: str, text: str, exit_code: int = 1) -> Outcome:
        """The outcome of a file that failed; the text becomes one line."""
        return cls(source, target, "failed", error=" ".join(text.split()), exit_code=exit_code)

    def as_json(self) -> dict[str, Any]:
        """Plain types, for ``--json``."""
        facts = {**asdict(self), "seconds": round(self.seconds, 3)}
        if not self.node:
            del facts["node"]
        return facts


@dataclass(slots=True)
class Tally:
    """How many files came to what, without the outcomes, which may be millions.

    Attributes:
        unread: How many files were not read, by their kind.
    """

    unread: Counter[str] = field(default_factory=Counter)
    _all: int = 0
    _failed: int = 0
    _usage: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self._all += 1
        if outcome.status == "unread":
            self.unread[outcome.kind] += 1
        elif outcome.status == "failed":
            self._failed += 1
            self._usage += outcome.exit_code == UsageError.exit_code

    @property
    def exit_code(self) -> int:
        """0 if all went well, 2 if everything failed by wrong usage, else 1."""
        if not self._failed:
            return 0
        return UsageError.exit_code if self._usage == self._all else 1


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """What `Tally.exit_code` says of these."""
    tally = Tally()
    for outcome in outcomes:
        tally.add(outcome)
    return tally.exit_code
