"""The bicubic base, the union of tables, and what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch.nn import functional as F

from crispen.errors import UsageError
from crispen.lab.networks import NetworkTable, build_network
from crispen.lab.networks.base import bicubic_kernel, bicubic_planes
from crispen.lab.networks.deconvolution import DeconvolutionTable
from crispen.lab.networks.plain import Plain, PlainTable
from crispen.lab.networks.srcnn import SrcnnTable
from crispen.lab.networks.srresnet import SrresnetTable
from crispen.media.resample import resize


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_base_is_bicubic(scale: int) -> None:
    """The fixed convolution equals `resample.resize`, which equals MATLAB (tests/media)."""
    x = np.random.default_rng(0).random((11, 8))
    planes = bicubic_planes(torch.from_numpy(x)[None, None], bicubic_kernel(scale).double())
    out = F.pixel_shuffle(planes, scale)[0, 0].numpy()
    np.testing.assert_allclose(out, resize(x, 11 * scale, 8 * scale), atol=1e-6)


def test_an_upscaler_that_adds_nothing_is_bicubic_or_the_input() -> None:
    x = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    for scale in (1, 2):
        network = build_network(PlainTable(width=4, depth=1), scale=scale, channels=3).eval()
        assert isinstance(network, Plain)
        torch.nn.init.zeros_(network.tail.weight)
        with torch.no_grad():
            out = network(x)
        for picture, made in zip(x, out, strict=True):
            expected = np.stack([resize(c, 9 * scale, 7 * scale) for c in picture.numpy()])
            np.testing.assert_allclose(made.numpy(), expected.clip(0, 1), atol=1e-6)


def test_srcnn_sees_the_bicubic_picture() -> None:
    """With its kernels set to copy the middle, SRCNN gives just what it enlarged."""
    network = build_network(SrcnnTable(), scale=3, channels=1).eval()
    for layer, middle in ((network.conv1, 4), (network.conv2, 0), (network.conv3, 2)):
        torch.nn.init.zeros_(layer.weight)
        with torch.no_grad():
            layer.weight[0, 0, middle, middle] = 1.0
    x = torch.rand(1, 1, 8, 10, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        out = network(x)[0, 0].numpy()
    np.testing.assert_allclose(out, resize(x[0, 0].numpy(), 24, 30).clip(0, 1), atol=1e-6)


@pytest.mark.parametrize(
    ("table", "scale", "told"),
    [
        (DeconvolutionTable(), 3, "deconvolution: scale must be 2, not 3"),
        (SrresnetTable(), 6, "srresnet: scale must be 2 or 3 or 4 or 8, not 6"),
    ],
)
def test_a_scale_that_a_network_has_not(table, scale: int, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        build_network(table, scale=scale, channels=3)


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "plian"},
        {"kind": "plain", "widht": 8},
        {"kind": "plain", "width": 0},
        {"kind": "autoencoder-denoise", "bottleneck": "4x4x4"},
        {"kind": "residual", "dropout": 1.0},
    ],
)
def test_tables_are_strict(content: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(NetworkTable).validate_python(content)


def test_the_kind_chooses_the_table() -> None:
    table = TypeAdapter(NetworkTable).validate_python({"kind": "plain", "unshuffle": 2})
    assert table == PlainTable(unshuffle=2)
    assert table.describe() == "10 3x3 convolutions, 32 channels, relu at 1/2 size"
