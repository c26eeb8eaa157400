"""The convolutions of VGG-19, and where their weights come from.

::

    64, 64, pool, 128, 128, pool, 256 × 4, pool, 512 × 4, pool, 512 × 4, pool     all 3×3, ReLU

20,024,384 parameters. Layers are named as in the paper: ``conv1_1`` … ``conv5_4``, after their
ReLU ``relu1_1`` … ``relu5_4``, and ``pool1`` … ``pool5``.

The weights (ImageNet, 548 MB with the classifier, which is not used here) are not part of Crispen.
They are taken from ``$CRISPEN_VGG19`` or the user's data folder; otherwise they are downloaded
there once. The first eight digits of the file's SHA-256 are part of its name and are checked, as in
PyTorch's own loader.

Source: K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image
recognition", ICLR 2015, arXiv:1409.1556.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from crispen.downloads import DownloadError, download
from crispen.errors import InputError, MissingInput, OutputError, UsageError, nearest_names
from crispen.user_folders import data_folder

URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
DIGEST = "dcbb9e9d"
WIDTH = 64
_PLAN = ((1, 2), (2, 2), (4, 4), (8, 4), (8, 4))  # channels in multiples of WIDTH, convolutions


class VGG19(nn.Module):
    """``(N, 3, H, W)``, normalised → the named features.

    Args:
        wanted: Names of layers; layers beyond the deepest are not built.

    Raises:
        UsageError: There is no such layer.
    """

    def __init__(self, wanted: tuple[str, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        names: list[str] = []
        before = 3
        for block, (multiple, count) in enumerate(_PLAN, 1):
            for number in range(1, count + 1):
                layers += [nn.Conv2d(before, multiple * WIDTH, 3, padding=1), nn.ReLU()]
                names += [f"conv{block}_{number}", f"relu{block}_{number}"]
                before = multiple * WIDTH
            layers.append(nn.MaxPool2d(2))
            names.append(f"pool{block}")
        for name in wanted:
            if name not in names:
                raise UsageError(
                    f"loss perceptual: VGG-19 has no layer {name}{nearest_names(name, names)}"
                )
        deepest = max(names.index(name) for name in wanted)
        self.names = names[: deepest + 1]
        self.wanted = wanted
        # Numbered as in the published weights: features.0.weight, features.2.weight …
        self.features = nn.Sequential(*layers[: deepest + 1])

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The features by name."""
        found: dict[str, Tensor] = {}
        for name, layer in zip(self.names, self.features, strict=True):
            x = layer(x)
            if name in self.wanted:
                found[name] = x
        return found


def load_vgg19(wanted: tuple[str, ...], path: Path | None = None) -> VGG19:
    """The network with its weights.

    Args:
        wanted: Names of layers.
        path: A ``.safetensors`` or ``.pth`` file; found by `vgg19_file` unless given.

    Raises:
        MissingInput: The weights were not found and could not be downloaded.
        InputError: The file does not hold the weights of VGG-19.
        UsageError: There is no such layer.
    """
    network = VGG19(wanted)
    path = path or vgg19_file()
    weights = _read(path)
    own = network.state_dict()
    for key, tensor in own.items():
        if key not in weights or weights[key].shape != tensor.shape:
            found = tuple(weights[key].shape) if key in weights else "nothing"
            raise InputError(
                f"{path}: not the weights of VGG-19: {key} should be {tuple(tensor.shape)}, found "
                f"{found}; give the file {Path(URL).name}"
            )
    network.load_state_dict({key: weights[key] for key in own})
    return network


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: no such file; correct the loss's network") from error
    except Exception as error:
        raise InputError(
            f"{path}: holds no weights ({type(error).__name__}); give a .safetensors or .pth file "
            "of a state dictionary"
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no state dictionary, but a {type(content).__name__}")
    return content


def user_file() -> Path:
    """The path of the weights, whether downloaded or put there by hand."""
    folder = data_folder()
    return folder / "vgg19" / Path(URL).name


def vgg19_file() -> Path:
    """The weights file, downloaded if necessary.

    Raises:
        MissingInput: It was not found and could not be downloaded.
        InputError: The file found or downloaded is not the right one.
    """
    chosen = os.environ.get("CRISPEN_VGG19")
    if chosen:
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise MissingInput(f"{path}: no such file; correct CRISPEN_VGG19 or unset it")
        return path
    path = user_file()
    if path.is_file():
        if not _digest(path).startswith(DIGEST):
            raise InputError(
                f"{path}: damaged (its SHA-256 does not begin with {DIGEST}); delete it, and it is "
                "fetched again"
            )
        return path
    return _fetch(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(path: Path) -> Path:
    by_hand = f"download {URL} on another machine and put it at {path}"
    try:
        return download(URL, path, sha256=DIGEST)
    except DownloadError as error:
        if error.damaged:
            raise InputError(f"loss perceptual: {error}; try again, or {by_hand}") from error
        raise MissingInput(
            "loss perceptual: needs the weights of VGG-19, which could not be fetched "
            f"({error}); {by_hand}"
        ) from error
    except OSError as error:
        raise OutputError(
            f"{path.parent}: cannot be written ({error.strerror}); name a file of your own in "
            "CRISPEN_VGG19"
        ) from error
