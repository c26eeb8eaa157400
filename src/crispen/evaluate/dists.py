"""DISTS: how far two pictures differ in structure and texture, as seen by a trained network.

Both pictures go through the thirteen convolutions of VGG-16, with smooth pooling. In each channel
of six layers, the first being the picture itself, means (texture) and covariances (structure) are
compared, with weights fitted to people's judgements [1]_. Two patches of one texture are close,
even if their pixels differ. 0 for equal pictures, about 0.05 to 0.3 for enlarged ones. Lower is
better.

The weights are not part of Crispen: ``dists.safetensors`` (``alpha`` and ``beta``) and
``vgg16.safetensors`` (``features.N.weight`` and ``features.N.bias`` in torchvision's numbering).
The folder that holds both is named by ``$CRISPEN_DISTS``, or is ``dists`` in the user's data
folder.

.. [1] K. Ding et al., "Image quality assessment: unifying structure and texture similarity", IEEE
   TPAMI 2022, doi:10.1109/TPAMI.2020.3045810, arXiv:2004.07728
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError, MissingExtra, needs_extra
from crispen.evaluate.weights_place import weights_place

Floats = NDArray[np.float32]

# Torchvision's numbers of the convolutions, by stage.
STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
FILES = ("dists.safetensors", "vgg16.safetensors")
# Another name for LPIPS's file of the same network.
_LPIPS_FILE = "vgg16-lpips.safetensors"
# Smaller pictures leave nothing for the last layers.
LEAST_PX = 32
_MEAN = (0.485, 0.456, 0.406)
_SPREAD = (0.229, 0.224, 0.225)
_POOL = np.outer((0.25, 0.5, 0.25), (0.25, 0.5, 0.25))
_TINY = 1e-6


class Dists:
    """The metric with its weights.

    Args:
        tensors: The convolutions, ``alpha`` and ``beta``, the latter two ``(channels,)`` over all
            six layers.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        import openvino

        alpha, beta = (tensors[n].astype(np.float64).ravel() for n in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self._alpha, self._beta = alpha / total, beta / total
        # The variances of its features are compared, for which 16 bits are too few.
        self._network = openvino.Core().compile_model(
            _network(tensors), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )

    def __call__(self, image: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float | None:
        """The distance between two pictures; None for pictures under 32 pixels a side.

        Args:
            image: ``(height, width, 3)`` ``uint8`` R'G'B'.
            reference: The same shape.
        """
        if min(image.shape[:2]) < LEAST_PX:
            return None
        alike, begin = 0.0, 0
        for a, b in zip(self._features(image), self._features(reference), strict=True):
            end = begin + len(a)
            alike += float(self._alpha[begin:end] @ _texture(a, b))
            alike += float(self._beta[begin:end] @ _structure(a, b))
            begin = end
        return 1.0 - alike

    def _features(self, pixels: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
        """``(channels, pixels)`` of each layer."""
        x = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        request = self._network.create_infer_request()
        request.infer([x])
        made = [np.array(request.get_output_tensor(i).data[0]) for i in range(len(STAGES))]
        return [layer.reshape(len(layer), -1).astype(np.float64) for layer in [x[0], *made]]


def _texture(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = a.mean(1), b.mean(1)
    return np.asarray((2 * x * y + _TINY) / (x**2 + y**2 + _TINY))


def _structure(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    together = (a * b).mean(1) - a.mean(1) * b.mean(1)
    return np.asarray((2 * together + _TINY) / (a.var(1) + b.var(1) + _TINY))


def _network(tensors: Mapping[str, NDArray[Any]]) -> Any:
    """OpenVINO's graph from R'G'B' in [0, 1] to the last layer of each stage."""
    import openvino
    from openvino import opset13 as op

    def constant(values: Any, shape: tuple[int, ...]) -> Any:
        return op.constant(np.asarray(values, np.float32).reshape(shape))

    picture = op.parameter([1, 3, -1, -1], np.float32)
    x = op.divide(
        op.subtract(picture, constant(_MEAN, (1, 3, 1, 1))), constant(_SPREAD, (1, 3, 1, 1))
    )
    outputs = []
    for stage, numbers in enumerate(STAGES):
        if stage:
            x = _pooled(op, x, tensors[f"features.{numbers[0]}.weight"].shape[1], constant)
        for number in numbers:
            kernel = op.constant(tensors[f"features.{number}.weight"].astype(np.float32))
            bias = tensors[f"features.{number}.bias"]
            x = op.convolution(x, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
            x = op.relu(op.add(x, constant(bias, (1, len(bias), 1, 1))))
        outputs.append(op.result(x))
    return openvino.Model(outputs, [picture], "dists")


def _pooled(op: Any, x: Any, channels: int, constant: Any) -> Any:
    """Half the size: the weighted root mean square of 3×3 pixels."""
    window = constant(np.tile(_POOL, (channels, 1, 1)), (channels, 1, 1, 3, 3))
    mean = op.group_convolution(op.multiply(x, x), window, [2, 2], [1, 1], [1, 1], [1, 1])
    return op.sqrt(op.add(mean, constant(1e-12, (1, 1, 1, 1))))


def dists(image: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float | None:
    """The distance between two pictures with the weights of `load_dists`; see `Dists`."""
    return load_dists()(image, reference)


def load_dists() -> Dists:
    """The metric, with its weights from wherever they are.

    Raises:
        MissingExtra: They are nowhere.
        InputError: The files hold something else.
    """
    folder = weights_folder()
    network = folder / FILES[1]
    paths = (folder / FILES[0], network if network.is_file() else folder / _LPIPS_FILE)
    if not all(path.is_file() for path in paths):
        raise MissingExtra(
            f"DISTS needs its weights, which are not in {folder}: put {' and '.join(FILES)} there, "
            "or name their folder in CRISPEN_DISTS; docs/evaluation.md says how they are made"
        )
    return _read(*paths)


def weights_folder() -> Path:
    """Where the weights are looked for."""
    return weights_place("CRISPEN_DISTS", "dists")


@functools.cache
def _read(weights: Path, network: Path) -> Dists:
    with needs_extra("DISTS", "iqa"):
        from safetensors.numpy import load_file
    try:
        return Dists({**load_file(network), **load_file(weights)})
    except Exception as error:
        raise InputError(
            f"{network.parent}: does not hold the weights of DISTS and VGG-16 "
            f"({type(error).__name__}: {error}); correct CRISPEN_DISTS"
        ) from error
