"""Initial weights of a run: from a checkpoint or a model file.

A model file holds the merged network: one kernel where a rich block trains a sum of several, and no
batch normalisation where that was folded into a convolution. The exporter names each node of the
graph after its module, so weights are assigned by node, not by tensor name. A rich block starts
with the model's kernel as its sum; a batch normalisation starts as the identity, with the
statistics of its input.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from crispen.errors import UsageError
from crispen.lab.checkpoint import (
    lineage_after,
    load_checkpoint,
    no_lineage,
    restore_weights,
    transfer_weights,
)
from crispen.lab.data.toy import toy_pictures
from crispen.lab.narrowing import check_narrower, narrow
from crispen.lab.networks import Network
from crispen.lab.networks.clipped import Clip
from crispen.lab.networks.plain import Plain, PlainActivation, PlainTable, RichConv
from crispen.lab.networks.vivid import Phases, Vivid, VividTable
from crispen.lab.published import take_published
from crispen.lab.recipe import Recipe
from crispen.models.card import ModelCard
from crispen.models.dials import Dials, set_dials
from crispen.models.published import SUFFIXES as PUBLISHED
from crispen.models.store import SUFFIX, find, read_model

# Parameters of an operator, by position of its inputs from the second on.
_INPUTS = {
    "Conv": ("weight", "bias"),
    "ConvTranspose": ("weight", "bias"),
    "Gemm": ("weight", "bias"),
    "MatMul": ("weight",),
    "PRelu": ("weight",),
    "BatchNormalization": ("weight", "bias", "running_mean", "running_var"),
    "Clip": ("", "range"),
}
_ACTIVATIONS: dict[str, PlainActivation] = {
    "Relu": "relu",
    "LeakyRelu": "leaky-relu",
    "Clip": "clipped-relu",
}
_STATISTICS = (8, 96)  # number of pictures and their side


def begin(network: Network, recipe: Recipe) -> dict[str, Any]:
    """Gives a new run's network its initial weights.

    Args:
        network: The network, modified in place; a `Vivid` one also gets its frozen model.
        recipe: The recipe, which names the source of the weights.

    Returns:
        See `start_from`.

    Raises:
        CrispenError: See `start_from`.
        UsageError: The frozen model is not the network that the recipe describes.
    """
    if isinstance(network, Vivid):
        assert isinstance(recipe.network, VividTable)
        _copy_model(network.faithful, recipe.network.faithful)
        if not _is_vivid(recipe.train.start):
            network = network.detail
    return start_from(network, recipe.train.start) if recipe.train.start else no_lineage()


def _is_vivid(start: str) -> bool:
    """Whether it is a model with both parts; a checkpoint contains only the trained part."""
    return _is_model(start) and find(start)[1].vivid


@torch.no_grad()
def _copy_model(network: Phases, name: str) -> None:
    """Loads all weights of a model, and checks that the network then gives the same output."""
    path, card = find(name)
    model = onnx.load_from_string(read_model(path))
    if card.dials and _take(network, model):
        x = torch.rand(1, network.channels, 24, 16, generator=torch.Generator().manual_seed(0))
        dials = Dials(0.3, 0.5, 0.2)
        told = onnx.load_from_string(set_dials(model.SerializeToString(), dials))
        (found,) = ReferenceEvaluator(told).run(None, {"input": x.numpy()})
        out = np.asarray(found)
        residual = network.eval()(x, torch.tensor([dials.inputs()]))
        mine = network.compose(x, residual).clamp(0, 1)
        if mine.shape == out.shape and float((mine - torch.from_numpy(out)).abs().max()) < 1e-4:
            return
    raise UsageError(
        f"network.faithful: {name} ({card.architecture}, scale {card.scale}) is not the network "
        "that the recipe describes; correct faithful_width, faithful_depth or scale"
    )


def start_from(network: Network, start: str) -> dict[str, Any]:
    """Copies matching weights into a network, and returns their origin.

    Args:
        network: The network, modified in place.
        start: A checkpoint; a model, by name or as an ONNX file; or for a network of spandrel a
            file of published PyTorch weights.

    Returns:
        ``started_from``, and the ``steps`` and ``wall_time_s`` of all runs before this one.

    Raises:
        MissingInput: The checkpoint does not exist.
        InputError: The PyTorch file contains more than weights, or is damaged.
        ModelError: The model does not exist or is damaged.
        UsageError: None of the weights fits.

    A plain network that is narrower than that of `start` gets its most important channels; see
    `crispen.lab.narrowing`.
    """
    if Path(start).suffix.lower() in PUBLISHED:
        return _start_from_published(network, Path(start))
    if not _is_model(start):
        return _narrowed_run(network, Path(start)) or transfer_weights(network, Path(start))
    path, card = find(start)
    model = onnx.load_from_string(read_model(path))
    if not _narrowed_model(network, model, card, start) and not _take(network, model):
        raise UsageError(
            f"train.start: nothing in {start} ({card.architecture}) fits this network; leave "
            "train.start out or name a model of the same kind"
        )
    training = card.training
    return {
        "started_from": card.name,
        "steps": training.steps if training else 0,
        "wall_time_s": training.wall_time_s if training else 0.0,
    }


def _narrowed_run(network: Network, path: Path) -> dict[str, Any] | None:
    """The lineage, if the run's network is a wider one whose channels were taken."""
    if not isinstance(network, Plain) or not path.is_file():
        return None
    content = load_checkpoint(path)
    recipe = content["recipe"]
    table, channels = recipe.network, recipe.data.channels
    if not isinstance(table, PlainTable) or channels != network.channels:
        return None
    if table.width <= network.head.out_channels:
        return None
    wide = table.build(recipe.scale, channels)
    restore_weights(wide, content["average"], path)
    check_narrower(network, wide, str(path))
    narrow(network, wide)
    return lineage_after(content)


