"""A network that does not keep its promises is refused before it is exported."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.errors import ModelError
from crispen.lab.networks import Network, build_network
from crispen.lab.networks.autoencoder_variational import AutoencoderVariationalTable
from crispen.lab.networks.unet_denoise import UnetDenoiseTable
from crispen.lab.promises import check_network, measured_halo, with_random_weights
from crispen.lab.recipe import load_recipe, recipe_names


class Convolution(Network):
    """One convolution that says what halo a test wants."""

    def __init__(self, kernel: tuple[int, int], halo: int | None, dilation: int = 1) -> None:
        super().__init__(1, 3)
        self.halo = halo
        padding = tuple(dilation * (k // 2) for k in kernel)
        self.conv = nn.Conv2d(3, 3, kernel, padding=padding, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(self.conv(x))


@pytest.mark.parametrize(
    ("kernel", "dilation", "reach"),
    [((9, 9), 1, 4), ((1, 9), 1, 4), ((3, 1), 1, 1), ((3, 3), 50, 50)],
)
def test_the_halo_is_measured_along_both_axes(
    kernel: tuple[int, int], dilation: int, reach: int
) -> None:
    good = Convolution(kernel, reach, dilation)
    check_network(good, "mine")
    assert measured_halo(with_random_weights(good)) == reach
    for halo in (0, reach - 1):
        with pytest.raises(ModelError, match=rf"says halo = {halo}.*set halo = {reach}"):
            check_network(Convolution(kernel, halo, dilation), "mine")
    # Too large a halo costs time, not quality.
    check_network(Convolution(kernel, reach + 7, dilation), "mine")


def test_why_it_matters() -> None:
    """The seams that halo = 0 on a 9x9 network made, which nothing refused."""
    torch.manual_seed(0)
    network = with_random_weights(Convolution((9, 9), 0))
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        whole = network(x)
        tiles = torch.cat([network(x[..., :32]), network(x[..., 32:])], dim=3)
    assert float((whole - tiles).abs().max()) * 255 > 50
    with pytest.raises(ModelError, match="seams"):
        check_network(network, "mine")


def test_weights_that_are_silent_hide_nothing() -> None:
    network = Convolution((9, 9), 0)
    nn.init.zeros_(network.conv.weight)
    with pytest.raises(ModelError, match="set halo = 4"):
        check_network(network, "mine")
    assert not network.conv.weight.any(), "the network itself is not touched"


class Pooled(Network):
    """Pools and enlarges again without saying so."""

    halo = 3

    def __init__(self) -> None:
        super().__init__(1, 3)
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(F.interpolate(self.conv(F.avg_pool2d(x, 2)), scale_factor=2))


class Shrunk(Pooled):
    """Pads too little."""

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(self.conv(x)[..., 1:-1, 1:-1])


class Loud(Pooled):
    """Does not clip."""

    def forward(self, x: Tensor) -> Tensor:
        return 3 * self.conv(x) + 1


class Everything(Pooled):
    """Depends on the whole picture."""

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(self.conv(x) - x.mean(dim=(2, 3), keepdim=True))


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (Pooled, "fails on|gives|set halo"),
        (Shrunk, "check its padding, scale and multiple"),
        (Loud, "leaves .* return self.finish"),
        (Everything, "more than 256 away; set halo = None"),
    ],
)
def test_other_promises(network: type[Network], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        check_network(network(), "mine")


def test_a_network_of_one_window_has_nothing_to_measure() -> None:
    check_network(build_network(AutoencoderVariationalTable(), scale=1, channels=3), "mine")


def test_every_network_that_is_trained_here_keeps_its_promises() -> None:
    seen = set()
    for name in recipe_names():
        recipe = load_recipe(name)
        if recipe.network.kind in seen or recipe.network.kind in ("srresnet", "autoencoder-unet"):
            continue  # test_every_network measures small ones of these
        seen.add(recipe.network.kind)
        channels = recipe.data.channels
        check_network(build_network(recipe.network, scale=recipe.scale, channels=channels), name)
    assert len(seen) > 8


def test_a_far_halo_is_found_from_nothing() -> None:
    network = build_network(UnetDenoiseTable(), scale=1, channels=3)
    right = network.halo
    assert right is not None
    assert right > 20
    network.halo = 0
    with pytest.raises(ModelError, match=f"set halo = {right}$"):
        check_network(network, "unet-denoise")
