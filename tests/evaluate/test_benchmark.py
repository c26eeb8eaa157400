"""Benchmark tables: the literature's bicubic rows, and folders of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crispen.errors import InputError, MissingInput, ModelError, UsageError
from crispen.evaluate.benchmark import evaluate
from crispen.evaluate.contender import BASELINES
from crispen.evaluate.pairs import find_pairs
from crispen.media.image import Image, write_image
from crispen.progress import Event, Progress


def picture(path: Path, height: int, width: int, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    write_image(Image(coarse.repeat(4, 0).repeat(4, 1)[:height, :width].copy()), path)
    return path


# Set5 bicubic, as in all tables since Timofte et al., ACCV 2014 (A+), Table 1.
@pytest.mark.parametrize(("scale", "expected"), [(2, 33.66), (3, 30.39), (4, 28.42)])
def test_bicubic_on_set5_is_the_literatures(shared_data: Path, scale: int, expected: float) -> None:
    score = evaluate("bicubic", shared_data / "valid" / "Set5", scale)
    assert score.psnr == pytest.approx(expected, abs=0.01)
    assert [p.picture for p in score.pictures] == [f"img_00{i}.png" for i in range(1, 6)]


def test_lr_made_here_equals_the_lr_files(shared_data: Path) -> None:
    folder = shared_data / "valid" / "Set5"
    made = evaluate("bicubic", folder / "HR", 2)
    assert made.psnr == pytest.approx(evaluate("bicubic", folder, 2).psnr, abs=1e-9)


def test_a_model_is_measured(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 64, 70)
    picture(tmp_path / "b.png", 48, 50, seed=1)
    events: list[Event] = []
    score = evaluate("espcn-x2", tmp_path, 2, threads=1, progress=Progress(events.append))
    assert score.model == "espcn-x2"
    assert score.psnr == pytest.approx(np.mean([p.psnr for p in score.pictures]))
    assert score.ssim == pytest.approx(np.mean([p.ssim for p in score.pictures]))
    assert score.seconds > 0
    assert events[-1].done == events[-1].total == 2


def test_better_interpolation_scores_better(tmp_path: Path) -> None:
    y, x = np.mgrid[0:96, 0:96]
    waves = 128 + 50 * np.sin(x / 4.0) + 50 * np.cos((x + y) / 5.0)
    write_image(Image(waves.astype(np.uint8)[..., None].repeat(3, 2)), tmp_path / "waves.png")
    scores = {name: evaluate(name, tmp_path, 2).psnr for name in BASELINES}
    # On a smooth picture an interpolation of higher order comes nearer.
    assert scores["nearest"] < scores["bilinear"] < scores["bicubic"]
    assert scores["lanczos"] > scores["bilinear"]


def test_odd_sizes_are_cropped_to_whole_lr_pixels(tmp_path: Path) -> None:
    file = picture(tmp_path / "a.png", 61, 50)
    lr, hr = find_pairs(tmp_path, 4)[0].load(4)
    assert lr.shape == (15, 12, 3)
    assert hr.shape == (60, 48, 3)
    assert file.is_file()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such folder"):
        evaluate("bicubic", tmp_path / "nowhere", 2)


def test_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(MissingInput, match="no pictures"):
        evaluate("bicubic", tmp_path, 2)


def test_pairs_that_do_not_fit(tmp_path: Path) -> None:
    picture(tmp_path / "HR" / "a.png", 40, 40)
    picture(tmp_path / "LR_x2" / "a.png", 30, 30)
    with pytest.raises(InputError, match="30x30 times 2 is larger"):
        evaluate("bicubic", tmp_path, 2)


def test_a_picture_smaller_than_the_scale(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 2, 30)
    with pytest.raises(InputError, match="smaller than the scale"):
        evaluate("bicubic", tmp_path, 3)


def test_a_picture_too_small_to_measure_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "tiny.png", 12, 12)
    with pytest.raises(InputError, match=r"tiny\.png.*11x11"):
        evaluate("bicubic", tmp_path, 2)


def test_a_model_of_another_scale(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 48, 48)
    with pytest.raises(UsageError, match="--scale 2"):
        evaluate("espcn-x2", tmp_path, 3)


def test_an_unknown_model(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 48, 48)
    with pytest.raises(ModelError, match="espcn-x2"):
        evaluate("espcnx2", tmp_path, 2)
