"""Reads published PyTorch weights without running code from the file.

``python -m crispen.lab.published FILE MODEL`` converts such a file to ONNX; `crispen.engines`
starts it, so that untrusted files are opened in a separate process.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from crispen.engines._separate import say
from crispen.errors import InputError, MissingInput, ModelError
from crispen.lab.export import to_onnx
from crispen.lab.networks import Network, parameter_count
from crispen.lab.networks.spandrel import Foreign, recognised
from crispen.lab.networks.spandrel_library import library
from crispen.lab.settling import settle
from crispen.media.atomic import write_whole
from crispen.models.card import ModelCard

# Metadata keys of safetensors files that state the licence.
_LICENCES = ("modelspec.license", "license", "licence")


class Published(NamedTuple):
    """The content of a file of published weights.

    Attributes:
        weights: Weights by their names in the architecture.
        licence: Licence stated in the file; empty if none is.
    """

    weights: dict[str, Tensor]
    licence: str


def read_published(path: Path) -> Published:
    """The weights in a ``.pth``, ``.pt`` or ``.safetensors`` file, on the CPU.

    Raises:
        MissingInput: The file does not exist.
        InputError: The file is damaged, or contains something other than weights.
    """
    if not path.is_file():
        raise MissingInput(f"{path}: no such file")
    if path.suffix.lower() == ".safetensors":
        return _safetensors(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about old formats do not concern the user
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: contains more than weights, or is damaged, so it is not opened; ask its "
            "author for a .safetensors file"
        ) from error
    except Exception as error:  # zip archives, TorchScript and damaged files raise different errors
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "it is damaged"
        raise InputError(f"{path}: cannot be read as PyTorch weights ({reason})") from error
    weights = library().canonicalize_state_dict(content) if isinstance(content, dict) else {}
    if not weights or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(
            f"{path}: contains no plain table of weights; export a checkpoint of Crispen with "
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
    """The network to which the weights belong, recognised by spandrel.

    Raises:
        ModelError: The architecture is not recognised or not supported.
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
    """Copies weights with matching names and shapes into a network.

    Returns:
        Whether any copied weight was not a bias.

    Raises:
        InputError: The file cannot be read.
        ModelError: Its architecture is not recognised.
    """
    if not isinstance(network, Foreign):
        return False
    # Names of spandrel's network, because old files use other names.
    theirs = network_of(read_published(path)).model.state_dict()
    own = network.model.state_dict()
    fitting = {k: v for k, v in theirs.items() if k in own and own[k].shape == v.shape}
    network.model.load_state_dict(fitting, strict=False)
    return any(value.ndim > 1 for value in fitting.values())


def to_model(source: Path, target: Path) -> dict[str, Any]:
    """Converts a file of published weights to ONNX.

    Returns:
        Fields of its card: stated in the file, or measured.

    Raises:
        CrispenError: The source cannot be read or used, or the target cannot be written.
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
    # The card is written when the model is added, from these fields and the request.
    del model.metadata_props[:]
    write_whole(target, model.SerializeToString())
    return facts


def main() -> None:
    """Prints the card's fields, or type and text of the error, as a line of JSON."""
    say(lambda: to_model(Path(sys.argv[1]), Path(sys.argv[2])))


if __name__ == "__main__":
    main()
