"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crispen.evaluate.findings import Findings
from crispen.evaluate.run_folders import Run


@dataclass(frozen=True, eq=False)
class Report:
    """What goes into the page.

    Attributes:
        runs: At least one.
        findings: What was measured with the exported models, by the run's id.
        missing: Why there are no findings, by the run's id.
        title: Instead of the runs' names.
        author: Who submits it.
        text: The author's text; empty lines separate paragraphs.
        date: The report's.
    """

    runs: Sequence[Run]
    findings: Mapping[str, Findings] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    author: str = ""
    text: str = ""
    date: str = ""

    def label(self, run: Run) -> str:
        """A run's name, or its folder if two runs share a name."""
        return run.id if [r.name for r in self.runs].count(run.name) > 1 else run.name
