"""Pictures of a run in its report."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from crispen.errors import MissingInput
from crispen.evaluate.findings import validation_pairs
from crispen.evaluate.report.report_parts import Report
from crispen.evaluate.report.run_report import make_report
from crispen.media.image import Image, write_image

from .conftest import found, make_run, parse


def test_the_worst_and_the_best_are_those(tmp_path: Path, data: Path) -> None:
    findings = found(make_run(tmp_path / "a"), data)
    values = {p.picture: p.psnr for p in findings.scores[0].pictures}
    worst, best = findings.shown
    assert (worst.place, worst.psnr) == ("worst", min(values.values()))
    assert (best.place, best.psnr) == ("best", max(values.values()))
    assert [p.title for p in best.comparison.panels] == ["input", "espcn-x2", "reference"]
    baseline = {p.picture: p.psnr for p in findings.scores[1].pictures}
    assert best.gain == pytest.approx(best.psnr - baseline[best.picture])


def test_of_a_large_picture_the_worst_part_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    pixels = np.full((700, 800, 3), 100, np.uint8)
    pixels[600:660, 700:760] = np.random.default_rng(0).integers(0, 256, (60, 60, 3))
    write_image(Image(pixels), folder / "a.png")
    (shown,) = found(make_run(tmp_path / "a"), folder).shown
    assert shown.part
    reference = shown.comparison.panels[2].pixels
    assert reference.shape == (640, 640, 3)
    np.testing.assert_array_equal(reference, pixels[60:, 160:])


def test_a_sheet_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    (tmp_path / "a" / "samples" / "600.png").write_bytes(b"\x89PNG\r\n")
    page = make_report(Report([run]))
    parse(page)
    assert re.findall(r"<b>(step [^<]*)</b>", page) == [
        "step 100, epoch 1",
        "step 300, epoch 3",
        "step 400, epoch 4",
    ]


def test_validation_pictures_in_order(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    monkeypatch.delenv("CRISPEN_DATA", raising=False)
    run = make_run(tmp_path / "a")
    # Asked for.
    asked = validation_pairs(run, data, degraded=False)
    assert asked is not None
    assert len(asked[0]) == 3
    with pytest.raises(MissingInput):
        validation_pairs(run, "nowhere", degraded=False)
    # Nothing is there: neither held-out pictures nor Set5.
    assert validation_pairs(run, None, degraded=False) is None
    # The pictures that training held out.
    (data / "0<b>.png").rename(data / "held.png")
    held = validation_pairs(run, None, degraded=False)
    assert held is not None
    assert [p.hr.name for p in held[0]] == ["held.png"]
