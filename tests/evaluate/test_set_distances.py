"""FID and KID against torchmetrics, and in the table of ``crispen evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.cli.main import main
from crispen.evaluate import inception, set_distances
from crispen.evaluate.set_distances import SetMeasure, frechet_distance, kernel_distance
from crispen.media.image import Image, write_image


def features(count: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(seed, 1 + seed, (count, width)) @ rng.normal(0, 1, (width, width))


def by_torchmetrics(kind: str, a: np.ndarray, b: np.ndarray) -> float:
    torch = pytest.importorskip("torch")
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    class Given(torch.nn.Module):  # type: ignore[misc, name-defined]
        num_features = a.shape[1]

        def forward(self, x: Any) -> Any:
            return x

    metric: Any
    if kind == "fid":
        metric = FrechetInceptionDistance(feature=Given()).set_dtype(torch.float64)
    else:
        metric = KernelInceptionDistance(feature=Given(), subsets=1, subset_size=len(a))
    metric.update(torch.tensor(a), real=False)
    metric.update(torch.tensor(b), real=True)
    value = metric.compute()
    return float(value if kind == "fid" else value[0])


# More pictures than features, and fewer, as in all sets of the field.
@pytest.mark.parametrize(("count", "width"), [(60, 8), (9, 24)])
def test_frechet_is_torchmetrics(count: int, width: int) -> None:
    a, b = features(count, width, 0), features(count, width, 1)
    found = frechet_distance(a, b)
    assert found == pytest.approx(by_torchmetrics("fid", a, b), rel=1e-3)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6 * found)


def test_frechet_by_hand() -> None:
    # Two axes apart: means 3 and 4 away, variances 1 and 4 against 4 and 9: 25 + 1 + 1.
    a = np.array([[1.0, 2.0], [-1.0, 2.0], [1.0, -2.0], [-1.0, -2.0]]) * np.sqrt(3 / 4)
    b = np.array([[2.0, 3.0], [-2.0, 3.0], [2.0, -3.0], [-2.0, -3.0]]) * np.sqrt(3 / 4) + [3, 4]
    assert frechet_distance(a, b) == pytest.approx(27)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save all")
@pytest.mark.parametrize("count", [7, 40])
def test_kernel_is_torchmetrics(count: int) -> None:
    a, b = features(count, 12, 0), features(count, 12, 1)
    assert kernel_distance(a, b) == pytest.approx(by_torchmetrics("kid", a, b), rel=1e-4)


def test_a_set_needs_two_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_distances, "load_inception", lambda: lambda pixels: pixels.mean((0, 1)))
    together = SetMeasure(["psnr", "kid", "lpips"])
    assert together
    assert not SetMeasure(["psnr", "lpips"])
    picture = np.zeros((4, 4, 3), np.uint8)
    together.add(picture, picture)
    assert together.values() == {"kid": None}
    together.add(picture, picture)
    assert together.values() == {"kid": 0.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for i in range(4):
        small = rng.integers(0, 256, (8, 8, 3), np.uint8)
        (tmp_path / "set").mkdir(exist_ok=True)
        write_image(Image(small.repeat(4, 0).repeat(4, 1)), tmp_path / "set" / f"{i}.png")
    return tmp_path / "set"


ORDER = ["evaluate", "--baseline", "nearest,bicubic", "--metrics", "psnr,fid,kid"]


def test_the_table_has_them_for_the_set_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def features(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(pixels[::4, ::4].astype(np.float64).ravel()[:24] / 255)

    monkeypatch.setattr(set_distances, "load_inception", lambda: features)
    monkeypatch.setattr(inception, "load_inception", lambda: features)
    with pytest.raises(SystemExit, match="0"):
        main([*ORDER, "--data", str(folder), "--json"])
    found = json.loads(capsys.readouterr().out)
    for score in found:
        assert score["fid"] >= 0
        assert isinstance(score["kid"], float)
        assert [p["fid"] for p in score["pictures"]] == [None] * 4
    assert found[0]["fid"] != found[1]["fid"]
    with pytest.raises(SystemExit, match="0"):
        main([*ORDER, "--data", str(folder), "--format", "markdown"])
    shown = capsys.readouterr().out
    assert "FID (Inception-v3, lower is better) of all pictures together" in shown


def test_without_the_file_one_line_says_which(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CRISPEN_INCEPTION", str(folder / "none.safetensors"))
    with pytest.raises(SystemExit) as ended:
        main([*ORDER, "--data", str(folder)])
    said = capsys.readouterr().err.strip()
    assert ended.value.code == 2
    assert len(said.splitlines()) == 1
    assert inception.FILE in said
    assert "CRISPEN_INCEPTION" in said
