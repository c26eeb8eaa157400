"""Checkpoints: everything needed to continue a run or export it.

A checkpoint is a dictionary of tensors and plain values that ``torch.load(weights_only=True)``
reads, so opening an untrusted file runs no code. It is written under a temporary name and then
renamed: a full disk or a killed process can lose the new checkpoint, never the previous one.
"""

from __future__ import annotations

import io
import json
import platform
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from crispen import __version__
from crispen.errors import CrispenError, InputError, MissingInput, UsageError
from crispen.lab.networks import Network
from crispen.lab.recipe import Recipe, read_recipe
from crispen.media.atomic import write_whole

CHECKPOINT = "last.ckpt"
BEST = "best.ckpt"
_FORMAT = 2
_DETAIL = "detail."


def save_checkpoint(path: Path, content: dict[str, Any], recipe: Recipe) -> None:
    """Writes a checkpoint atomically.

    Args:
        path: Its path; an existing file stays until the new one is complete.
        content: Tensors and plain values.
        recipe: The recipe, stored as JSON.

    Raises:
        OutputError: The disk is full, or the folder is not writable.
    """
    buffer = io.BytesIO()
    versions = {
        "crispen": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
    head = {"format": _FORMAT, "recipe": recipe.model_dump_json(), "versions": versions}
    torch.save(head | content, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint: tensors on the CPU, ``recipe`` as a validated `Recipe`.

    Raises:
        MissingInput: The file does not exist.
        InputError: The file is not a Crispen checkpoint.
    """
    if not path.is_file():
        raise MissingInput(f"{path}: no such checkpoint; training writes runs/NAME/{CHECKPOINT}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        table = json.loads(content["recipe"])
        if content.get("format") != _FORMAT:
            content, table = _older(content, table)
        content["recipe"] = read_recipe(table, str(path))
    except CrispenError:
        raise
    except Exception as error:
        raise InputError(
            f"{path}: not a Crispen checkpoint ({type(error).__name__}); training writes "
            f"runs/NAME/{CHECKPOINT}"
        ) from error
    return content  # type: ignore[no-any-return]


def _older(content: dict[str, Any], table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A checkpoint of version 0.1, which had fewer tables."""
    kind = table["train"].pop("loss")
    # Its MSE had a factor of 20, so that one learning rate suited all losses.
    table["loss"] = [{"kind": kind, "weight": 20.0 if kind == "mse" else 1.0}]
    content["data"] = {"digest": content.pop("data_sha256"), "licence": table["data"]["licence"]}
    return content, table


def restore_weights(network: Network, weights: dict[str, Tensor], path: Path) -> None:
    """Loads a checkpoint's weights into a network of the same recipe.

    Raises:
        UsageError: The weights belong to another network.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise UsageError(
            f"{path}: the weights belong to another network ({first}); give the recipe they were "
            "trained with, or start over with --no-resume"
        ) from error


def transfer_weights(network: Network, start: Path) -> dict[str, Any]:
    """Copies the matching weights of another run, and returns their origin.

    A tail for twice or half the scale is derived by repeating or averaging its sub-pixels; a tail
    that does not fit keeps its random initial weights.

    Returns:
        ``started_from``, and the ``steps`` and ``wall_time_s`` of all runs before this one.

    Raises:
        MissingInput: The checkpoint does not exist.
        UsageError: None of its weights fits.
    """
    if not start.exists():
        raise MissingInput(
            f"train.start: {start} does not exist; train it first, as with crispen train "
            f"{start.parent.name or 'NAME'}, or start from random weights with --set train.start="
        )
    content = load_checkpoint(start)
    own = network.state_dict()
    average = content["average"]
    if any(key.startswith(_DETAIL) for key in average) and not any(
        key.startswith(_DETAIL) for key in own
    ):  # only this part of a vivid network is trained
        average = {key.removeprefix(_DETAIL): value for key, value in average.items()}
    theirs = rescaled_tail(
        average, content["recipe"].scale, network.scale, getattr(network, "unshuffle", 1)
    )
    fitting = {k: v for k, v in theirs.items() if k in own and own[k].shape == v.shape}
    if not any(v.ndim > 1 for v in fitting.values()):  # a bias alone may match by chance
        raise UsageError(
            f"train.start: nothing in {start} ({content['recipe'].name}, network "
            f"{content['recipe'].network.kind}) fits this network; leave train.start out or name "
            "a checkpoint of the same kind"
        )
    network.load_state_dict(fitting, strict=False)
    return lineage_after(content)


def lineage_after(content: dict[str, Any]) -> dict[str, Any]:
    """The lineage of a run that starts from this checkpoint; see `transfer_weights`."""
    earlier = content["lineage"] or no_lineage()
    return {
        "started_from": content["recipe"].name,
        "steps": content["step"] + earlier["steps"],
        "wall_time_s": content["wall_time_s"] + earlier["wall_time_s"],
    }


def rescaled_tail(
    weights: dict[str, Tensor], before: int, after: int, unshuffle: int = 1
) -> dict[str, Tensor]:
    """The weights of a plain network for another scale.

    Args:
        weights: Weights by name; only ``tail.weight`` and ``tail.bias`` are changed.
        before: Their scale; the tail has ``before²`` sub-pixels for each channel.
        after: The new scale; if neither is a multiple of the other, the tail is unchanged.
        unshuffle: Number of input pixels per side of the tail's pixel.
    """
    larger, smaller = max(before, after), min(before, after)
    changed = dict(weights)
    for key in ("tail.weight", "tail.bias"):
        old = weights.get(key)
        if old is None or larger % smaller or len(old) % (before * unshuffle) ** 2:
            continue
        # Moves the sub-pixel axes to the end; the axis before them has everything else: unshuffled
        # pixels (see `Plain.residual`) and, for the weight, its kernel.
        channels = len(old) // (before * unshuffle) ** 2
        planes = old.reshape(channels, before, before, -1).permute(0, 3, 1, 2)
        if after > before:
            planes = planes.repeat_interleave(after // before, 2)
            planes = planes.repeat_interleave(after // before, 3)
        else:
            planes = F.avg_pool2d(planes, before // after)
        changed[key] = planes.permute(0, 2, 3, 1).reshape(-1, *old.shape[1:])
    return changed


def no_lineage() -> dict[str, Any]:
    """The lineage of a run that started from random weights."""
    return {"started_from": "", "steps": 0, "wall_time_s": 0.0}


def check_same_run(old: Recipe, new: Recipe, path: Path) -> None:
    """Refuses to continue a run of a different recipe.

    Training length, learning rate, the location of the same data and the way it is read may differ.

    Raises:
        UsageError: The recipes differ in anything else; the error names it.
    """
    before, now = (_identity(r) for r in (old, new))
    for key in before:
        if before[key] != now[key]:
            raise UsageError(
                f"{path} belongs to another recipe ({key} differs); give a new folder with -o, or "
                "start over with --no-resume"
            )


def _identity(recipe: Recipe) -> dict[str, Any]:
    table = recipe.model_dump()
    data, train = table["data"], table["train"]
    places = ("path", "valid_path", "input", "target", "csv")
    # Without cache_mb, which determines the order of large data sets.
    ways = ("memory", "workers", "licence")
    # The best checkpoint by one metric is not comparable with the best by another.
    validation = table["validation"] | {"path": Path(recipe.validation.path).name}
    return {key: table[key] for key in ("name", "scale", "network", "degradation", "loss")} | {
        "data": {k: v for k, v in data.items() if k not in (*places, *ways)},
        "augment": table["augment"],
        "adversarial": table["adversarial"],
        "teacher": table["teacher"]
        and table["teacher"] | {"model": Path(table["teacher"]["model"]).name},
        "validation": validation,
        "train.seed": train["seed"],
        "train.optimizer": train["optimizer"],
        "train.accumulate": train["accumulate"],
    }


def checkpoint_in(path: Path) -> Path:
    """A run folder's best checkpoint, otherwise its last; the path itself if it is a file.

    Raises:
        MissingInput: The folder has no checkpoint, or the file does not exist.
    """
    if path.is_dir():
        for name in (BEST, CHECKPOINT):
            if (path / name).is_file():
                return path / name
        raise MissingInput(f"{path}: no {BEST} or {CHECKPOINT} in it; training writes runs/NAME")
    if not path.is_file():
        raise MissingInput(f"{path}: no such checkpoint; training writes runs/NAME/{BEST}")
    return path
