"""Models and baselines measured in every way, and the tables made of it."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crispen.errors import UsageError
from crispen.evaluate.benchmark import common_scale, evaluate, measure_results
from crispen.evaluate.contender import BASELINES, BUILT_IN, open_contender
from crispen.evaluate.filters import FILTERS
from crispen.evaluate.metrics import mse, psnr, round8, ssim
from crispen.evaluate.peak_memory import peak_memory
from crispen.evaluate.report import score_tables
from crispen.evaluate.report.score_page import score_page
from crispen.evaluate.scores import PictureScore, Protocol, Score
from crispen.media.image import Image, read_image, write_image
from crispen.media.resample import downscale, resize
from crispen.models.store import find


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:60, 0:64]
    for i in range(2):
        planes = [128 + 90 * np.sin((x + i) / (3.0 + c)) * np.cos(y / (4.0 + c)) for c in range(3)]
        write_image(Image(np.stack(planes, -1).astype(np.uint8)), tmp_path / f"{i}.png")
    return tmp_path


def darken(pixels: np.ndarray, index: int) -> np.ndarray:
    return pixels // 2


def test_rgb_is_the_mean_over_channels_and_equals_scikit_image(folder: Path) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    score = evaluate("bicubic", folder, 2, protocol=Protocol(color="rgb", border=3))
    hr = read_image(folder / "0.png").as_rgb8()
    sr = np.stack(
        [resize(downscale(hr[..., c], 2), 60, 64, method="bicubic") for c in range(3)], -1
    )
    a, b = sr[3:-3, 3:-3], hr[3:-3, 3:-3]
    first = score.pictures[0]
    assert first.psnr == pytest.approx(metrics.peak_signal_noise_ratio(b, a, data_range=255))
    assert first.mse == pytest.approx(metrics.mean_squared_error(a / 255, b / 255))
    whole = metrics.structural_similarity(
        *(x.astype(float) for x in (b, a)),
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )[1]
    assert first.ssim == pytest.approx(whole[5:-5, 5:-5].mean(), abs=1e-9)
    assert (score.color, score.border) == ("rgb", 3)


def test_mse_and_psnr_say_the_same(folder: Path) -> None:
    for p in evaluate("bicubic", folder, 2).pictures:
        assert p.psnr == pytest.approx(-10 * math.log10(p.mse))


def test_a_degradation_is_mended_or_not(folder: Path) -> None:
    protocol = Protocol(degrade=darken, degradation="darken=0.5")
    score = evaluate("none", folder, 1, protocol=protocol)
    assert (score.scale, score.border, score.degradation) == (1, 0, "darken=0.5")
    hr = read_image(folder / "1.png").as_rgb8()
    # By hand: Y' of R'G'B' and of half of it, rounded.
    weights = np.array([65.481, 128.553, 24.966]) / 255
    expected = round8(16 + (hr // 2) @ weights) - (16 + hr @ weights)
    assert score.pictures[1].mse == pytest.approx(np.mean(expected**2) / 255**2)


def test_a_luma_model_may_be_measured_in_rgb(folder: Path) -> None:
    luma = evaluate("espcn-x2", folder, 2, threads=1)
    rgb = evaluate("espcn-x2", folder, 2, threads=1, protocol=Protocol(color="rgb"))
    assert luma.psnr != rgb.psnr
    assert rgb.color == "rgb"
    assert rgb.parameters == 58212
    assert luma.memory_bytes is None or luma.memory_bytes > 10_000_000


def test_other_metrics_only_when_asked(folder: Path) -> None:
    score = evaluate("bicubic", folder, 2, protocol=Protocol(metrics=("psnr", "niqe")))
    assert score.mean("lpips") is None
    # Smaller than two blocks of 96 pixels.
    assert score.mean("niqe") is None
    assert score_tables.header([score]) == (
        "model",
        "picture",
        "PSNR",
        "NIQE",
        "seconds",
        "peak MB",
    )
    assert score_tables.rows([score])[-1][3] == "–"


def test_a_filter_does_not_enlarge(folder: Path) -> None:
    with pytest.raises(UsageError, match="does not enlarge"):
        evaluate("median", folder, 2)


def test_a_negative_border() -> None:
    with pytest.raises(UsageError, match="0 pixels or more"):
        Protocol(border=-1)


def test_built_in_names() -> None:
    assert BASELINES == ("nearest", "bilinear", "bicubic", "lanczos")
    assert set(BUILT_IN) == {*BASELINES, *FILTERS}


def test_the_scale_is_that_of_the_models() -> None:
    assert common_scale(["bicubic", "espcn-x3"], None) == 3
    assert common_scale(["bicubic"], None) == 2
    assert common_scale(["espcn-x3"], 4) == 4
    with pytest.raises(UsageError, match="espcn-x2 x2, espcn-x3 x3"):
        common_scale(["espcn-x2", "espcn-x3"], None)


@pytest.mark.parametrize("change", [{"halo": None}, {"multiple": 4}])
def test_networks_that_take_only_some_sizes_run_as_in_real_use(
    change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run through `crispen.enhance`, an ordinary network answers the same but near the edge."""
    path, card = find("espcn-x2")
    from crispen.evaluate import contender as module

    pixels = np.random.default_rng(0).integers(0, 256, (37, 50, 1), np.uint8)
    with open_contender("espcn-x2", 2, "cpu", 1) as one:
        whole = one.run(pixels)
    monkeypatch.setattr(module, "find", lambda name: (path, card.model_copy(update=change)))
    with open_contender("espcn-x2", 2, "cpu", 1) as one:
        cut = one.run(pixels)
    assert cut.shape == whole.shape
    inner = slice(12, -20)
    assert np.abs(cut.astype(int) - whole)[inner, inner].max() <= 1


