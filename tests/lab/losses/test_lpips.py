"""LPIPS as a loss is the metric, and has gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from crispen.errors import InputError, MissingExtra, MissingInput
from crispen.lab.losses.lpips import Lpips, LpipsLoss
from crispen.lab.networks.base import Output


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 256, (64, 64, 3))
    return a.astype(np.uint8), (a + rng.integers(-60, 60, a.shape)).clip(0, 255).astype(np.uint8)


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def test_it_is_the_metric(pair, shared_data):
    from crispen.evaluate.lpips import lpips

    term = Lpips(shared_data / "perceptual/alexnet-lpips.safetensors")
    a, b = pair
    try:
        expected = lpips(a, b)
    except MissingExtra as missing:  # the metric's own weights are fetched or installed
        pytest.skip(str(missing))
    assert float(term(Output(tensor(a)), tensor(b))) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("name", "layers"), [("alexnet", 5), ("vgg16", 5), ("vgg16", 2)])
def test_it_is_zero_for_equals_and_has_gradients(name, layers, pair, shared_data):
    path = shared_data / f"perceptual/{name}-lpips.safetensors"
    term = LpipsLoss(network=str(path), layers=layers).build()
    a, b = map(tensor, pair)
    assert float(term(Output(a), a)) == pytest.approx(0, abs=1e-7)
    x = a.clone().requires_grad_()
    term(Output(x), b).backward()
    assert x.grad is not None
    assert float(x.grad.abs().sum()) > 0
    grey = b[:, :1]
    assert float(term(Output(a[:, :1]), grey)) > 0


def test_files_that_do_not_fit_are_named(tmp_path):
    with pytest.raises(MissingInput, match="is not there"):
        Lpips(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(InputError, match="does not hold AlexNet or VGG-16"):
        Lpips(tmp_path / "text.safetensors")
