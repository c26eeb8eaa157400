"""What a study found, without its pixels: enough to write its page again in other words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crispen.errors import InputError
from crispen.lab.studies.outcome import Column, ResultTable
from crispen.lab.studies.study import Study


@dataclass(frozen=True)
class Findings:
    """A study's figures; every sentence is the study's own.

    Attributes:
        study: Which.
        tables: What was measured.
        captions: Of its pictures, by key.
        trained: What was trained; None if nothing was.
        command: What one types to repeat it.
        quick: Whether it is the small version, on pictures made by code.
    """

    study: Study
    tables: Sequence[ResultTable]
    captions: Mapping[str, str]
    trained: ResultTable | None
    command: str
    quick: bool = False

    @property
    def remarks(self) -> list[str]:
        """What to make of it: first what these figures say, then what is always true."""
        return [*self.conclusions, *self.study.remarks]

    @property
    def conclusions(self) -> Sequence[str]:
        """What these figures say."""
        return self.study.conclude({t.key: t for t in self.tables}) if self.study.conclude else ()

    def facts(self) -> dict[str, Any]:
        """Everything as plain JSON values; `read_findings` understands them."""
        return {
            "study": self.study.name,
            "quick": self.quick,
            "command": self.command,
            "tables": [_plain(table) for table in self.tables],
            "pictures": [
                {"file": f"pictures/{key}.png", "caption": text}
                for key, text in self.captions.items()
            ],
            "trained": None if self.trained is None else _plain(self.trained),
        }


def read_findings(path: Path, study: Study) -> Findings:
    """What `Findings.facts` made, from a file.

    Raises:
        InputError: It is not such a file.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Findings(
            study,
            [_table(table) for table in found["tables"]],
            {Path(picture["file"]).stem: picture["caption"] for picture in found["pictures"]},
            None if found["trained"] is None else _table(found["trained"]),
            found["command"],
            found["quick"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a study's results; run the study again") from error


def _plain(table: ResultTable) -> dict[str, Any]:
    return {
        "key": table.key,
        "title": table.title,
        "note": table.note,
        "columns": [asdict(column) for column in table.columns],
        "rows": [
            {c.key: _finite(row.get(c.key)) for c in table.columns if c.key in row}
            for row in table.rows
        ],
    }


def _table(facts: Mapping[str, Any]) -> ResultTable:
    columns = [Column(**column) for column in facts["columns"]]
    return ResultTable(facts["key"], facts["title"], columns, facts["rows"], facts["note"])


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