def test_results_of_a_card_name_their_degradation(tmp_path: Path, folder: Path) -> None:
    data = tmp_path / "valid" / "SetA" / "HR"
    data.mkdir(parents=True)
    (folder / "0.png").rename(data / "0.png")
    path, card = find("espcn-x2")
    shrunk = measure_results(
        path, card, tmp_path / "valid", {"box": lambda x, i: x[::2, ::2].copy()}
    )
    assert [(r.data, r.degradation) for r in shrunk] == [("SetA", "box")]
    assert shrunk[0].bicubic_psnr is not None
    assert shrunk[0].input_psnr is None


def test_memory_is_that_of_the_work() -> None:
    with peak_memory() as idle:
        pass
    with peak_memory() as busy:
        block = np.ones(60_000_000, np.uint8)
        del block
    if idle.bytes is None:
        assert busy.bytes is None
        return
    assert busy.bytes is not None
    assert busy.bytes - idle.bytes == pytest.approx(60_000_000, rel=0.2)


A = Score(
    "a<b>",
    "Set",
    2,
    (
        PictureScore("x.png", 30.0, 0.9, 0.25, 0.001, lpips=0.1),
        PictureScore("y.png", math.inf, 1.0, 0.75, 0.0, lpips=0.3),
    ),
    border=2,
    metrics=("psnr", "ssim", "mse", "lpips"),
    parameters=1234,
    memory_bytes=120_000_000,
)
B = replace(
    A,
    model="none",
    parameters=0,
    memory_bytes=None,
    pictures=(
        PictureScore("x.png", 20.0, 0.8, 0.1, 0.01, lpips=None),
        PictureScore("y.png", 22.0, 0.7, 0.1, 0.006, lpips=0.05),
    ),
)


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


def test_the_page_marks_the_best_and_escapes_names() -> None:
    page = score_page([A, B])
    assert "a<b>" not in page
    assert "a&lt;b&gt;" in page
    assert "the input itself" in page
    # Lower is better for LPIPS, where B has 0.05.
    assert '<td class="number best">0.0500</td>' in page
    assert '<td class="number best">0.00050</td>' in page


def test_metrics_of_pictures_that_differ_in_shape() -> None:
    with pytest.raises(UsageError, match="differ in size"):
        ssim(np.zeros((20, 20, 3)), np.zeros((20, 21, 3)), border=0)
    with pytest.raises(UsageError, match="differ in size"):
        mse(np.zeros((20, 20)), np.zeros((20, 21)), border=0)
    # The channels are no side of the picture.
    assert psnr(np.zeros((20, 20, 3)), np.full((20, 20, 3), 255.0), border=4) == 0
