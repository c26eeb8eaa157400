"""Inception-v3 as FID and KID use it: 2048 features of a picture.

It is the network of the FID's authors [1]_, of 2015, with TensorFlow's way of resizing a picture to
299×299 pixels and of averaging at edges, as the package ``torch-fidelity`` has it.

The weights are not part of Crispen: ``inception-2015-12-05.safetensors``, made of torch-fidelity's
``weights-inception-2015-12-05-6726825d.pth`` with its names. The file is named by
``$CRISPEN_INCEPTION``, or is in the folder ``inception`` of the user's data folder.

.. [1] M. Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
   equilibrium", NeurIPS 2017, arXiv:1706.08500
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

FILE = "inception-2015-12-05.safetensors"
ORIGIN = "weights-inception-2015-12-05-6726825d.pth"
SIDE = 299
_EPSILON = 0.001  # of its batch normalisations
# Of the blocks of one kind: the branches, each with its convolutions.
_BLOCKS_A = {
    "branch1x1": ("",),
    "branch5x5": ("_1", "_2"),
    "branch3x3dbl": ("_1", "_2", "_3"),
}
_BLOCKS_C = {
    "branch1x1": ("",),
    "branch7x7": ("_1", "_2", "_3"),
    "branch7x7dbl": ("_1", "_2", "_3", "_4", "_5"),
}


class Inception:
    """The network with its weights.

    Args:
        tensors: Its weights by torch-fidelity's names, such as ``Mixed_5b.branch1x1.conv.weight``.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        import openvino

        self._network = openvino.Core().compile_model(
            _Graph(tensors).model(), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """``(2048,)`` features of a picture of any size.

        Args:
            image: ``(height, width, 3)`` ``uint8`` R'G'B'.
        """
        x = _resized(image).transpose(2, 0, 1)[None]
        request = self._network.create_infer_request()
        request.infer([np.ascontiguousarray((x - 128) / 128, np.float32)])
        return np.array(request.get_output_tensor(0).data[0], np.float64).ravel()


def _resized(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bilinear as in TensorFlow 1: pixel 0 on pixel 0, nothing is averaged when shrinking."""
    x = image.astype(np.float32)
    for axis in (0, 1):
        count = x.shape[axis]
        place = np.arange(SIDE, dtype=np.float32) * np.float32(count / SIDE)
        low = np.minimum(place.astype(np.int64), count - 1)
        high = np.minimum(low + 1, count - 1)
        weight = (place - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        first, second = x.take(low, axis), x.take(high, axis)
        x = first + (second - first) * weight
    return x


class _Graph:
    """Builds OpenVINO's graph from the weights."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        from openvino import opset13

        self._op: Any = opset13
        self._tensors = tensors

    def model(self) -> Any:
        """From ``(1, 3, 299, 299)`` in about [-1, 1] to the mean of the last features."""
        import openvino

        picture = self._op.parameter([1, 3, SIDE, SIDE], np.float32)
        x = self._conv(picture, "Conv2d_1a_3x3", stride=2)
        x = self._conv(x, "Conv2d_2a_3x3", padded=False)
        x = self._max_pool(self._conv(x, "Conv2d_2b_3x3"))
        x = self._conv(x, "Conv2d_3b_1x1")
        x = self._max_pool(self._conv(x, "Conv2d_4a_3x3", padded=False))
        for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
            x = self._block(x, name, _BLOCKS_A)
        x = self._joined(
            self._conv(x, "Mixed_6a.branch3x3", stride=2),
            self._chain(x, "Mixed_6a.branch3x3dbl", ("_1", "_2", "_3"), last_stride=2),
            self._max_pool(x),
        )
        for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
            x = self._block(x, name, _BLOCKS_C)
        x = self._joined(
            self._chain(x, "Mixed_7a.branch3x3", ("_1", "_2"), last_stride=2),
            self._chain(x, "Mixed_7a.branch7x7x3", ("_1", "_2", "_3", "_4"), last_stride=2),
            self._max_pool(x),
        )
        x = self._last(x, "Mixed_7b", self._mean_pool(x))
        # The authors' graph takes the maximum here.
        x = self._last(x, "Mixed_7c", self._max_pool(x, stride=1))
        features = self._op.reduce_mean(x, np.array([2, 3]), keep_dims=False)
        return openvino.Model([self._op.result(features)], [picture], "inception")

    def _conv(self, x: Any, name: str, *, stride: int = 1, padded: bool = True) -> Any:
        """Convolution, batch normalisation and ReLU; without a border where it has a stride."""
        kernel = self._tensors[f"{name}.conv.weight"].astype(np.float64)
        mean, spread, gain, bias = (
            self._tensors[f"{name}.bn.{key}"].astype(np.float64)
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        factor = gain / np.sqrt(spread + _EPSILON)
        pads = [side // 2 if padded and stride == 1 else 0 for side in kernel.shape[2:]]
        merged = self._op.constant((kernel * factor[:, None, None, None]).astype(np.float32))
        shift = (bias - mean * factor).astype(np.float32).reshape(1, -1, 1, 1)
        x = self._op.convolution(x, merged, [stride] * 2, pads, pads, [1, 1])
        return self._op.relu(self._op.add(x, self._op.constant(shift)))

    def _chain(self, x: Any, name: str, suffixes: tuple[str, ...], *, last_stride: int = 1) -> Any:
        for suffix in suffixes:
            stride = last_stride if suffix == suffixes[-1] else 1
            x = self._conv(x, f"{name}{suffix}", stride=stride)
        return x

    def _block(self, x: Any, name: str, branches: Mapping[str, tuple[str, ...]]) -> Any:
        made = [self._chain(x, f"{name}.{branch}", each) for branch, each in branches.items()]
        return self._joined(*made, self._conv(self._mean_pool(x), f"{name}.branch_pool"))

    def _last(self, x: Any, name: str, pooled: Any) -> Any:
        split = self._conv(x, f"{name}.branch3x3_1")
        deep = self._chain(x, f"{name}.branch3x3dbl", ("_1", "_2"))
        return self._joined(
            self._conv(x, f"{name}.branch1x1"),
            self._conv(split, f"{name}.branch3x3_2a"),
            self._conv(split, f"{name}.branch3x3_2b"),
            self._conv(deep, f"{name}.branch3x3dbl_3a"),
            self._conv(deep, f"{name}.branch3x3dbl_3b"),
            self._conv(pooled, f"{name}.branch_pool"),
        )

    def _joined(self, *parts: Any) -> Any:
        return self._op.concat(list(parts), 1)

    def _mean_pool(self, x: Any) -> Any:
        return self._op.avg_pool(x, [1, 1], [1, 1], [1, 1], [3, 3], exclude_pad=True)

    def _max_pool(self, x: Any, stride: int = 2) -> Any:
        pads = [1, 1] if stride == 1 else [0, 0]
        return self._op.max_pool(x, [stride] * 2, [1, 1], pads, pads, [3, 3]).output(0)


def load_inception() -> Inception:
    """The network, with its weights from wherever they are.

    Raises:
        MissingExtra: They are nowhere.
        InputError: The file holds something else.
    """
    path = weights_file()
    if not path.is_file():
        raise MissingExtra(
            f"FID and KID need Inception's weights, which are not at {path}: put {FILE} there, or "
            f"name the file in CRISPEN_INCEPTION; docs/evaluation.md says how it is made of "
            f"torch-fidelity's {ORIGIN}"
        )
    return _read(path)


def weights_file() -> Path:
    """Where the weights are looked for."""
    return weights_place("CRISPEN_INCEPTION", "inception", FILE)


@functools.cache
def _read(path: Path) -> Inception:
    with needs_extra("FID and KID", "iqa"):
        from safetensors.numpy import load_file
    try:
        return Inception(load_file(path))
    except Exception as error:
        raise InputError(
            f"{path}: does not hold Inception's weights ({type(error).__name__}: {error}); correct "
            "CRISPEN_INCEPTION"
        ) from error
