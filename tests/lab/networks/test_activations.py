"""Non-linearities by name, and which layers of a network train for int8."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from crispen.errors import UsageError
from crispen.lab.networks import NETWORKS, build_network, parameter_count
from crispen.lab.networks.activations import (
    Activation,
    LeakyRelu,
    conv_pair,
    make_activation,
    make_conv,
    make_transposed,
)
from crispen.lab.networks.autoencoder_sharpen import AutoencoderSharpenTable
from crispen.lab.networks.autoencoder_unet import AutoencoderUnetTable
from crispen.lab.networks.base import Architecture
from crispen.lab.networks.clipped import (
    ClippedRelu,
    LimitedConv,
    RoundedConv,
    RoundedTransposed,
    clips,
)
from crispen.lab.networks.edsr import EdsrTable
from crispen.lab.networks.espcn import EspcnTable
from crispen.lab.networks.fsrcnn import FsrcnnTable
from crispen.lab.networks.plain import RichConv
from crispen.lab.networks.residual import ResidualTable
from crispen.lab.networks.srcnn import SrcnnTable
from crispen.lab.networks.srresnet import SrresnetTable
from crispen.lab.networks.unet_denoise import UnetDenoiseTable

# Number of convolutions that are rounded, and of values that are limited before one that reads no
# activation. Counted by hand in the drawings of the networks' docstrings.
BY_HAND: list[tuple[Architecture, int, int]] = [
    (EspcnTable(activation="clipped-relu"), 3, 0),
    (EspcnTable(activation="clipped-relu", variant="study"), 3, 0),
    (SrcnnTable(activation="clipped-relu"), 2, 0),
    (FsrcnnTable(activation="clipped-relu"), 1 + 4 + 1 + 1, 0),
    # Two blocks, their end, one step, the tail; all but the second of each block read a sum.
    (EdsrTable(activation="clipped-relu", blocks=2), 2 * 2 + 3, 2 + 3),
    (SrresnetTable(activation="clipped-relu", blocks=2), 2 * 2 + 3, 2 + 2),
    (ResidualTable(activation="clipped-relu"), 2 * 2 + 1, 2 + 1),
    (ResidualTable(activation="clipped-relu", variant="study"), 4 * 2 + 1, 1),
    (AutoencoderSharpenTable(activation="clipped-relu"), 6, 0),
    (AutoencoderUnetTable(activation="clipped-relu"), 1 + 2 + 1 + 4 + 1, 2),
    (UnetDenoiseTable(activation="clipped-relu"), 1 + 2 + 2 + 2 + 4 + 1, 2),
]


def test_each_name_is_its_function() -> None:
    x = torch.linspace(-3, 3, 13)[None, :, None, None].expand(1, 13, 1, 1)
    expected = {
        "relu": F.relu(x),
        "leaky-relu": F.leaky_relu(x, 0.1),
        "silu": F.silu(x),
        "gelu": F.gelu(x),
        "prelu": F.prelu(x, torch.tensor([0.25])),
        "clipped-relu": x.clamp(0, 1),
    }
    assert set(expected) == set(get_args(Activation))
    for name, y in expected.items():
        torch.testing.assert_close(make_activation(name).eval()(x), y)  # type: ignore[arg-type]
    prelu = make_activation("prelu", 13)
    assert isinstance(prelu, nn.PReLU)
    assert prelu.weight.shape == (13,)
    assert isinstance(make_activation("leaky-relu"), LeakyRelu)


def test_layers_are_rounded_by_what_they_read() -> None:
    kinds = {
        reads: type(make_conv("clipped-relu", 2, 3, reads=reads))  # type: ignore[arg-type]
        for reads in ("picture", "activation", "features")
    }
    assert kinds == {
        "picture": nn.Conv2d,
        "activation": RoundedConv,
        "features": LimitedConv,
    }
    for reads in kinds:
        assert type(make_conv("relu", 2, 3, reads=reads)) is nn.Conv2d  # type: ignore[arg-type]
    assert type(make_transposed("relu", 2, 3, 4, 2)) is nn.ConvTranspose2d
    assert type(make_transposed("clipped-relu", 2, 3, 4, 2)) is RoundedTransposed
    pair = conv_pair("clipped-relu", 2, 3, "features")
    assert [type(m) for m in pair] == [LimitedConv, ClippedRelu, RoundedConv, ClippedRelu]


def test_the_size_stays_and_equal_seeds_give_equal_weights() -> None:
    for side in (1, 3, 5, 9):
        torch.manual_seed(0)
        plain = make_conv("relu", 2, 3, side)
        torch.manual_seed(0)
        limited = make_conv("clipped-relu", 2, 3, side, reads="features")
        assert torch.equal(plain.weight, limited.weight)
        assert plain(torch.rand(1, 2, 9, 7)).shape == (1, 3, 9, 7)


@pytest.mark.parametrize(
    ("table", "rounded", "limited"), BY_HAND, ids=[table.describe() for table, *_ in BY_HAND]
)
def test_every_layer_behind_the_first_trains_rounded(
    table: Architecture, rounded: int, limited: int
) -> None:
    scale = 1 if table.kind.startswith(("autoencoder", "unet")) else 2
    network = build_network(table, scale=scale, channels=1)
    kinds = (RoundedConv, RoundedTransposed, RichConv)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert [type(m) for m in layers if not isinstance(m, kinds)] == [nn.Conv2d]
    assert len(layers) - 1 == rounded
    assert sum(isinstance(m, LimitedConv) for m in layers) == limited
    assert "clipped-relu" in table.describe()
    # Ranges are constants of the exported file, and a ReLU has no slopes.
    changed = table.model_copy(update={"activation": "relu"})
    if table.kind not in ("fsrcnn", "srresnet", "residual"):
        usual = build_network(changed, scale=scale, channels=1)
        assert parameter_count(network) == parameter_count(usual)
        assert not clips(usual)


def test_every_network_that_offers_it_is_counted() -> None:
    offering = {
        table
        for table in NETWORKS
        if "clipped-relu"
        in get_args(getattr(table.model_fields.get("activation"), "annotation", None))
    }
    # Tested in test_plain, test_clipped and test_vivid.
    names = {table.__name__ for table in offering} - {"PlainTable", "VividTable"}
    assert names == {type(table).__name__ for table, *_ in BY_HAND}


def test_the_paper_s_espcn_has_tanh() -> None:
    with pytest.raises(UsageError, match=r"has tanh.*network\.variant = \"common\""):
        EspcnTable(variant="paper", activation="clipped-relu").build(2, 1)
