"""What each kind of data provides; the rest is the same for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crispen.lab.data.sources import Failures, Source
from crispen.lab.data.splitting import Split, draw
from crispen.lab.data.tables import DataTable


@dataclass
class Material:
    """What a kind of data provides; all else is the same for every kind.

    Attributes:
        name: For the description and for errors: a folder, a file, a set.
        target: The pictures.
        input: What paired data has for each of them.
        scale: Of paired data, how many times larger a target is.
        held_out: Indices that the set itself holds out; None lets the table decide.
        groups: By picture; those of one group are never torn apart by the split.
        digest: SHA-256 that names the set.
        licence: Of the pictures.
        failures: Pictures that turned out unreadable so far.
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
        """Which of the pictures that can be read are trained on."""
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
