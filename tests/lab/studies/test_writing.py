"""Results of a study, written as files."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from crispen.errors import InputError
from crispen.lab.studies.conduct import Conducted
from crispen.lab.studies.outcome import MSE, NAME, PSNR, Column, ResultTable, beside
from crispen.lab.studies.study_page import study_page
from crispen.lab.studies.writing import BEGIN, END, comma_separated, write_files, write_page
from crispen.media.image import read_image

TABLE = ResultTable(
    "t",
    "T",
    [NAME, PSNR, MSE, Column("free", "free", ".1f")],
    [
        {"name": "a", "psnr": 30.126, "mse": 0.002, "free": 1.0},
        {"name": "b", "psnr": 29.0, "mse": 0.001},
        {"name": "c", "psnr": None, "mse": float("nan")},
    ],
)


def test_the_best_is_the_highest_or_the_lowest_of_what_is_known() -> None:
    assert [TABLE.best(column) for column in TABLE.columns] == [None, 30.126, 0.001, None]


def test_one_number_alone_is_not_the_best() -> None:
    assert ResultTable("t", "T", [PSNR], [{"psnr": 1.0}]).best(PSNR) is None


def test_published_figures_stand_beside_the_rows_that_have_them() -> None:
    columns, rows = beside(TABLE.rows, {"b": {"psnr": 28.0}}, [PSNR])
    assert [c.title for c in columns] == ["original: PSNR, dB"]
    assert [row["original_psnr"] for row in rows] == [None, 28.0, None]


def test_csv_holds_bare_values() -> None:
    lines = list(csv.DictReader(comma_separated(TABLE).splitlines()))
    assert lines[0] == {"name": "a", "psnr": "30.126", "mse": "0.002", "free": "1.0"}
    assert lines[2]["psnr"] == ""


def test_files_of_a_study(done: Conducted) -> None:
    folder = done.order.folder
    written = {path.relative_to(folder).as_posix() for path in write_files(done)}
    assert written == {"tables/figures.csv", "pictures/place.png", "results.json", "study.md"}
    facts = json.loads((folder / "results.json").read_text())
    assert facts["tables"][0]["rows"][0]["name"] == "bicubic"
    assert facts["remarks"] == ["3 rows.", "Nothing is said by it."]
    assert [run["step"] for run in facts["runs"]] == [3, 3]
    text = (folder / "study.md").read_text()
    assert text.startswith("# A tiny study\n\nDoes it work?\n")
    assert "![A place](pictures/place.png)" in text
    assert "crispen study tiny --quick" in text
    assert read_image(folder / "pictures/place.png").width > 600


def test_only_what_is_between_the_marks_is_replaced(done: Conducted, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "tiny.md"
    write_page(done, page, tmp_path / "images")
    first = page.read_text()
    assert first.startswith(f"# A tiny study\n\n{BEGIN}\n")
    assert "](../images/tiny-place.png)" in first
    assert (tmp_path / "images" / "tiny-place.png").is_file()
    body = first.partition(BEGIN)[2].partition(END)[0]
    page.write_text(f"Mine.\n\n{BEGIN}\nold\n{END}\n\nMine, too.\n")
    write_page(done, page, tmp_path / "images")
    assert page.read_text() == f"Mine.\n\n{BEGIN}{body}{END}\n\nMine, too.\n"


def test_a_page_without_marks_is_left_alone(done: Conducted, tmp_path: Path) -> None:
    page = tmp_path / "mine.md"
    page.write_text("Mine.\n")
    with pytest.raises(InputError, match="measured: begin"):
        write_page(done, page, tmp_path)
    assert page.read_text() == "Mine.\n"


class Links(HTMLParser):
    """Whatever a page could fetch, and whether its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [v or "" for k, v in attrs if k in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_needs_nothing_else(done: Conducted) -> None:
    page = study_page(done, "2000-01-01")
    links = Links()
    links.feed(page)
    assert links.open == []
    assert all(source.startswith(("#", "data:")) for source in links.sources)
    anchors = {source[1:] for source in links.sources if source.startswith("#")}
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))
    assert "Figures &lt;&amp;&gt;" in page
    assert "Figures <&>" not in page
    assert {"results", "pictures", "curves", "recipe", "provenance"} <= anchors
