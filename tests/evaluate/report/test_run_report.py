"""Reports: what they hold, and that they stand alone."""

from __future__ import annotations

from pathlib import Path

from crispen.evaluate.report.report_parts import Report
from crispen.evaluate.report.run_report import make_report
from crispen.evaluate.run_folders import read_run

from .conftest import found, make_run, parse


def test_a_report_stands_alone(tmp_path: Path, data: Path) -> None:
    run = make_run(tmp_path / "a")
    report = Report([run], {"a": found(run, data)}, author="A. <b>", text="One.\n\nTwo.")
    page = make_report(report)
    parsed = parse(page)
    assert parsed.fetched
    assert all(url.startswith("data:image/") for url in parsed.fetched)
    assert parsed.missing_alt == 0
    assert len(parsed.ids) == len(set(parsed.ids))
    assert all(link.removeprefix("#") in parsed.ids for link in parsed.links)
    assert "default-src 'none'" in page
    for evil in ("A. <b>", "<tiny>", "<b>.png"):
        assert evil not in page


def test_a_report_holds_what_a_student_hands_in(tmp_path: Path, data: Path) -> None:
    run = make_run(tmp_path / "a")
    page = make_report(Report([run], {"a": found(run, data)}, text="What I think."))
    for text in (
        "27.00 dB",
        "58,212",
        "1 h 2 min",
        "PSNR on validation pictures",
        "Loss term: ssim",
        "Accuracy counts the pixels",
        "Some &amp; paper",
        "+0.50 dB",
        "+0.00100",
        "Worst: ",
        "Best: ",
        "Bicubic shrinking by 2",
        "step 600, epoch 6",
        "l1 + ssim (weight 0.1)",
        "learning rate 0.001, 300 steps",
        "crispen train x.toml",
        "0123abc",
        "abc123",
        "What I think.",
        "torch 2.13.0",
    ):
        assert text in page, text
    assert page.count('class="slider"') == 2
    # Worse than the paper where lower is better.
    assert '<span class="bad">+0.00100</span>' in page


def test_several_runs_share_their_charts(tmp_path: Path, data: Path) -> None:
    one, two = make_run(tmp_path / "one"), make_run(tmp_path / "two", status="failed", error="NaN")
    report = Report([one, two], {"one": found(one, data)}, {"two": "no model"})
    page = make_report(report)
    parse(page)
    # Two runs of one name are told apart by their folders.
    assert report.label(two) == "two"
    assert "one, training" in page
    assert "two, validation" in page
    assert page.count("Some &amp; paper") == 1
    assert "no model" in page
    assert "NaN" in page


def test_a_run_that_just_began_has_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "young"
    folder.mkdir()
    (folder / "run.json").write_text('{"status": "running"}')
    page = make_report(Report([read_run(folder)]))
    parse(page)
    assert "young" in page
    assert 'id="curves"' not in page
