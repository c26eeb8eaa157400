"""The perceptual loss: two pictures are alike if a trained network extracts similar features.

::

    loss = Σ_layers weight · d(φ_layer(output), φ_layer(target))      d: mean of squares, or L1

φ is a fixed network: VGG-19 by name, or any network given as a file:

- ``.safetensors`` or ``.pth``: weights of VGG-19 (`crispen.lab.losses.vgg`);
- ``.onnx``: layers are names of tensors in its graph, its outputs by default;
- ``.pt`` or ``.ts``: TorchScript that returns a tensor (layer ``output``), a list (``0``, ``1`` …)
  or a dictionary of tensors; all of them by default. Load such files only from sources you trust.

SRGAN uses ``relu5_4``, squared, and divides the features by 12.75, which is ``weight = 0.006``;
ESRGAN uses ``conv5_4``, L1.

Sources: J. Johnson et al., "Perceptual losses for real-time style transfer and super-resolution",
ECCV 2016, arXiv:1603.08155; C. Ledig et al., CVPR 2017, arXiv:1609.04802.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.errors import InputError, MissingInput, UsageError, nearest_names
from crispen.lab.losses.base import Criterion, Term
from crispen.lab.networks.base import Output

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SPREAD = (0.229, 0.224, 0.225)
VGG_LAYERS = {"relu5_4": 1.0}


class TorchScriptFeatures(nn.Module):
    """A TorchScript file's outputs by name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        if not path.is_file():
            raise MissingInput(f"{path}: no such file; correct the loss's network")
        try:
            with warnings.catch_warnings():
                # TorchScript is deprecated, but people keep such networks in it.
                warnings.simplefilter("ignore", DeprecationWarning)
                self.network = torch.jit.load(path, "cpu")  # type: ignore[no-untyped-call]
        except Exception as error:
            raise InputError(f"{path}: not a TorchScript file ({type(error).__name__})") from error

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The features by name."""
        made = self.network(x)
        if isinstance(made, Tensor):
            return {"output": made}
        if isinstance(made, list | tuple):
            return {str(number): tensor for number, tensor in enumerate(made)}
        return dict(made)


def load_features(network: str, layers: tuple[str, ...]) -> nn.Module:
    """The module that returns named features.

    Args:
        network: ``vgg19`` or a file.
        layers: Layers to return; all that the file provides if empty.

    Raises:
        CrispenError: The file is missing, broken or of an unknown kind, or lacks a layer.
    """
    from crispen.lab.losses.vgg import load_vgg19

    path = Path(network)
    match path.suffix:
        case "" if network == "vgg19":
            return load_vgg19(layers or tuple(VGG_LAYERS))
        case ".safetensors" | ".pth":
            return load_vgg19(layers or tuple(VGG_LAYERS), path)
        case ".onnx":
            from crispen.lab.losses.onnx_features import OnnxFeatures

            return OnnxFeatures(path, layers)
        case ".pt" | ".ts":
            return TorchScriptFeatures(path)
        case _:
            raise UsageError(
                f"loss perceptual: network {network} is neither vgg19 nor a .safetensors, .pth, "
                ".onnx, .pt or .ts file"
            )


class Perceptual(Term):
    """Distance between features.

    Args:
        features: Returns named features of a picture.
        layers: Weight of each layer; all equal if empty.
        distance: ``mse`` or ``l1``.
        normalize: First map ImageNet's mean and standard deviation to 0 and 1.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        features: nn.Module,
        layers: dict[str, float],
        *,
        distance: Literal["mse", "l1"] = "mse",
        normalize: bool = True,
    ) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(False)
        self.layers = layers
        self.distance = F.mse_loss if distance == "mse" else F.l1_loss
        mean = IMAGENET_MEAN if normalize else (0.0, 0.0, 0.0)
        spread = IMAGENET_SPREAD if normalize else (1.0, 1.0, 1.0)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor(spread).view(1, 3, 1, 1))

    def train(self, mode: bool = True) -> Perceptual:
        """Stays in evaluation mode: its dropout and batch statistics never train."""
        return super().train(False)

    def _seen(self, image: Tensor) -> dict[str, Tensor]:
        # Luma is passed as grey.
        color = image.expand(-1, 3, -1, -1) if image.shape[1] == 1 else image
        made: dict[str, Tensor] = self.features((color - self.mean) / self.spread)
        return made

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        with torch.no_grad():
            expected = self._seen(target)
        made = self._seen(output.image)
        weights = self.layers or dict.fromkeys(made, 1.0)
        for name in weights:
            if name not in made:
                raise UsageError(
                    f"loss perceptual: the network gives no layer {name}{nearest_names(name, made)}"
                )
        parts = [w * self.distance(made[n], expected[n]) for n, w in weights.items()]
        return torch.stack(parts).sum()


class PerceptualLoss(Criterion):
    """Distance between a trained network's features of output and target."""

    kind: Literal["perceptual"] = "perceptual"
    network: str = Field(
        "vgg19", description="vgg19, or a .safetensors, .pth, .onnx, .pt or .ts file"
    )
    layers: dict[str, float] = Field(
        {}, description="layer names and their weights; default: relu5_4, or all layers in the file"
    )
    distance: Literal["mse", "l1"] = Field("mse", description="distance between features")
    normalize: bool = Field(True, description="normalise with ImageNet's mean and spread first")

    def build(self) -> Term:
        """See `Criterion.build`."""
        features = load_features(self.network, tuple(self.layers))
        return Perceptual(features, self.layers, distance=self.distance, normalize=self.normalize)
