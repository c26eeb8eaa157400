"""A relighting network: analyses the whole picture and outputs one tone curve per channel.

::

    view (N, 3, 32, 32) ─ 3×3 convolutions, three of stride 2 ─ mean, largest ─┐
    statistics (N, S): how dark the darkest, …, brightest pixels are ──────────┴─ dense layers ─►
    black and white point, gain, exponent, bend ─► curve (N, 3, 257)
    output = curve(x)

A curve is monotone and the same everywhere, so there are no halos, stains or seams, and detail
stays unchanged in pictures of any size. The parameters model the faults: contrast is lost in the
file's values, light and white balance in linear light, and a wrong tone curve is a power; a bend
covers the rest. The black and white points are mixtures of the picture's quantiles, so that the
loss is undone exactly and not by a guess; white balance and brightness start from the grey-world
assumption, as far as the network trusts it. White stays white: clipped highlights hold nothing
that a darker level would show.

Predicting a global curve from a small view, and training through the curve, follows Y. Hu et al.,
"Exposure: a white-box photo post-processing framework", 2018, arXiv:1709.09602.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.degradations.exposure import encoded, linear
from crispen.lab.networks.base import Architecture, Network, he_init
from crispen.models.curve import KNOTS, LUMA, QUANTILES, VIEW, knots

_WIDTHS = (8, 12, 16, 24)
_STRIDES = (1, 2, 2, 2)
# This many of the lowest and highest quantiles, per channel and overall, may be black or white.
_ENDS = 5
_CHOICES = 1 + 2 * _ENDS
_BENDS = 16
_MOST_GAIN, _MOST_EXPONENT, _MOST_BEND, _MOST_LIFT = 2.6, 1.3, 1.2, 0.15
_LEAST_RANGE = 0.02
# Makes hard choices easier.
_SHARPNESS = 4.0
# The mean of well-lit pictures.
_MIDDLE = 0.43
# Values at least this bright run into white.
_SHOULDER = 0.95
# In the statistics: the lowest and the highest of a pixel's channels.
_LOWEST, _HIGHEST, _PLANES = 4, 5, 7


class CurveTable(Architecture):
    """One tone curve per channel for the whole picture (`crispen.lab.networks.curve`)."""

    kind: Literal["curve"] = "curve"
    width: int = Field(160, ge=8, le=1024, description="units of each dense layer")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout rate of the dense layers")

    def build(self, scale: int, channels: int) -> Curve:
        """See `Architecture.build`."""
        self.require_scale(scale, 1)
        return Curve(channels, self.width, self.dropout)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return (
            f"one tone curve a channel, by {len(_WIDTHS)} convolutions and quantiles of the picture"
        )


def statistics(x: Tensor) -> Tensor:
    """``(N, 7, Q)``: quantiles, as in `crispen.models.curve.Overview`.

    Args:
        x: ``(N, 3, H, W)``.
    """
    luma = (x * x.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)
    lowest, highest = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
    planes = torch.cat([x, luma, lowest, highest, highest - lowest], dim=1).flatten(2)
    ordered = planes.sort(dim=2).values
    places = torch.tensor(QUANTILES, device=x.device) * (ordered.shape[2] - 1)
    return ordered[..., places.round().long()]


class Estimator(nn.Module):
    """``(N, 3, 32, 32)`` and ``(N, 7, Q)`` → ``(N, 3, KNOTS)``: the curves.

    Args:
        width: Units of each dense layer.
        dropout: Share of them dropped in a training step.
    """

    places: Tensor

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        channels = (3, *_WIDTHS)
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride)
            for a, b, stride in zip(channels, channels[1:], _STRIDES, strict=False)
        )
        numbers = 2 * channels[-1] + 2 * _PLANES * len(QUANTILES)
        self.dense = nn.Sequential(
            *(nn.Dropout(dropout / 2), nn.Linear(numbers, width), nn.ReLU()),
            *(nn.Dropout(dropout), nn.Linear(width, width), nn.ReLU()),
        )
        # Black point, white point, brightest light; gain, exponent, lift; share of the grey-world
        # gain and exponent; bend.
        self.each = (_CHOICES, _CHOICES, _CHOICES, 1, 1, 1, 1, 1, _BENDS)
        # For all channels together, and for each.
        self.tail = nn.Linear(width, 4 * sum(self.each))
        self.register_buffer("places", torch.from_numpy(knots()).float(), persistent=False)

    def forward(self, view: Tensor, statistics: Tensor) -> Tensor:
        """See the class."""
        y = (view - 0.5) * 2
        for layer in self.layers:
            y = F.relu(layer(y))
        logs = torch.log(statistics + 0.02)
        seen = [y.mean(dim=(2, 3)), y.amax(dim=(2, 3)), statistics.flatten(1), logs.flatten(1)]
        found = self.tail(self.dense(torch.cat(seen, dim=1))).view(-1, 4, sum(self.each))
        own = found[:, :1] + found[:, 1:]
        black, white, light, gain, exponent, lift, balance, middle, bend = own.split(
            self.each, dim=2
        )
        low = _candidates(statistics, _LOWEST, slice(None, _ENDS))
        high = _candidates(statistics, _HIGHEST, slice(-_ENDS, None))
        bottom = _chosen(black, 0.0, low)
        top = _chosen(white, 1.0, high)
        x = self.places.expand(len(view), 3, KNOTS)
        reach = (top - bottom).clamp(min=_LEAST_RANGE)
        z, high, small = (
            ((values - bottom) / reach).clamp(0.0, 1.0) for values in (x, high, view.flatten(2))
        )
        brightest = linear(_chosen(light, 1.0, high)).clamp(min=1e-4)
        z, small = (linear(values) / brightest for values in (z, small))
        # Grey world: light is white if its mean is grey, and a picture's mean is mid-grey.
        means = small.mean(dim=2, keepdim=True).clamp(min=1e-3)
        grey = means.mean(dim=1, keepdim=True) / means
        gain = torch.exp(_MOST_GAIN * torch.tanh(gain)) * grey ** torch.sigmoid(balance - 3)
        z, small = (encoded(values * gain).clamp(1e-4, 1.0) for values in (z, small))
        usual = math.log(_MIDDLE) / small.mean(dim=(1, 2), keepdim=True).clamp(0.02, 0.98).log()
        exponent = torch.exp(_MOST_EXPONENT * torch.tanh(exponent))
        z = z ** (exponent * usual ** torch.sigmoid(middle - 3))
        lift = _MOST_LIFT * torch.sigmoid(lift - 4)
        y = lift + (1 - lift) * _bent(z, torch.exp(_MOST_BEND * torch.tanh(bend)))
        shoulder = ((x - _SHOULDER) / (1 - _SHOULDER)).clamp(min=0.0).square()
        return y + (1 - y[..., -1:]) * shoulder


def _candidates(statistics: Tensor, plane: int, ends: slice) -> Tensor:
    """``(N, 3, 10)``: quantiles of all channels together, and of each."""
    together = statistics[:, plane : plane + 1, ends].expand(-1, 3, -1)
    return torch.cat([together, statistics[:, :3, ends]], dim=2)


def _chosen(logits: Tensor, usual: float, candidates: Tensor) -> Tensor:
    """``(N, 3, 1)``: a mixture of a usual value and the candidates."""
    shares = (_SHARPNESS * logits).softmax(2)
    mixed = usual * shares[..., :1] + (shares[..., 1:] * candidates).sum(2, keepdim=True)
    return mixed


def _bent(z: Tensor, slopes: Tensor) -> Tensor:
    """A rising curve from 0 to 1 at `z`, whose slope is linear between `slopes`.

    Args:
        z: ``(N, 3, K)`` in [0, 1].
        slopes: ``(N, 3, B)``, above 0.
    """
    pieces = slopes.shape[2] - 1
    areas = (slopes[..., 1:] + slopes[..., :-1]) / 2
    total = areas.sum(2, keepdim=True)
    # Position of z in each piece, from 0 to 1; summed without a loop to keep the graph small.
    at = torch.arange(pieces, device=z.device, dtype=z.dtype)
    inside = (z[..., None] * pieces - at).clamp(0.0, 1.0)
    first, change = slopes[..., None, :-1], (slopes[..., 1:] - slopes[..., :-1])[..., None, :]
    return (inside * first + inside.square() * change / 2).sum(3) / total


class Curve(Network):
    """``(N, C, H, W)``, each a whole picture → the same relit."""

    has_curve = True

    def __init__(self, channels: int = 3, width: int = 160, dropout: float = 0.1) -> None:
        super().__init__(1, channels)
        self.estimator = Estimator(width, dropout)
        he_init(self)
        with torch.no_grad():
            # Start by leaving the picture nearly unchanged.
            self.estimator.tail.weight.mul_(0.05)
            self.estimator.tail.bias.zero_()
            for choice in range(3):
                self.estimator.tail.bias[choice * _CHOICES] = 1.0

    def curves(self, x: Tensor) -> Tensor:
        """``(N, 3, KNOTS)``: the output value at each knot."""
        return self.estimator(*self.seen(x))  # type: ignore[no-any-return]

    def seen(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The estimator's view of the pictures: `crispen.models.curve.Overview`."""
        x = x.expand(-1, 3, -1, -1)
        return F.adaptive_avg_pool2d(x, VIEW), statistics(x)

    def forward(self, x: Tensor) -> Tensor:
        """The relit picture."""
        x = x.float().clamp(0.0, 1.0)
        with torch.autocast(x.device.type, enabled=False):
            curves = self.curves(x)
            if self.channels == 1:
                curves = curves.mean(1, keepdim=True)
            # The knots lie at the squares of even steps.
            place = x.clamp(min=1e-8).sqrt() * (KNOTS - 1)
            index = place.floor().clamp(max=KNOTS - 2)
            flat = index.long().flatten(2)
            low, high = curves.gather(2, flat), curves.gather(2, flat + 1)
            ends = self.estimator.places[flat], self.estimator.places[flat + 1]
            share = (x.flatten(2) - ends[0]) / (ends[1] - ends[0])
            return self.finish((low + share * (high - low)).view_as(x))
