"""Every network: shapes, parameter counts, halo, batches, merging, one training step, export."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from crispen.lab.export import to_onnx
from crispen.lab.networks import build_network, parameter_count
from crispen.lab.networks.base import bicubic_kernel
from crispen.lab.recipe import load_recipe, recipe_names
from crispen.media.resample import resize
from crispen.models.card import ModelCard

RECIPES = recipe_names()
# 58,212 is the figure at x2; each further plane of the last layer adds 32·9 + 1.
EXPECTED = {"espcn-x2": 58_212, "espcn-x3": 58_212 + 5 * 289, "espcn-x4": 58_212 + 12 * 289}
LIMITS = {"photo-fast": 25_000, "photo": 200_000}


def network_of(name: str):
    torch.manual_seed(1)
    return build_network(load_recipe(name))


def image(channels: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", RECIPES)
def test_parameters(name: str) -> None:
    count = parameter_count(network_of(name).merged())
    if name in EXPECTED:
        assert count == EXPECTED[name]
    else:
        assert 1_000 < count <= LIMITS[name.rsplit("-", 1)[0]]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (31, 18)])
def test_shape_at_odd_sizes(name: str, height: int, width: int) -> None:
    network = network_of(name).eval()
    with torch.no_grad():
        out = network(image(network.channels, height, width))
    assert out.shape == (1, network.channels, network.scale * height, network.scale * width)
    assert float(out.min()) >= 0.0
    assert float(out.max()) <= 1.0


@pytest.mark.parametrize("name", RECIPES)
def test_halo_is_exact(name: str) -> None:
    """A changed pixel reaches exactly `halo` pixels far, no more and no less."""
    network = network_of(name).eval()
    size = 2 * network.halo + 9
    x = image(1, size, size)
    changed = x.clone()
    changed[..., 0, 0] = 1.0 - changed[..., 0, 0]
    with torch.no_grad():
        difference = (network.residual(x) - network.residual(changed)).abs().amax(dim=(0, 1))
    reached = difference.nonzero().amax().item()
    assert reached <= network.halo
    # ReLU may cut the farthest corner off, never most of the way.
    assert reached >= network.halo - 2


@pytest.mark.parametrize("name", RECIPES)
def test_batch_equals_single(name: str) -> None:
    network = network_of(name).eval()
    a, b = image(1, 12, 9, 1), image(1, 12, 9, 2)
    with torch.no_grad():
        both = network(torch.cat([a, b]))
        torch.testing.assert_close(both, torch.cat([network(a), network(b)]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", RECIPES)
def test_merged_is_the_same_function(name: str) -> None:
    network = network_of(name).eval()
    x = image(1, 24, 24)
    with torch.no_grad():
        torch.testing.assert_close(network.merged().eval()(x), network(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", RECIPES)
def test_one_training_step_moves_every_weight(name: str) -> None:
    network = network_of(name).train()
    before = {k: v.clone() for k, v in network.named_parameters()}
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    out = network(image(1, 16, 16))
    F.l1_loss(out, torch.ones_like(out)).backward()
    optimizer.step()
    for key, value in network.named_parameters():
        assert torch.isfinite(value).all()
        assert not torch.equal(value, before[key]), key


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_base_is_bicubic(scale: int) -> None:
    """The fixed convolution equals `resample.resize`, which equals MATLAB (tests/media)."""
    x = np.random.default_rng(0).random((11, 8))
    padded = F.pad(torch.from_numpy(x)[None, None], (2, 2, 2, 2), mode="replicate")
    planes = F.conv2d(padded, bicubic_kernel(scale).double())
    out = F.pixel_shuffle(planes, scale)[0, 0].numpy()
    expected = resize(x, 11 * scale, 8 * scale)
    np.testing.assert_allclose(out, expected, atol=1e-6)


@pytest.mark.parametrize("name", RECIPES)
def test_onnx_equals_pytorch(name: str) -> None:
    import onnxruntime

    network = network_of(name).merged().eval()
    card = ModelCard(name=name, scale=network.scale, halo=network.halo, base="bicubic")
    content = to_onnx(network, card).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for height, width in ((1, 1), (13, 21)):
        x = image(1, height, width, height)
        with torch.no_grad():
            expected = network(x).numpy()
        np.testing.assert_allclose(session.run(None, {"input": x.numpy()})[0], expected, atol=2e-5)
