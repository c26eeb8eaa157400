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
        """Which of the readable pictures to train on."""
        bad = self.failures.reasons
        usable = [i for i in range(len(self.target.names)) if i not in bad]
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
