"""Measures how a third-party network can be tiled, for its model card.

Three properties are not documented: the halo, the period of the positions at which a tile may begin
(networks with window attention have one), and whether the exported graph works for every input size
or contains constants for a single one. If exact tiles do not give the same output as the whole
picture, tiles are blended. If the graph works for one size only, windows of that size are blended.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence

import numpy as np
import openvino as ov
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from crispen.errors import ModelError
from crispen.lab.networks.base import Network
from crispen.lab.networks.spandrel import Foreign
from crispen.lab.promises import looks_farther, measured_halo, with_random_weights
from crispen.lab.tracing import example, traced
from crispen.models.card import FAR_PX

# Periods to try, in units of the network's `multiple`.
_FACTORS = (1, 2, 4, 8, 16)
_LARGEST_MULTIPLE = 64
# A quarter of a level of 255; constants for another size cause much larger errors.
_ALIKE = 1e-3
_WINDOW_PX = 128
_SIZES = ((40, 64), (72, 32))


def settle(network: Foreign) -> None:
    """Measures halo, multiple and window of a network and sets them, in place.

    Raises:
        ModelError: The network cannot be exported, or its graph differs from it.
    """
    if network.settled:
        return
    network.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecation warnings from third-party code
        _settle(network)
    network.settled = True


def _settle(network: Foreign) -> None:
    if network.window_px is None and not _takes_every_size(network):
        network.window_px = -(-_WINDOW_PX // network.multiple) * network.multiple
    if network.window_px is None:
        network.halo, network.multiple = measured_tiles(network)
    else:
        _check_window(network)


def measured_tiles(network: Network) -> tuple[int | None, int]:
    """Halo and multiple in pixels with which tiles are exact; the halo is None if none are."""
    tried = with_random_weights(network)
    least = network.multiple
    for factor in _FACTORS:
        tried.multiple = factor * least
        if factor > 1 and tried.multiple > _LARGEST_MULTIPLE:
            break
        halo = _halo(tried)
        if halo is None:
            break
        if all(_tile_equals_whole(tried, halo, axis) for axis in (2, 3)):
            return halo, tried.multiple
    return None, least


def _halo(network: Network) -> int | None:
    """The halo in pixels; None if it is too large, or cannot be measured by gradients."""
    try:
        return _near_halo(network)
    except RuntimeError:
        # Some networks modify feature maps in place in evaluation mode, which breaks gradients.
        learning = copy.deepcopy(network)
        for layer in learning.modules():
            layer.training = not isinstance(layer, _BatchNorm | _DropoutNd)
        learning.training = False
    try:
        return _near_halo(learning)
    except RuntimeError:
        return None


def _near_halo(network: Network) -> int | None:
    if looks_farther(network, FAR_PX):
        return None
    halo = measured_halo(network)
    return halo if halo is not None and halo <= FAR_PX else None


@torch.no_grad()
def _tile_equals_whole(network: Network, halo: int, axis: int) -> bool:
    """Whether the centre of a picture gets the same output from a tile with this halo."""
    step, scale = network.multiple, network.scale
    around = -(-halo // step) * step
    across = max(step, 16 // step * step)
    length = 2 * around + 4 * step
    shape = (length, across) if axis == 2 else (across, length)
    x = torch.rand(1, network.channels, *shape, generator=torch.Generator().manual_seed(2))
    # Training mode of the top module disables clipping, which could hide differences.
    network.training = True
    try:
        whole = network(x)
        # Shifted by one step, which reveals periods longer than a step.
        tile = network(x.narrow(axis, step, 2 * around + step))
    finally:
        network.training = False
    of_whole = whole.narrow(axis, scale * (around + step), scale * step)
    of_tile = tile.narrow(axis, scale * around, scale * step)
    largest = float(whole.abs().max())
    return float((of_whole - of_tile).abs().max()) <= 1e-4 * max(1.0, largest)


def _takes_every_size(network: Foreign) -> bool:
    """Whether the exported graph equals the network at several input sizes."""
    free = {0: "n", 2: "h", 3: "w"}
    try:
        model = traced(
            network,
            [example(network)],
            ["input"],
            ["output"],
            {"input": free, "output": {0: "n", 2: "H", 3: "W"}},
        )
    except (RuntimeError, ValueError, TypeError):  # torch.onnx's own errors are RuntimeErrors
        return False
    return _alike(network, model.SerializeToString(), [example(network, *s) for s in _SIZES])


def _check_window(network: Foreign) -> None:
    """Checks that the exported graph equals the network at its window size."""
    x = example(network)
    try:
        model = traced(network, [x], ["input"], ["output"], {})
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{network.title}: cannot be written as an ONNX graph ({reason}); choose another "
            "architecture"
        ) from error
    if not _alike(network, model.SerializeToString(), [x]):
        raise ModelError(
            f"{network.title}: its ONNX graph gives other results than PyTorch; choose "
            "another architecture"
        )


def _alike(network: Foreign, model: bytes, pictures: Sequence[Tensor]) -> bool:
    """Whether the graph in OpenVINO gives the same outputs as the network."""
    core = ov.Core()
    try:
        compiled = core.compile_model(
            core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )
        answers = [np.array(compiled(x.numpy())[0]) for x in pictures]
    except RuntimeError:  # OpenVINO raises nothing else
        return False
    for x, answer in zip(pictures, answers, strict=True):
        with torch.no_grad():
            expected = network(x).numpy()
        if answer.shape != expected.shape:
            return False
        if not float(np.abs(answer - expected).max()) <= _ALIKE:  # also false for NaN
            return False
    return True
