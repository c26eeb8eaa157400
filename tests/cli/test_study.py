"""``crispen study``: from a name to a report, and all of its errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

# The smallest study, as short as it gets.
SHORT = (
    "study",
    "color",
    "--quick",
    "--set",
    "train.steps=2",
    "--set",
    "validation.count=1",
    "--limit",
    "1",
    "--threads",
    "1",
    "--device",
    "cpu",
)


def test_list_says_what_each_asks(crispen: Any) -> None:
    said = crispen("study", "--list")
    assert said.code == 0, said.err
    assert {"classic", "residual", "losses", "color"} <= set(said.out.split())
    facts = json.loads(crispen("study", "--list", "--json").out)
    color = next(one for one in facts if one["name"] == "color")
    assert color["runs"] == ["espcn-luma", "espcn-yuv"]
    assert "colour space" in color["question"]


def test_a_study_leaves_tables_pictures_and_a_report(crispen: Any) -> None:
    said = crispen(*SHORT, "--markdown", "docs/color.md", "--images", "docs/images")
    assert said.code == 0, said.err
    folder = Path("runs/studies/color-quick")
    assert f"made {folder}/report.html" in said.out
    assert "bicubic" in said.out
    for name in ("report.html", "study.md", "results.json", "tables/color.csv"):
        assert (folder / name).stat().st_size > 100
    assert "](images/color-espcn.png)" in Path("docs/color.md").read_text()
    assert Path("docs/images/color-espcn.png").is_file()
    # Again: nothing is trained, the same is found.
    again = crispen(*SHORT, "--json")
    assert again.code == 0, again.err
    facts = json.loads(again.out)
    assert facts["report"] == f"{folder}/report.html"
    assert [run["id"] for run in facts["runs"]] == ["espcn-luma", "espcn-yuv"]
    assert not any("training" in line for line in again.err.splitlines())
    runs = crispen("runs", folder)
    assert "espcn-yuv" in runs.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("study",), "name a study: "),
        (("study", "colour"), "colour: no such study; did you mean color"),
        (("study", "color", "--quick", "--data", "x"), "leave --data and --valid out"),
        (("study", "color", "--images", "x"), "give --markdown too"),
        (("study", "color", "--effort", "0"), "--effort 0: must be above 0"),
        (("study", "color", "--set", "train.stepps=1"), "train.stepps"),
        (("study", "color", "--valid", "nowhere"), "nowhere: no such folder"),
    ],
)
def test_wrong_usage_is_one_line_and_trains_nothing(
    crispen: Any, arguments: tuple[str, ...], told: str
) -> None:
    said = crispen(*arguments)
    assert said.code in (1, 2)
    assert told in said.err
    assert len(said.err.splitlines()) == 1
    assert not list(Path().rglob("*.ckpt"))


def test_a_page_that_is_no_page_is_left_alone(crispen: Any) -> None:
    Path("mine.md").write_text("Mine.\n")
    said = crispen(*SHORT, "--markdown", "mine.md")
    assert said.code == 1
    assert "measured: begin" in said.err
    assert Path("mine.md").read_text() == "Mine.\n"
    assert not list(Path().rglob("*.ckpt"))
