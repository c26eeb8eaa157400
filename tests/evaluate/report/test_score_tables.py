"""Tables of scores, in every format."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from crispen.evaluate.report import score_tables

from .conftest import A, B


def test_rows_by_hand() -> None:
    rows = score_tables.rows([A])
    assert rows[0] == ("a<b>", "x.png", "30.00", "0.9000", "0.00100", "0.1000", "0.2500", "")
    assert rows[2] == ("a<b>", "mean", "∞", "0.9500", "0.00050", "0.2000", "0.5000", "120")
    assert score_tables.rows([B], pictures=False)[0][5:] == ("0.0500", "0.1000", "–")


def test_facts_are_valid_json_numbers() -> None:
    facts = score_tables.facts(A)
    assert facts["psnr"] is None
    assert facts["lpips"] == pytest.approx(0.2)
    assert facts["peak_memory_bytes"] == 120_000_000
    assert facts["pictures"][1] == {
        "picture": "y.png",
        "psnr": None,
        "ssim": 1.0,
        "mse": 0.0,
        "lpips": 0.3,
        "seconds": 0.75,
    }


def test_csv_and_markdown_hold_the_same() -> None:
    rows = list(csv.reader(io.StringIO(score_tables.comma_separated([A, B]))))
    lines = score_tables.markdown([A, B]).splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if "|" in line]
    assert cells[0] == rows[0]
    assert cells[2:] == rows[1:]
    assert "Y' (BT.601 studio swing)" in lines[-1]
    assert "border of 2 pixels" in lines[-1]
    assert score_tables.note([replace(A, metrics=("ssim",))]).startswith("SSIM on Y'")
