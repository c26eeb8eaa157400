"""Inception's graph against PyTorch, and where its weights are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.errors import InputError, MissingExtra
from crispen.evaluate.inception import FILE, Inception, load_inception, weights_file


class ByTorch:
    """torch-fidelity's FeatureExtractorInceptionV3, block by block, with few channels.

    The weights are drawn when a layer is first used, so that shapes follow from the graph.
    """

    def __init__(self, seed: int = 0) -> None:
        self.torch = pytest.importorskip("torch")
        self.f = self.torch.nn.functional
        self.rng = np.random.default_rng(seed)
        self.weights: dict[str, np.ndarray] = {}

    def conv(
        self, x: Any, name: str, kernel: tuple[int, int], stride: int = 1, pad: Any = 0
    ) -> Any:
        count = int(self.rng.integers(3, 7))
        shape = (count, x.shape[1], *kernel)
        scale = np.sqrt(2 / np.prod(shape[1:]))
        new = {
            "conv.weight": self.rng.normal(0, scale, shape),
            "bn.weight": self.rng.uniform(0.8, 1.2, count),
            "bn.bias": self.rng.normal(0, 0.2, count),
            "bn.running_mean": self.rng.normal(0, 0.2, count),
            "bn.running_var": self.rng.uniform(0.5, 1.5, count),
        }
        for key, value in new.items():
            self.weights[f"{name}.{key}"] = value.astype(np.float32)
        w = {k: self.torch.tensor(self.weights[f"{name}.{k}"]).double() for k in new}
        y = self.f.conv2d(x, w["conv.weight"], stride=stride, padding=pad)
        statistics = (w["bn.running_mean"], w["bn.running_var"])
        y = self.f.batch_norm(y, *statistics, w["bn.weight"], w["bn.bias"], eps=0.001)
        return self.f.relu(y)

    def mean_pool(self, x: Any) -> Any:
        return self.f.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    def a(self, x: Any, n: str) -> Any:
        five = self.conv(
            self.conv(x, f"{n}.branch5x5_1", (1, 1)), f"{n}.branch5x5_2", (5, 5), pad=2
        )
        three = self.conv(x, f"{n}.branch3x3dbl_1", (1, 1))
        for i in (2, 3):
            three = self.conv(three, f"{n}.branch3x3dbl_{i}", (3, 3), pad=1)
        pool = self.conv(self.mean_pool(x), f"{n}.branch_pool", (1, 1))
        return self.torch.cat([self.conv(x, f"{n}.branch1x1", (1, 1)), five, three, pool], 1)

    def b(self, x: Any, n: str) -> Any:
        three = self.conv(x, f"{n}.branch3x3", (3, 3), 2)
        double = self.conv(x, f"{n}.branch3x3dbl_1", (1, 1))
        double = self.conv(double, f"{n}.branch3x3dbl_2", (3, 3), pad=1)
        double = self.conv(double, f"{n}.branch3x3dbl_3", (3, 3), 2)
        return self.torch.cat([three, double, self.f.max_pool2d(x, 3, 2)], 1)

    def c(self, x: Any, n: str) -> Any:
        wide, tall = ((1, 7), (0, 3)), ((7, 1), (3, 0))
        seven = self.conv(x, f"{n}.branch7x7_1", (1, 1))
        for i, (kernel, pad) in enumerate((wide, tall), 2):
            seven = self.conv(seven, f"{n}.branch7x7_{i}", kernel, pad=pad)
        double = self.conv(x, f"{n}.branch7x7dbl_1", (1, 1))
        for i, (kernel, pad) in enumerate((tall, wide, tall, wide), 2):
            double = self.conv(double, f"{n}.branch7x7dbl_{i}", kernel, pad=pad)
        pool = self.conv(self.mean_pool(x), f"{n}.branch_pool", (1, 1))
        return self.torch.cat([self.conv(x, f"{n}.branch1x1", (1, 1)), seven, double, pool], 1)

    def d(self, x: Any, n: str) -> Any:
        three = self.conv(self.conv(x, f"{n}.branch3x3_1", (1, 1)), f"{n}.branch3x3_2", (3, 3), 2)
        seven = self.conv(x, f"{n}.branch7x7x3_1", (1, 1))
        seven = self.conv(seven, f"{n}.branch7x7x3_2", (1, 7), pad=(0, 3))
        seven = self.conv(seven, f"{n}.branch7x7x3_3", (7, 1), pad=(3, 0))
        seven = self.conv(seven, f"{n}.branch7x7x3_4", (3, 3), 2)
        return self.torch.cat([three, seven, self.f.max_pool2d(x, 3, 2)], 1)

    def e(self, x: Any, n: str, pooled: Any) -> Any:
        wide, tall = ((1, 3), (0, 1)), ((3, 1), (1, 0))
        parts = [self.conv(x, f"{n}.branch1x1", (1, 1))]
        three = self.conv(x, f"{n}.branch3x3_1", (1, 1))
        double = self.conv(x, f"{n}.branch3x3dbl_1", (1, 1))
        double = self.conv(double, f"{n}.branch3x3dbl_2", (3, 3), pad=1)
        for name, y in (("branch3x3_2", three), ("branch3x3dbl_3", double)):
            for letter, (kernel, pad) in zip("ab", (wide, tall), strict=True):
                parts.append(self.conv(y, f"{n}.{name}{letter}", kernel, pad=pad))
        return self.torch.cat([*parts, self.conv(pooled, f"{n}.branch_pool", (1, 1))], 1)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Of a picture of 299×299 pixels, which nothing resizes."""
        x = (self.torch.tensor(pixels).permute(2, 0, 1)[None].double() - 128) / 128
        x = self.conv(x, "Conv2d_1a_3x3", (3, 3), 2)
        x = self.conv(x, "Conv2d_2a_3x3", (3, 3))
        x = self.f.max_pool2d(self.conv(x, "Conv2d_2b_3x3", (3, 3), pad=1), 3, 2)
        x = self.conv(self.conv(x, "Conv2d_3b_1x1", (1, 1)), "Conv2d_4a_3x3", (3, 3))
        x = self.f.max_pool2d(x, 3, 2)
        for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
            x = self.a(x, name)
        x = self.b(x, "Mixed_6a")
        for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
            x = self.c(x, name)
        x = self.d(x, "Mixed_7a")
        x = self.e(x, "Mixed_7b", self.mean_pool(x))
        x = self.e(x, "Mixed_7c", self.f.max_pool2d(x, 3, 1, 1))
        return np.asarray(x.mean((2, 3))[0])


