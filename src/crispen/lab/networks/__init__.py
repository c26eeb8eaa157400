"""The networks, one file each, and the one list of them."""

from __future__ import annotations

from crispen.lab.networks.base import Upscaler, parameter_count
from crispen.lab.networks.espcn import ESPCN
from crispen.lab.networks.plain import Plain
from crispen.lab.recipe import EspcnNetwork, PlainNetwork, Recipe

__all__ = ["ESPCN", "Plain", "Upscaler", "build_network", "parameter_count"]


def build_network(recipe: Recipe) -> Plain | ESPCN:
    """The untrained network that a recipe names."""
    channels = 1 if recipe.data.color == "luma" else 3
    match recipe.network:
        case PlainNetwork(width=width, depth=depth, activation=activation):
            return Plain(recipe.scale, channels, width, depth, activation)
        case EspcnNetwork():
            return ESPCN(recipe.scale, channels)
