"""Models and baselines measured in every way, and the tables made of it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from crispen.errors import UsageError
from crispen.evaluate.benchmark import evaluate, measure_results
from crispen.evaluate.metrics import round8
from crispen.evaluate.scores import Protocol
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


def test_a_filter_does_not_enlarge(folder: Path) -> None:
    with pytest.raises(UsageError, match="does not enlarge"):
        evaluate("median", folder, 2)


def test_a_negative_border() -> None:
    with pytest.raises(UsageError, match="0 pixels or more"):
        Protocol(border=-1)


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