def picture(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)


def test_the_features_are_those_of_pytorch() -> None:
    reference = ByTorch()
    expected = reference(picture(299, 299))
    features = Inception(reference.weights)(picture(299, 299))
    assert features.shape == expected.shape
    assert float(np.abs(expected).mean()) > 0.1
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)


def test_pictures_are_resized_as_in_tensorflow_1() -> None:
    from crispen.evaluate.inception import _resized

    # Pixel i of 299 is at i·n/299: the first on the first pixel, the last of a ramp of 598 pixels
    # at 596; of a ramp of two pixels, from the 150th on only the second is left.
    ramp = np.minimum(np.arange(598), 255).astype(np.uint8)
    wide = _resized(np.broadcast_to(ramp[None, :, None], (4, 598, 3)))
    np.testing.assert_allclose(wide[0, :128, 0], np.arange(0, 256, 2)[:128], atol=1e-3)
    two = np.zeros((2, 2, 3), np.uint8)
    two[1] = 200
    tall = _resized(two)[:, 0, 0]
    np.testing.assert_allclose(tall[:150], np.arange(150) * 2 / 299 * 200, atol=0.01)
    assert (tall[150:] == 200).all()


def test_where_the_weights_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRISPEN_INCEPTION", str(tmp_path / "mine.safetensors"))
    assert weights_file() == tmp_path / "mine.safetensors"
    with pytest.raises(MissingExtra, match=f"mine.safetensors: put {FILE} there") as error:
        load_inception()
    assert len(str(error.value).splitlines()) == 1
    (tmp_path / "mine.safetensors").write_bytes(b"something else")
    with pytest.raises(InputError, match="does not hold Inception's weights"):
        load_inception()
    monkeypatch.delenv("CRISPEN_INCEPTION")
    assert weights_file().name == FILE
