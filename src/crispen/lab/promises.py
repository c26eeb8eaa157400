"""Checks size, range and halo of a network against its model card, before it is exported.

Tiles are cut with the card's halo and multiple, so a wrong value causes seams in every picture.
Both are measured on a copy with random weights, because trained filters that are close to zero can
hide dependencies.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

from crispen.errors import ModelError
from crispen.lab.networks.base import Network

# Larger halos are not useful: such a network counts as one without a halo.
_FARTHEST_PX = 256
# Distance to check beyond the stated halo: receptive fields of dilated kernels have gaps.
_MARGIN_PX = 96
# Minimum and maximum number of test pictures; long pictures need fewer.
_PICTURES = (4, 24)
_ROWS = 2000


def check_network(network: Network, name: str) -> None:
    """Checks output size, output range and halo of a network.

    Args:
        network: The network before merging; not changed.
        name: Name for error messages.

    Raises:
        ModelError: A value is wrong; the error gives the right one.
    """
    if network.window_px is not None:
        return  # it has a fixed input size and no halo
    tried = with_random_weights(network)
    _check_sizes(tried, name)
    if network.halo is None:
        return
    reach = measured_halo(tried)
    if reach is None:
        raise ModelError(
            f"network {name}: says halo = {network.halo}, but its output depends on input pixels "
            f"more than {_FARTHEST_PX} away; set halo = None, so that its tiles are blended"
        )
    if reach > network.halo:
        raise ModelError(
            f"network {name}: says halo = {network.halo}, but its output depends on input pixels "
            f"{reach} away, so tiles would show seams; set halo = {reach}"
        )


def with_random_weights(network: Network) -> Network:
    """A copy of the network on the CPU with random weights, none of which is zero."""
    tried = copy.deepcopy(network).cpu().float().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in tried.parameters():
            if weight.ndim > 1:
                fan = math.prod(weight.shape[1:])
                weight.normal_(std=1.0 / math.sqrt(fan), generator=generator)
    return tried


def _check_sizes(network: Network, name: str) -> None:
    step, scale = network.multiple, network.scale
    least = -(-16 // step)
    for rows, columns in ((least * step, (least + 1) * step), ((least + 2) * step, least * step)):
        expected = (1, network.channels, scale * rows, scale * columns)
        try:
            with torch.no_grad():
                out = network(_noise((1, network.channels, rows, columns)))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(
                f"network {name}: fails on {columns}x{rows} pixels ({reason}); set multiple to "
                "what the sides of its input must be multiples of"
            ) from error
        if tuple(out.shape) != expected:
            raise ModelError(
                f"network {name}: gives {tuple(out.shape)} for an input of {columns}x{rows} "
                f"pixels, not {expected}; check its padding, scale and multiple"
            )
        if float(out.min()) < 0 or float(out.max()) > 1:
            raise ModelError(
                f"network {name}: leaves [0, 1]; return self.finish(picture) from forward"
            )


def measured_halo(network: Network) -> int | None:
    """The halo of a network in input pixels, measured by gradients; None if it exceeds 256.

    For every position in the network's grid and every phase of the scale, the farthest input pixel
    with a non-zero gradient is found on random pictures.
    """
    farthest = 0
    if looks_farther(network, _FARTHEST_PX):
        return None
    for axis in (2, 3):
        reach = _reach(network, axis)
        if reach is None:
            return None
        farthest = max(farthest, reach)
    return farthest


def _reach(network: Network, axis: int) -> int | None:
    step = network.multiple
    side = -(-((network.halo or 0) + _MARGIN_PX) // step)
    # Doubles the area until it contains the whole receptive field.
    while (reach := _reach_within(network, axis, side)) >= side * step:
        if side * step > _FARTHEST_PX:
            return None
        side *= 2
    return reach


def looks_farther(network: Network, than: int) -> bool:
    """Whether an output pixel depends on an input pixel more than `than` pixels away.

    A single pixel is tested, which is enough for networks with a global or very large receptive
    field.
    """
    side = than // network.multiple + 2
    return any(_reach_within(network, axis, side, pixels=1, most=1) > than for axis in (2, 3))


def _reach_within(
    network: Network, axis: int, side: int, *, pixels: int | None = None, most: int = _PICTURES[1]
) -> int:
    """The halo along an axis, in pixels, if it is smaller than the test pictures.

    Args:
        network: The network.
        axis: Axis to test: 2 or 3.
        side: Distance from the tested pixels to the picture's border, in grid cells.
        pixels: Number of positions in a cell and of phases to test; all unless given.
        most: Maximum number of pictures.
    """
    step, scale = network.multiple, network.scale
    middle = side * step
    across = max(step, 2 * step if step > 1 else 4)
    long = (2 * side + 1) * step
    pictures = min(most, max(_PICTURES[0], _ROWS // long))
    shape = (pictures, network.channels, *((long, across) if axis == 2 else (across, long)))
    x = _noise(shape).requires_grad_()
    # Only the top module, to disable clipping, which would zero gradients; dropout and
    # normalisation stay in evaluation mode.
    network.training = True
    try:
        out = network(x)
    finally:
        network.training = False
    farthest = 0
    for pixel in range(pixels or step):
        for phase in range(pixels or scale):
            line = out.select(axis, (middle + pixel) * scale + phase)
            weights = _noise(tuple(line.shape), seed=pixel)
            (gradient,) = torch.autograd.grad((line * weights).sum(), x, retain_graph=True)
            seen = gradient.abs().amax(dim=(0, 1, 5 - axis)).nonzero().flatten()
            places = seen - (middle + pixel)
            farthest = max(farthest, int(places.abs().max()) if len(places) else 0)
    return farthest


def _noise(shape: tuple[int, ...], seed: int = 1) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))
