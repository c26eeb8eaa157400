"""Writes the pages of ``docs/studies`` from the studies' results.

python tools/study_pages.py                 rewrite the pages with the current text
python tools/study_pages.py --check         list stale pages, and fail
python tools/study_pages.py --run [NAME …]  run the studies first: hours on two cores

Results of a study are kept in ``docs/studies/results``. Figures come from there; every sentence
comes from the code, including those that depend on figures.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from _pages import DOCS, ROOT, write_or_check
from crispen.lab.studies import STUDIES, Study
from crispen.lab.studies.findings import Findings, read_findings
from crispen.lab.studies.writing import page_text

PAGES = DOCS / "studies"
RESULTS = PAGES / "results"
IMAGES = DOCS / "images/studies"
# How much longer than the default, if that is too short to show anything.
EFFORT = {"classic": "3", "losses": "3"}
BEGIN, END = "<!-- originals: begin -->", "<!-- originals: end -->"


def run(study: Study) -> None:
    """Runs a study; existing trainings are not repeated."""
    folder = ROOT / "runs/studies" / study.name
    page = PAGES / f"{study.name}.md"
    command = [sys.executable, "-m", "crispen", "study", study.name, "-o", str(folder)]
    command += ["--markdown", str(page), "--images", str(IMAGES)]
    command += ["--effort", EFFORT[study.name]] if study.name in EFFORT else []
    subprocess.run(command, cwd=ROOT, check=True)
    keep(study, folder / "results.json")


def keep(study: Study, results: Path) -> None:
    """Copies the part of a study's results that a page needs."""
    text = json.dumps(read_findings(results, study).facts(), indent=1, ensure_ascii=False)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{study.name}.json").write_text(f"{text}\n", encoding="utf-8")


def originals(found: list[Findings]) -> str:
    """A table of the studies' reported results, their networks' results here, and ours."""
    lines = [
        "| study | figure | original study | as built, here | ours, here |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for one in found:
        tables = {table.key: table for table in one.tables}
        for original in one.study.originals:
            table = tables[original.table]
            (column,) = (c for c in table.columns if c.key == original.column)
            cells = [
                column.written(table.number(row, column.key)) if row else "–"
                for row in (original.as_built, original.ours)
            ]
            link = f"[{one.study.name}]({one.study.name}.md)"
            lines.append(f"| {link} | {original.what} | {original.figure} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Runs the requested studies, and writes or checks all pages."""
    if "--run" in sys.argv:
        names = sys.argv[sys.argv.index("--run") + 1 :]
        for study in STUDIES:
            if not names or study.name in names:
                run(study)
    found = [read_findings(RESULTS / f"{study.name}.json", study) for study in STUDIES]
    pages = {PAGES / f"{f.study.name}.md": f for f in found}
    files = {page: page_text(one, page, IMAGES) for page, one in pages.items()}
    overview = PAGES / "README.md"
    files[overview] = re.sub(
        rf"{BEGIN}.*{END}",
        lambda _: f"{BEGIN}\n\n{originals(found)}\n\n{END}",
        overview.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    write_or_check(files)


if __name__ == "__main__":
    main()
