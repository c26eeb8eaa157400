"""Pruning: a plain network gets the most important channels of a wider one, then trains on.

Layer by layer from the first: the channels that contribute most to the layer after them are kept,
and the kernels that read them are refitted by least squares, so that they give what they gave with
all channels. This is channel pruning [1]_ with the contribution in place of its LASSO. Generated
pictures are what both networks are compared on; where these say nothing of a weight, it stays.

Of a network with dials, the layers that turn the dials into biases are narrowed in the same way, on
drawn dials: half of them known, and the pictures as noisy as these say.

.. [1] Y. He, X. Zhang, J. Sun, "Channel pruning for accelerating very deep neural networks", ICCV
   2017, arXiv:1707.06168
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.errors import UsageError
from crispen.lab.checkpoint import rescaled_tail
from crispen.lab.data.toy import toy_pictures
from crispen.lab.networks.clipped import Clip
from crispen.lab.networks.plain import DialBias, Plain, RichConv
from crispen.models.dials import INPUTS, noise_of

_PICTURES = (8, 96)  # number of pictures and their side
_DIALS = 4096  # number of settings on which the dials' layers are refitted
# Of the mean square of what a kernel reads: how strongly its weights are held.
_RIDGE = 1e-3


def check_narrower(network: Plain, wide: Plain, start: str) -> None:
    """Refuses a pair of networks that `narrow` does not know how to match.

    Args:
        network: The narrower network, which is to be trained.
        wide: The network whose channels it gets.
        start: Name of `wide` in messages.

    Raises:
        UsageError: They differ in more than width, scale, activation and dials.
    """
    for key, mine, theirs in (
        ("unshuffle", network.unshuffle, wide.unshuffle),
        ("depth", len(network.body), len(wide.body)),
    ):
        if mine != theirs:
            raise UsageError(
                f"train.start: to take the most important channels of {start}, set "
                f"network.{key} = {theirs}, as there"
            )


@torch.no_grad()
def narrow(network: Plain, wide: Plain) -> None:
    """Gives a network the most important channels of a wider one.

    Dials that only `network` has keep their initial weights, which change next to nothing; of dials
    that only `wide` has, what it does with unknown ones is kept.

    Args:
        network: Modified in place. Its tail keeps its weights if the scales cannot be converted.
        wide: Of the same depth and folding; see `check_narrower`. Not changed.
    """
    source = wide.merged().eval()
    count = _PICTURES[0]
    generator = torch.Generator().manual_seed(0)
    dials = torch.zeros(count, INPUTS)
    x = _pictures(network)
    if network.dial_bias is not None and source.dial_bias is not None:
        dials = drawn_dials(count, generator)
        levels = torch.tensor([noise_of(float(dial)) for dial in dials[:, 0]])
        noise = torch.randn(x.shape, generator=generator) * levels[:, None, None, None] / 255
        x = (x + noise).clamp(0, 1)
    nothing = torch.zeros(len(source.activations), count, 1, 1, 1)
    given_biases = nothing if source.dial_bias is None else source.dial_bias(dials)
    chosen = _chosen_channels(source, x, given_biases, network.head.out_channels)
    own_biases = nothing
    if network.dial_bias is not None and source.dial_bias is not None:
        _narrow_dials(network.dial_bias, source.dial_bias, chosen, generator)
        own_biases = network.dial_bias(dials)
    before = torch.arange(network.channels)
    mine = theirs = x
    layers = zip(
        [source.head, *source.body],
        [network.head, *network.body],
        source.activations,
        chosen,
        given_biases,
        own_biases,
        strict=True,
    )
    for layer, target, activation, kept, given_bias, own_bias in layers:
        given = layer(theirs) + given_bias
        theirs = activation(given)
        kernel, bias = _refitted(layer, before, kept, mine, given[:, kept] - own_bias)
        made = F.conv2d(mine, kernel, bias, layer.stride, layer.padding)
        mine = activation(made + own_bias)
        _set(target, kernel, bias)
        before = kept
    kernel, bias = _refitted(source.tail, before, slice(None), mine, source.tail(theirs))
    tail = {"tail.weight": kernel, "tail.bias": bias}
    tail = rescaled_tail(tail, wide.scale, network.scale, network.unshuffle)
    if tail["tail.weight"].shape == network.tail.weight.shape:
        _set(network.tail, tail["tail.weight"], tail["tail.bias"])
    for old, new in zip(source.activations, network.activations, strict=True):
        if isinstance(old, Clip) and isinstance(new, Clip):
            new.range.copy_(old.range)
            new.fitted = True


def drawn_dials(count: int, generator: torch.Generator) -> Tensor:
    """``(count, 6)``: settings of the dials, as in `crispen.models.dials`, each known or not."""
    known = torch.randint(0, 2, (count, INPUTS // 2), generator=generator).float()
    values = torch.rand(known.shape, generator=generator) * known
    return torch.stack([values, known], 2).flatten(1)


def _chosen_channels(source: Plain, x: Tensor, biases: Tensor, width: int) -> list[Tensor]:
    """The most important channels of each layer but the last.

    Args:
        source: The wide network, merged.
        x: ``(N, C, H, W)``, pictures.
        biases: ``(layers, N, channels or 1, 1, 1)``, of its dials.
        width: Number of channels to keep.
    """
    chosen = []
    readers = [*source.body, source.tail]
    layers = zip([source.head, *source.body], source.activations, biases, readers, strict=True)
    for layer, activation, bias, reader in layers:
        x = activation(layer(x) + bias)
        chosen.append(most_important(x, reader.weight, width))
    return chosen


def _narrow_dials(
    target: DialBias, source: DialBias, chosen: list[Tensor], generator: torch.Generator
) -> None:
    """Gives the dials' layers what they gave for the chosen channels, by fewer hidden units."""
    first, second, deeper = source.layers[0], source.layers[2], source.deeper
    assert isinstance(first, nn.Linear)
    assert isinstance(second, nn.Linear)
    rows = torch.cat([kept + number * source.width for number, kept in enumerate(chosen)])
    weight = torch.cat([second.weight, deeper.weight])[rows]
    bias = torch.cat([second.bias, deeper.bias])[rows]
    hidden = F.relu(first(drawn_dials(_DIALS, generator)))
    contribution = hidden.square().mean(0).sqrt() * weight.square().sum(0).sqrt()
    units = contribution.topk(target.width).indices.sort().values
    expected = F.linear(hidden, weight, bias)
    fitted, fitted_bias = _solved(weight[:, units], bias, [(hidden[:, units].T, expected.T)])
    _set(target.layers[0], first.weight[units], first.bias[units])
    _set(target.layers[2], fitted[: target.width], fitted_bias[: target.width])
    _set(target.deeper, fitted[target.width :], fitted_bias[target.width :])


