"""Published PyTorch weights, read without running code from the file.

``python -m crispen.lab.published FILE MODEL`` converts one to an ONNX file; `crispen.engines`
starts it, so that an untrusted file is opened in a separate process.
"""

from __future__ import annotations

import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from crispen.errors import CrispenError, InputError, MissingInput, ModelError
from crispen.lab.export import to_onnx
from crispen.lab.networks import Network, parameter_count
from crispen.lab.networks.spandrel import Foreign, recognised
from crispen.lab.networks.spandrel_library import library
from crispen.lab.settling import settle
from crispen.media.atomic import write_whole
from crispen.models.card import ModelCard

# Where safetensors files state their licence: SPDX names, per "modelspec" or by hand.
_LICENCES = ("modelspec.license", "license", "licence")


class Published(NamedTuple):
    """The content of a file.

    Attributes:
        weights: Weights by their names in the architecture.
        licence: As stated in the file; empty if it is not.
    """

    weights: dict[str, Tensor]
    licence: str


def read_published(path: Path) -> Published:
    """The weights in a ``.pth``, ``.pt`` or ``.safetensors`` file, on the CPU.

    Raises:
        MissingInput: It does not exist.
        InputError: It is damaged, or holds something other than weights.
    """
    if not path.is_file():
        raise MissingInput(f"{path}: no such file")
    if path.suffix.lower() == ".safetensors":
        return _safetensors(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # for old files, which it reads or refuses all the same
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: holds more than weights, or is damaged, so it is not opened; ask its maker "
            "for a .safetensors file"
        ) from error
    except Exception as error:  # zip archives, TorchScript and damaged files each raise their own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "it is damaged"
        raise InputError(f"{path}: cannot be read as PyTorch weights ({reason})") from error
    weights = library().canonicalize_state_dict(content) if isinstance(content, dict) else {}
    if not weights or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(
            f"{path}: holds no plain table of weights; a checkpoint of Crispen becomes a model by "
            "'crispen export'"
        )
    return Published(weights, "")


def _safetensors(path: Path) -> Published:
    try:
        with safe_open(path, "pt", device="cpu") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error})") from error
    licence = next((about[key] for key in _LICENCES if about.get(key)), "")
    return Published(library().canonicalize_state_dict(weights), licence)


def network_of(published: Published) -> Foreign:
    """The network to which the weights belong.

    Raises:
        ModelError: There is none that can be used here.
    """
    weights = {
        name: value.float() if value.is_floating_point() else value
        for name, value in published.weights.items()
    }
    descriptor = recognised(weights)
    network = Foreign(descriptor.model.float(), descriptor)
    network.eval().requires_grad_(False)
    return network


def take_published(network: Network, path: Path) -> bool:
    """Copies the weights that fit into a network; returns whether any was not a bias.

    Raises:
        InputError: The file cannot be read.
        ModelError: Its architecture is not known.
    """
    if not isinstance(network, Foreign):
        return False
    # Named as in the library's network; old files use other names.
    theirs = network_of(read_published(path)).model.state_dict()
    own = network.model.state_dict()
    fitting = {k: v for k, v in theirs.items() if k in own and own[k].shape == v.shape}
    network.model.load_state_dict(fitting, strict=False)
    return any(value.ndim > 1 for value in fitting.values())


def to_model(source: Path, target: Path) -> dict[str, Any]:
    """Writes an ONNX file from a published one.

    Returns:
        What the file stated and what was measured, as fields of its card.

    Raises:
        CrispenError: It cannot be read, used or written.
    """
    published = read_published(source)
    try:
        network = network_of(published)
        settle(network)
    except ModelError as error:
        raise ModelError(f"{source}: {error}") from error
    facts = {
        "halo": network.halo,
        "multiple": network.multiple,
        "architecture": network.title,
        "parameters": parameter_count(network),
        "summary": "A network of another maker, recognised by spandrel.",
        "licence": published.licence or "unknown",
    }
    model = to_onnx(network, ModelCard(name="published", task="restore", scale=network.scale))
    # Its card is made when it is added, from these facts and the request.
    del model.metadata_props[:]
    write_whole(target, model.SerializeToString())
    return facts


def main() -> None:
    """Prints one line of JSON: the facts, or the kind and text of the error."""
    try:
        said = to_model(Path(sys.argv[1]), Path(sys.argv[2]))
    except CrispenError as error:
        said = {"error": type(error).__name__, "text": str(error)}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
