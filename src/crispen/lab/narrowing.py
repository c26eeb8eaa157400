"""Pruning: a plain network gets the most important channels of a wider one, then trains on.

Layer by layer from the first: the channels that contribute most to the layer after them are kept,
and the kernels that read them are refitted by least squares, so that they give what they gave with
all channels. This is channel pruning [1]_ with the contribution in place of its LASSO. Generated
pictures are what both networks are compared on; where these say nothing of a weight, it stays.

.. [1] Y. He, X. Zhang, J. Sun, "Channel pruning for accelerating very deep neural networks", ICCV
   2017, arXiv:1707.06168
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.errors import UsageError
from crispen.lab.checkpoint import rescaled_tail
from crispen.lab.data.toy import toy_pictures
from crispen.lab.networks.clipped import Clip
from crispen.lab.networks.plain import Plain, RichConv

_PICTURES = (8, 96)  # number of pictures and their side
# Of the mean square of what a kernel reads: how strongly its weights are held.
_RIDGE = 1e-3


def check_narrower(network: Plain, wide: Plain, start: str) -> None:
    """Refuses a pair of networks that `narrow` does not know how to match.

    Args:
        network: The narrower network, which is to be trained.
        wide: The network whose channels it gets.
        start: Name of `wide` in messages.

    Raises:
        UsageError: They differ in more than width, scale and activation, or have dials.
    """
    if network.has_dials or wide.has_dials:
        raise UsageError(
            f"train.start: {start} has {wide.head.out_channels} channels, and a network with dials "
            f"cannot be made narrower; set network.width = {wide.head.out_channels}"
        )
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

    Args:
        network: Modified in place. Its tail keeps its weights if the scales cannot be converted.
        wide: Of the same depth and folding; see `check_narrower`. Not changed.
    """
    source = wide.merged().eval()
    width = network.head.out_channels
    before = torch.arange(network.channels)
    mine = theirs = _pictures(network)
    inner = [source.head, *source.body]
    targets = [network.head, *network.body]
    for i, (layer, target, activation) in enumerate(
        zip(inner, targets, source.activations, strict=True)
    ):
        after = inner[i + 1] if i + 1 < len(inner) else source.tail
        given = layer(theirs)
        theirs = activation(given)
        kept = most_important(theirs, after.weight, width)
        kernel, bias = _refitted(layer, before, kept, mine, given[:, kept])
        mine = activation(F.conv2d(mine, kernel, bias, layer.stride, layer.padding))
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
    assert isinstance(layer.padding, tuple)
    kernel = layer.weight[outputs][:, inputs]
    old = torch.cat([kernel.flatten(1), layer.bias[outputs][:, None]], 1).double()
    size = old.shape[1]
    square = torch.zeros(size, size, dtype=torch.float64)
    product = torch.zeros(size, len(old), dtype=torch.float64)
    for picture, wanted in zip(x, expected, strict=True):
        parts = F.unfold(
            picture[None], kernel.shape[2:], padding=layer.padding, stride=layer.stride
        )
        read = torch.cat([parts[0], torch.ones(1, parts.shape[2])]).double()
        square += read @ read.T
        product += read @ (wanted.flatten(1).double() - old @ read).T
    hold = _RIDGE * square.diagonal().mean()
    change = torch.linalg.solve(square + hold * torch.eye(size, dtype=torch.float64), product)
    new = (old + change.T).float()
    return new[:, :-1].reshape(kernel.shape), new[:, -1]


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
