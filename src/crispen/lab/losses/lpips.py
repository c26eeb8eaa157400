"""LPIPS as a loss: the distance of a trained network's features, fitted to people's ratings.

::

    loss = Σ_layers mean over pixels of Σ_channels w · (φ(output) - φ(target))²

φ are the features of AlexNet or VGG-16, each pixel's vector scaled to length one, and w were fitted
to human judgements. AlexNet's is the usual metric and 16 times cheaper; VGG-16's is the better
loss. The network is a ``.safetensors`` file with torchvision's ``features.N.weight`` and
``features.N.bias``, and LPIPS 0.1's ``linN``; its shapes tell which network it is.

Source: R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric",
CVPR 2018, arXiv:1801.03924.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.errors import InputError, MissingInput
from crispen.lab.losses.base import Criterion, Term
from crispen.lab.networks.base import Output

_MEAN = (-0.030, -0.088, -0.188)
_SPREAD = (0.458, 0.448, 0.450)
# For each convolution: stride, padding, pooling before it (window; 0: none), and whether its
# features count.
_ALEX = ((4, 2, 0, True), (1, 2, 3, True), (1, 1, 3, True), (1, 1, 0, True), (1, 1, 0, True))
_VGG = tuple(
    (1, 1, 2 if first and block else 0, last)
    for block, count in enumerate((2, 2, 3, 3, 3))
    for first, last in [(i == 0, i == count - 1) for i in range(count)]
)


class Lpips(Term):
    """``(N, C, H, W)`` twice → one distance.

    Args:
        path: See the module.
        layers: How many of the five feature groups count, from the shallowest.
        crops: Number of pictures of a batch to compare; 0: all.

    Raises:
        MissingInput: No such file.
        InputError: It is not such a file.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, path: Path, layers: int = 5, crops: int = 0) -> None:
        super().__init__()
        self._crops = crops or None
        if not path.is_file():
            raise MissingInput(f"loss lpips: {path} is not there; correct loss.network")
        try:
            tensors = load_file(path)
            numbers = sorted({int(n.split(".")[1]) for n in tensors if n.startswith("features.")})
            plan = _VGG if len(numbers) > len(_ALEX) else _ALEX
            self._plan = []
            self.kernels, self.biases = nn.ParameterList(), nn.ParameterList()
            self.scales = nn.ParameterList()
            for number, step in zip(numbers, plan, strict=False):
                if len(self.scales) == layers:
                    break
                self._plan.append(step)
                self.kernels.append(tensors[f"features.{number}.weight"].float())
                self.biases.append(tensors[f"features.{number}.bias"].float())
                if step[-1]:
                    scale = tensors[f"lin{len(self.scales)}.weight"].float()
                    self.scales.append(scale.reshape(1, -1, 1, 1))
        except Exception as error:
            raise InputError(
                f"loss lpips: {path} does not hold AlexNet or VGG-16 with LPIPS's lines "
                f"({type(error).__name__}: {error})"
            ) from error
        self.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor(_SPREAD).view(1, 3, 1, 1))

    def _features(self, image: Tensor) -> list[Tensor]:
        color = image.expand(-1, 3, -1, -1) if image.shape[1] == 1 else image
        x = (2 * color - 1 - self.mean) / self.spread
        x = x.contiguous(memory_format=torch.channels_last)
        found = []
        plan = zip(self._plan, self.kernels, self.biases, strict=True)
        for (stride, padding, window, counts), kernel, bias in plan:
            if window:
                x = F.max_pool2d(x, window, 2)
            x = F.relu(F.conv2d(x, kernel, bias, stride, padding))
            if counts:
                found.append(x)
        return found

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        # In bf16 the features are precise enough, at a fraction of the time.
        with torch.autocast(target.device.type, torch.bfloat16):
            with torch.no_grad():
                expected = self._features(target[: self._crops])
            made = self._features(output.image[: self._crops])
        total = target.new_zeros(())
        for a, b, scale in zip(made, expected, self.scales, strict=True):
            difference = _unit(a.float()) - _unit(b.float())
            total = total + (scale * difference.square()).sum(1).mean()
        return total


def _unit(x: Tensor) -> Tensor:
    return x / (x.square().sum(1, keepdim=True) + 1e-10).sqrt()


class LpipsLoss(Criterion):
    """Distance between deep features of output and target (`crispen.lab.losses.lpips`)."""

    kind: Literal["lpips"] = "lpips"
    network: str = Field(
        description="a .safetensors file of AlexNet or VGG-16 with LPIPS's linear layers"
    )
    layers: int = Field(5, ge=1, le=5, description="number of feature groups to compare")
    crops: int = Field(0, ge=0, description="crops to compare per batch; 0: all")

    def build(self) -> Term:
        """See `Criterion.build`."""
        return Lpips(Path(self.network), self.layers, self.crops)
