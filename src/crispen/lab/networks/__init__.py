"""The networks, one per file, and the single list of them."""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING

from crispen.lab.networks.base import (
    Architecture,
    Network,
    Output,
    Upscaler,
    architecture_of,
    parameter_count,
)
from crispen.lab.networks.spandrel import SpandrelTable
from crispen.lab.table import Kinds

__all__ = [
    "NETWORKS",
    "NETWORK_KINDS",
    "Network",
    "NetworkTable",
    "Output",
    "Upscaler",
    "build_network",
    "parameter_count",
]

# A new network needs its file, one line here, and a recipe.
NETWORKS: tuple[type[Architecture], ...] = tuple(
    pkgutil.resolve_name(f"{__name__}.{entry}")
    for entry in (
        "autoencoder_denoise:AutoencoderDenoiseTable",
        "autoencoder_dense:AutoencoderDenseTable",
        "autoencoder_sharpen:AutoencoderSharpenTable",
        "autoencoder_unet:AutoencoderUnetTable",
        "autoencoder_variational:AutoencoderVariationalTable",
        "curve:CurveTable",
        "deconvolution:DeconvolutionTable",
        "edsr:EdsrTable",
        "espcn:EspcnTable",
        "fsrcnn:FsrcnnTable",
        "plain:PlainTable",
        "residual:ResidualTable",
        "srcnn:SrcnnTable",
        "srresnet:SrresnetTable",
        "unet_denoise:UnetDenoiseTable",
        "vivid:VividTable",
    )
)

# Networks of another library share one kind, which has no default.
NETWORK_KINDS: Kinds[Architecture] = Kinds(
    "networks", (*NETWORKS, SpandrelTable), Architecture, "network", architecture_of
)

if TYPE_CHECKING:
    NetworkTable = Architecture
else:
    NetworkTable = NETWORK_KINDS.annotation()


def build_network(table: Architecture, *, scale: int, channels: int) -> Network:
    """The untrained network that a recipe's ``[network]`` table names.

    >>> from crispen.lab.networks.espcn import EspcnTable
    >>> parameter_count(build_network(EspcnTable(), scale=2, channels=1))
    58212
    """
    return table.build(scale, channels)
