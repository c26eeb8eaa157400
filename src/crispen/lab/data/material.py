"""What each kind of data provides; the rest is common to all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crispen.lab.data.sources import Failures, Source
from crispen.lab.data.splitting import Split, draw
from crispen.lab.data.tables import DataTable


@dataclass
class Material:
    """What a kind of data provides; the rest is common to all kinds.

    Attributes:
        name: Name for the description and for errors: a folder, a file, a set.
        target: The pictures.
        input: The inputs of paired data, one for each target.
        scale: For paired data, how many times larger a target is.
        held_out: Indices that the set itself holds out; None lets the table decide.
        groups: Group of each picture; the split keeps groups together.
        digest: SHA-256 that identifies the set.
        licence: Licence of the pictures.
        failures: Pictures found unreadable so far.
    """

    name: str
    target: Source
    digest: str
    licence: str
    input: Source | None = None
    scale: int | None = None
    held_out: Sequence[int] | None = None
    groups: Sequence[int] | None = None
    failures: Failures = field(default_factory=Failures)

    def split(self, table: DataTable) -> Split:
        """Which of the readable pictures to train on.

        With a limit, pictures are drawn before they are opened, so unreadable ones count.
        """
        usable = self.failures.others(len(self.target.names))
        if self.failures.left_out:
            return self._limited(table, set(usable))
        if self.held_out is None:
            return draw(
                usable,
                share=table.valid_share,
                seed=table.split_seed,
                limit=table.limit,
                groups=self.groups,
            )
        held = set(self.held_out)
        rest = [i for i in usable if i not in held]
        drawn = draw(rest, share=0, seed=table.split_seed, limit=table.limit)
        seed = table.split_seed if table.limit else None
        return Split(drawn.train, [i for i in usable if i in held], seed)

    def _limited(self, table: DataTable, usable: set[int]) -> Split:
        """The same with a limit that left pictures out unopened."""
        held = set(self.held_out or ())
        drawn = draw(
            [i for i in range(len(self.target.names)) if i not in held],
            share=table.valid_share if self.held_out is None else 0,
            seed=table.split_seed,
            limit=table.limit,
            groups=self.groups,
        )
        valid = drawn.valid if self.held_out is None else sorted(held)
        train = [i for i in drawn.train if i in usable]
        return Split(train, [i for i in valid if i in usable], table.split_seed)
