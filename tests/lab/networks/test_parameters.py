"""Parameter counts against papers, the studies, and sums done by hand."""

from __future__ import annotations

import pytest

from crispen.lab.networks import NETWORKS, build_network, parameter_count
from crispen.lab.networks.autoencoder_denoise import AutoencoderDenoiseTable
from crispen.lab.networks.autoencoder_dense import AutoencoderDenseTable
from crispen.lab.networks.autoencoder_sharpen import AutoencoderSharpenTable
from crispen.lab.networks.autoencoder_unet import AutoencoderUnetTable
from crispen.lab.networks.autoencoder_variational import AutoencoderVariationalTable
from crispen.lab.networks.base import Architecture
from crispen.lab.networks.curve import CurveTable
from crispen.lab.networks.deconvolution import DeconvolutionTable
from crispen.lab.networks.discriminator import DiscriminatorTable
from crispen.lab.networks.edsr import EdsrTable
from crispen.lab.networks.espcn import EspcnTable
from crispen.lab.networks.fsrcnn import FsrcnnTable
from crispen.lab.networks.plain import PlainTable
from crispen.lab.networks.residual import ResidualTable
from crispen.lab.networks.srcnn import SrcnnTable
from crispen.lab.networks.srresnet import SrresnetTable
from crispen.lab.networks.unet_denoise import UnetDenoiseTable
from crispen.lab.networks.vivid import VividTable
from crispen.lab.recipe import load_recipe, recipe_names

COUNTS = [
    # The studies' figures.
    (SrcnnTable(), 2, 3, 20_099),
    (EspcnTable(), 2, 1, 58_212),
    (AutoencoderUnetTable(), 1, 3, 1_110_403),
    (AutoencoderVariationalTable(), 1, 3, 522_519),
    (AutoencoderDenoiseTable(bottleneck="2x2x8"), 1, 3, 23_659),
    (DeconvolutionTable(), 2, 3, 3_063),
    # Of ESPCN each further plane of the last layer adds 32·9 + 1.
    (EspcnTable(), 3, 1, 58_212 + 5 * 289),
    (EspcnTable(), 4, 1, 58_212 + 12 * 289),
    # As the studies built them.
    (DeconvolutionTable(variant="study"), 2, 3, 3_063),
    (ResidualTable(variant="study"), 4, 3, 299_463),
    (AutoencoderDenoiseTable(variant="study", bottleneck="2x2x8"), 1, 3, 23_659),
    (
        AutoencoderDenoiseTable(variant="study", bottleneck="8x8x2"),
        1,
        3,
        (1_568 + 1_026) + (1_056 + 1_539),
    ),
    (EspcnTable(variant="study"), 2, 1, 58_212),
    (EspcnTable(variant="paper"), 3, 1, (25 * 64 + 64) + (9 * 64 * 32 + 32) + (9 * 32 * 9 + 9)),
    # EDSR's official PyTorch code prints these; the paper's tables round them to thousands.
    (EdsrTable(), 2, 3, 1_369_859),
    (EdsrTable(), 3, 3, 1_554_499),
    (EdsrTable(), 4, 3, 1_517_571),
    # The paper says 43 M of the large one.
    (EdsrTable(width=256, blocks=32), 4, 3, 43_089_923),
    # SRGAN's paper says "1.5 M"; head, blocks, body's end, two steps, tail.
    (SrresnetTable(), 4, 3, 15_616 + 1 + 16 * 74_113 + 37_056 + 2 * 147_713 + 15_555),
    # FSRCNN's paper counts 12,464 weights; biases and PReLU slopes come on top.
    (FsrcnnTable(), 2, 1, 12_464 + (56 + 12 + 4 * 12 + 56 + 1) + (56 + 12 + 4 * 12 + 56)),
    # Sums of layers: inputs · outputs · side² + outputs.
    (AutoencoderSharpenTable(), 1, 3, 788_867),
    (
        AutoencoderDenoiseTable(bottleneck="8x8x2"),
        1,
        3,
        (1_568 + 4_624 + 290) + (304 + 4_640 + 1_539),
    ),
    (AutoencoderDenseTable(bottleneck="8x8x2"), 1, 3, 12_965 + 128 * 129),
    (AutoencoderDenseTable(bottleneck="2x2x8"), 1, 3, 23_659 + 32 * 33),
    (ResidualTable(), 4, 3, 1_792 + 4 * (36_928 + 128 + 1) + 1_731),
    (UnetDenoiseTable(), 1, 3, 467_363),
    (
        # Four convolutions; then 2 x 24 means and maxima, and 2 x 7 planes of 23 quantiles.
        CurveTable(),
        1,
        3,
        (9 * 3 * 8 + 8)
        + (9 * 8 * 12 + 12)
        + (9 * 12 * 16 + 16)
        + (9 * 16 * 24 + 24)
        + (370 * 160 + 160)
        + (160 * 160 + 160)
        + (160 * 216 + 216),
    ),
    (
        PlainTable(width=16, depth=4, unshuffle=2),
        1,
        3,
        (9 * 12 * 16 + 16) + 4 * (9 * 256 + 16) + (9 * 16 * 12 + 12),
    ),
    # Two plain networks with dials.
    (
        VividTable(faithful_width=8, faithful_depth=1, width=16, depth=2),
        2,
        3,
        (27 * 8 + 8)
        + (72 * 8 + 8)
        + (72 * 12 + 12)
        + (7 * 8 + 9 * 8 * 2)
        + (27 * 16 + 16)
        + 2 * (144 * 16 + 16)
        + (144 * 12 + 12)
        + (7 * 16 + 17 * 16 * 3),
    ),
]


@pytest.mark.parametrize(
    ("table", "scale", "channels", "expected"),
    COUNTS,
    ids=[f"{table.kind}-x{scale}-{expected}" for table, scale, _, expected in COUNTS],
)
def test_parameters(table: Architecture, scale: int, channels: int, expected: int) -> None:
    network = build_network(table, scale=scale, channels=channels)
    assert parameter_count(network.merged()) == expected


def test_every_network_is_counted() -> None:
    assert {type(table) for table, *_ in COUNTS} == set(NETWORKS)


def test_fsrcnn_weights_as_published() -> None:
    network = build_network(FsrcnnTable(), scale=3, channels=1)
    assert sum(p.numel() for p in network.parameters() if p.ndim == 4) == 12_464


def test_discriminator() -> None:
    # Both are what public PyTorch implementations of SRGAN print.
    assert parameter_count(DiscriminatorTable(form="dense").build(3)) == 23_565_505
    assert parameter_count(DiscriminatorTable(form="pooled").build(3)) == 5_215_425


@pytest.mark.parametrize("name", [n for n in recipe_names() if n.startswith("photo")])
def test_what_ships_is_small(name: str) -> None:
    recipe = load_recipe(name)
    network = build_network(
        recipe.network, scale=recipe.scale, channels=recipe.data.channels
    ).merged()
    limit = 25_000 if name.startswith("photo-fast") else 200_000
    assert 1_000 < parameter_count(network) <= limit