def most_important(x: Tensor, kernel: Tensor, count: int) -> Tensor:
    """The channels that contribute most to the next layer, in order.

    Args:
        x: ``(N, C, H, W)``, that layer's input.
        kernel: ``(outputs, C, side, side)``, its weights.
        count: Number of channels to keep, at most C.

    Returns:
        ``(count,)`` indices.
    """
    contribution = x.square().mean((0, 2, 3)).sqrt() * kernel.square().sum((0, 2, 3)).sqrt()
    return contribution.topk(count).indices.sort().values


def _refitted(
    layer: nn.Conv2d, inputs: Tensor, outputs: Tensor | slice, x: Tensor, expected: Tensor
) -> tuple[Tensor, Tensor]:
    """A part of a convolution that gives `expected` for `x` as nearly as its inputs allow.

    Args:
        layer: The whole convolution.
        inputs: The input channels that are left.
        outputs: Its output channels that are kept.
        x: ``(N, inputs, H, W)``.
        expected: ``(N, outputs, h, w)``.

    Returns:
        Kernel and bias.
    """
    assert layer.bias is not None
    padding = layer.padding
    assert isinstance(padding, tuple)
    kernel = layer.weight[outputs][:, inputs]

    def read(picture: Tensor) -> Tensor:
        return F.unfold(picture[None], kernel.shape[2:], padding=padding, stride=layer.stride)[0]

    parts = (
        (read(picture), wanted.flatten(1)) for picture, wanted in zip(x, expected, strict=True)
    )
    new, bias = _solved(kernel.flatten(1), layer.bias[outputs], parts)
    return new.reshape(kernel.shape), bias


def _solved(
    weight: Tensor, bias: Tensor, parts: Iterable[tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """Weights and biases that give what is expected as nearly as possible (ridge regression).

    Args:
        weight: ``(outputs, inputs)``, what they are held to.
        bias: ``(outputs,)``.
        parts: What is read, ``(inputs, samples)``, and expected, ``(outputs, samples)``.
    """
    old = torch.cat([weight, bias[:, None]], 1).double()
    size = old.shape[1]
    square = torch.zeros(size, size, dtype=torch.float64)
    product = torch.zeros(size, len(old), dtype=torch.float64)
    for values, wanted in parts:
        read = torch.cat([values, torch.ones(1, values.shape[1])]).double()
        square += read @ read.T
        product += read @ (wanted.double() - old @ read).T
    hold = _RIDGE * square.diagonal().mean()
    change = torch.linalg.solve(square + hold * torch.eye(size, dtype=torch.float64), product)
    new = (old + change.T).float()
    return new[:, :-1], new[:, -1]


def _set(layer: nn.Module, kernel: Tensor, bias: Tensor) -> None:
    assert isinstance(layer.weight, Tensor)
    assert isinstance(layer.bias, Tensor)
    if isinstance(layer, RichConv):
        # The other branches keep their initial values; the sum is the kernel.
        kernel = kernel - (layer.kernel() - layer.weight)
    layer.weight.copy_(kernel)
    layer.bias.copy_(bias)


def _pictures(network: Plain) -> Tensor:
    """Generated pictures, ``(N, C, H, W)`` in [0, 1]."""
    pixels = np.stack(toy_pictures(*_PICTURES, seed=0))[..., : network.channels]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255.0
