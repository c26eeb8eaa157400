"""Every study runs from start to finish, and its page contains its current text."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from crispen.errors import UsageError
from crispen.lab.data.toy import toy_pictures
from crispen.lab.studies import STUDIES, Study, find_study
from crispen.lab.studies.classic import accuracy
from crispen.lab.studies.color import RANGE_DB, full_range_psnr
from crispen.lab.studies.conduct import Order, conduct
from crispen.lab.studies.measuring import degraded, figures, interpolation
from crispen.lab.studies.study import recipe_of
from crispen.lab.studies.writing import BEGIN, END, write_files

DOCS = Path(__file__).resolve().parents[3] / "docs" / "studies"
each = pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)


@each
def test_it_runs_from_start_to_finish(study: Study, tmp_path: Path) -> None:
    short = ("train.steps=2", "validation.count=1", "train.sample_every=0")
    order = Order(tmp_path, quick=True, assignments=short, limit=1, device="cpu", threads=1)
    done = conduct(study, order)
    assert [run.status for run in done.runs] == ["done"] * len(study.trainings)
    for table in done.outcome.tables:
        keys = {column.key for column in table.columns}
        assert table.rows
        assert all(
            set(row) - {"parameters"} <= keys | {"ssim", "mse", "psnr"} for row in table.rows
        )
    assert all(path.stat().st_size for path in write_files(done))


@each
def test_its_recipes_are_whole_without_quick(study: Study, tmp_path: Path) -> None:
    keys = [training.key for training in study.trainings]
    assert len(set(keys)) == len(keys)
    for training in study.trainings:
        recipe = recipe_of(study, training, tmp_path)
        assert recipe.name == training.key
        assert recipe.data.kind != "toy"
        assert not training.start or training.start in keys[: keys.index(training.key)]


@each
def test_its_page_is_there_with_small_pictures(study: Study) -> None:
    text = (DOCS / f"{study.name}.md").read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert all(remark in text for remark in study.remarks)
    assert f"({study.name}.md)" in (DOCS / "README.md").read_text()
    pictures = list((DOCS.parent / "images" / "studies").glob(f"{study.name}-*"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 150_000
        assert f"../images/studies/{picture.name}" in text


def test_an_unknown_study_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean residual"):
        find_study("residul")


def test_accuracy_is_the_share_of_right_strongest_channels() -> None:
    target = np.array([[[9, 1, 1], [1, 9, 1]], [[1, 1, 9], [9, 8, 7]]], np.uint8)
    assert accuracy(target // 2, target) == 1.0
    image = target.copy()
    image[1, 1] = (7, 8, 7)
    assert accuracy(image, target) == 0.75


def test_full_range_reads_less_by_the_ranges_alone() -> None:
    assert pytest.approx(1.3219, abs=1e-4) == RANGE_DB
    (picture,) = degraded([("a", toy_pictures(1, 96, 3)[0])], (), scale=2)
    answer = interpolation("bicubic", 2).run(picture.input)
    studio = figures(answer, picture.target, border=2)["psnr"]
    full = full_range_psnr(answer, picture.target, border=2)
    assert math.isclose(studio - full, RANGE_DB, abs_tol=0.02)
