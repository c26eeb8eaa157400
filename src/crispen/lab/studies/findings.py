"""A study's results without the pictures: enough to write its page again with changed text."""

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
    """A study's tables and captions.

    Attributes:
        study: The study.
        tables: Its tables of results.
        captions: Captions of its pictures, by the picture's key.
        trained: Table of the training runs; None if the study trains nothing.
        command: Command line that repeats the study.
        quick: Whether this is the quick version, on generated pictures.
    """

    study: Study
    tables: Sequence[ResultTable]
    captions: Mapping[str, str]
    trained: ResultTable | None
    command: str
    quick: bool = False

    @property
    def remarks(self) -> list[str]:
        """Sentences of the discussion: first the conclusions, then the study's own remarks."""
        return [*self.conclusions, *self.study.remarks]

    @property
    def conclusions(self) -> Sequence[str]:
        """Sentences that depend on the figures."""
        return self.study.conclude({t.key: t for t in self.tables}) if self.study.conclude else ()

    def facts(self) -> dict[str, Any]:
        """The results as JSON values; `read_findings` reads them."""
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
    """Reads the output of `Findings.facts` from a JSON file.

    Args:
        path: The file.
        study: The study to which it belongs.

    Raises:
        InputError: The file cannot be read, or does not contain a study's results.
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