def _narrowed_model(network: Network, model: onnx.ModelProto, card: ModelCard, start: str) -> bool:
    """Whether the model's network is a wider one whose channels were taken."""
    if not isinstance(network, Plain):
        return False
    wide = _wide_plain(network, model, card)
    if wide is None:
        return False
    check_narrower(network, wide, start)
    narrow(network, wide)
    return True


def _wide_plain(network: Plain, model: onnx.ModelProto, card: ModelCard) -> Plain | None:
    """The plain network of a model file with its weights, if it is wider than `network`."""
    shapes = {i.name: tuple(i.dims) for i in model.graph.initializer}
    nodes = {_module_of(node.name).removeprefix("network."): node for node in model.graph.node}
    head, first = nodes.get("head"), nodes.get("activations.0")
    if head is None or first is None or head.op_type != "Conv":
        return None
    width, channels, side, _ = shapes[head.input[1]]
    if channels != network.channels or width <= network.head.out_channels:
        return None
    wide = Plain(
        card.scale,
        channels,
        width,
        sum(name.startswith("body.") for name in nodes),
        _ACTIVATIONS.get(first.op_type, network.activation),
        unshuffle=side // 3,
        dials=bool(card.dials),
    )
    return wide if _take(wide, model) else None


def _start_from_published(network: Network, path: Path) -> dict[str, Any]:
    if not take_published(network, path):
        raise UsageError(
            f"train.start: nothing in {path} fits this network; give the recipe's [network] the "
            'kind "spandrel", and the architecture and arguments of that file'
        )
    return no_lineage() | {"started_from": path.stem}


def _is_model(start: str) -> bool:
    path = Path(start)
    named = path.name == start and not path.suffix and not path.exists()
    return bool(start) and (named or path.suffix == SUFFIX)


@torch.no_grad()
def _take(network: Network, model: onnx.ModelProto) -> bool:
    """Copies a graph's weights into a network; returns whether any was not a bias."""
    modules = dict(network.named_modules())
    weights = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    given: set[str] = set()
    taken = False
    for node in model.graph.node:
        place = _module_of(node.name)
        while place.startswith("network.") and place not in modules:
            place = place.removeprefix("network.")
        module = modules.get(place)
        if not place or module is None:
            continue
        for name, key in zip(_INPUTS.get(node.op_type, ()), node.input[1:], strict=False):
            if not name or key not in weights:
                continue
            value = torch.from_numpy(np.array(weights[key]))
            taken |= _set(module, name, _as_trained(node, value)) and value.ndim > 1
            given.add(place)
    folded = [
        layer
        for place, layer in modules.items()
        if isinstance(layer, nn.BatchNorm2d) and place not in given
    ]
    if taken and folded:
        _change_nothing(network, folded)
    return taken


def _module_of(node: str) -> str:
    """The module whose forward created a node.

    >>> _module_of("/blocks/blocks.0/layers/layers.2/PRelu")
    'blocks.0.layers.2'
    >>> _module_of("/Conv")
    ''
    """
    parts = node.strip("/").split("/")[:-1]
    # Drops a module list, which precedes its entry in the path and prefixes the entry's name.
    kept = [
        part
        for part, after in zip(parts, [*parts[1:], ""], strict=False)
        if not after.startswith(f"{part}.")
    ]
    return ".".join(kept)


def _as_trained(node: onnx.NodeProto, value: Tensor) -> Tensor:
    """A weight in the shape that its module uses."""
    if node.op_type == "PRelu":
        return value.flatten()
    turned = node.op_type == "Gemm" and not any(a.name == "transB" and a.i for a in node.attribute)
    return value.T if node.op_type == "MatMul" or turned else value


def _set(module: nn.Module, name: str, value: Tensor) -> bool:
    """Sets a module's weight to the given one; returns whether the module has it."""
    if name == "range" and not isinstance(module, Clip):
        return False
    held = getattr(module, name, None)
    if not isinstance(held, Tensor) or held.shape != value.shape:
        return False
    if isinstance(module, RichConv) and name == "weight":
        # The other branches keep their initial values; the sum is the model's kernel.
        value = value - (module.kernel() - module.weight)
    held.copy_(value)
    if isinstance(module, Clip):
        module.fitted = True
    return True


def _change_nothing(network: Network, layers: list[nn.BatchNorm2d]) -> None:
    """Makes batch normalisations the identity, in training and in evaluation mode."""
    for layer in layers:
        layer.reset_running_stats()
        layer.weight.fill_((1.0 + layer.eps) ** 0.5)
        layer.bias.zero_()

    def see(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.BatchNorm2d)
        x = inputs[0]
        seen[layer] = x.mean((0, 2, 3)), x.var((0, 2, 3))

    seen: dict[nn.BatchNorm2d, tuple[Tensor, Tensor]] = {}
    hooks = [layer.register_forward_pre_hook(see) for layer in layers]
    was_training = network.training
    try:
        network.eval()(_pictures(network))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    for layer, (mean, variance) in seen.items():
        assert layer.running_mean is not None
        assert layer.running_var is not None
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
        layer.weight.copy_((variance + layer.eps).sqrt())
        layer.bias.copy_(mean)


def _pictures(network: Network) -> Tensor:
    """Generated pictures for computing statistics, ``(N, C, H, W)`` in [0, 1]."""
    count, side = _STATISTICS
    side = network.window_px or -(-side // network.multiple) * network.multiple
    pixels = np.stack(toy_pictures(count, side, seed=0))[..., : network.channels]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255.0
