"""DISTS against PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crispen.errors import InputError, MissingExtra
from crispen.evaluate.dists import FILES, STAGES, Dists, load_dists

CHANNELS = (4, 6, 8, 10, 12)


def random_weights(seed: int = 0) -> dict[str, np.ndarray]:
    """VGG-16 with few channels, and DISTS's weights for it."""
    rng = np.random.default_rng(seed)
    weights: dict[str, np.ndarray] = {}
    before = 3
    for numbers, width in zip(STAGES, CHANNELS, strict=True):
        for number in numbers:
            shape = (width, before, 3, 3)
            kernel = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
            weights[f"features.{number}.weight"] = kernel.astype(np.float32)
            weights[f"features.{number}.bias"] = rng.normal(0, 0.1, width).astype(np.float32)
            before = width
    for name in ("alpha", "beta"):
        weights[name] = rng.random((1, 3 + sum(CHANNELS), 1, 1)).astype(np.float32)
    return weights


def by_torch(a: np.ndarray, b: np.ndarray, weights: dict[str, np.ndarray]) -> float:
    """The authors' DISTS_pytorch, line for line, of the layers that PyTorch has."""
    torch = pytest.importorskip("torch")
    from torch.nn import functional

    values = {name: torch.tensor(w).double() for name, w in weights.items()}
    window = torch.tensor([[0.25, 0.5, 0.25]]).double()
    window = window.T @ window

    def features(pixels: np.ndarray) -> list[object]:
        x = torch.tensor(pixels).permute(2, 0, 1)[None].double() / 255
        found = [x]
        mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        x = (x - mean) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
        for stage, numbers in enumerate(STAGES):
            if stage:
                kernel = window.expand(x.shape[1], 1, 3, 3)
                x = functional.conv2d(x**2, kernel, stride=2, padding=1, groups=x.shape[1])
                x = (x + 1e-12).sqrt()
            for n in numbers:
                kernel, bias = values[f"features.{n}.weight"], values[f"features.{n}.bias"]
                x = functional.relu(functional.conv2d(x, kernel, bias, padding=1))
            found.append(x)
        return found

    sizes = [3, *CHANNELS]
    total = values["alpha"].sum() + values["beta"].sum()
    alphas = torch.split(values["alpha"] / total, sizes, 1)
    betas = torch.split(values["beta"] / total, sizes, 1)
    score = torch.zeros(1).double()
    for x, y, alpha, beta in zip(features(a), features(b), alphas, betas, strict=True):
        x_mean, y_mean = x.mean([2, 3], keepdim=True), y.mean([2, 3], keepdim=True)
        texture = (2 * x_mean * y_mean + 1e-6) / (x_mean**2 + y_mean**2 + 1e-6)
        x_var = ((x - x_mean) ** 2).mean([2, 3], keepdim=True)
        y_var = ((y - y_mean) ** 2).mean([2, 3], keepdim=True)
        both = (x * y).mean([2, 3], keepdim=True) - x_mean * y_mean
        structure = (2 * both + 1e-6) / (x_var + y_var + 1e-6)
        score += (alpha * texture).sum() + (beta * structure).sum()
    return float(1 - score)


@pytest.mark.parametrize("size", [(32, 32), (47, 65)])
def test_dists_equals_pytorch(size: tuple[int, int]) -> None:
    weights = random_weights()
    a, b = np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8)
    metric = Dists(weights)
    assert metric(a, b) == pytest.approx(by_torch(a, b, weights), abs=1e-4)
    assert metric(a, a) == pytest.approx(0, abs=1e-6)
    assert metric(a[:31], b[:31]) is None


def test_worse_pictures_are_further_away(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the published weights; a texture of the same kind is nearer than its blurred self."""
    from scipy.ndimage import gaussian_filter

    monkeypatch.setenv("CRISPEN_DISTS", str(shared_data / "perceptual"))
    metric = load_dists()
    grain = np.random.default_rng(0).normal(128, 40, (2, 96, 96, 1)).repeat(3, 3)
    grain = grain.clip(0, 255).round().astype(np.uint8)
    other = metric(grain[1], grain[0])
    blurred = metric(gaussian_filter(grain[0], (1.0, 1.0, 0)), grain[0])
    assert other is not None
    assert blurred is not None
    assert other < 0.2 < blurred


def test_missing_weights_are_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRISPEN_DISTS", str(tmp_path))
    with pytest.raises(MissingExtra, match=r"put dists.safetensors and vgg16.safetensors") as told:
        load_dists()
    assert "\n" not in str(told.value)
    for name in FILES:
        (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="does not hold the weights of DISTS"):
        load_dists()
