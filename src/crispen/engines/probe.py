"""A card for a foreign ONNX network, found by looking at it and trying it out."""

from __future__ import annotations

import re

import openvino as ov
from pydantic import ValidationError

from crispen.errors import ModelError, UsageError
from crispen.models.card import Color, ModelCard

_SIDE = 32


def probe(content: bytes, name: str) -> ModelCard:
    """The card of an image-to-image network without one.

    Colour is its input's channels, scale what it makes of a 32×32 picture. Its halo stays unknown,
    so that tiles are blended, and so do its licence and training.

    Raises:
        ModelError: Not an ONNX file, or no network from pictures to pictures.
        UsageError: `name` cannot be a model's name.
    """
    core = ov.Core()
    try:
        model = core.read_model(content)
    except RuntimeError as error:
        raise ModelError(f"{name}: not an ONNX file that can be loaded; check the file") from error
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            f"{name}: has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "only networks from one picture to one picture can be added"
        )
    shape = model.input(0).partial_shape
    if shape.rank.is_dynamic or len(shape) != 4:
        raise ModelError(f"{name}: takes {shape}; only (N, channels, height, width) can be added")
    channels = shape[1].get_length() if shape[1].is_static else 3
    if channels not in (1, 3):
        raise ModelError(
            f"{name}: takes {channels} channels; only 1 (luma) or 3 (RGB) can be added"
        )
    try:
        model.reshape([1, channels, _SIDE, _SIDE])
        out = list(model.output(0).shape)
    except RuntimeError as error:
        raise ModelError(
            f"{name}: cannot work on pictures of any size (it takes {shape}); export it with free "
            "height and width"
        ) from error
    scale = out[-1] // _SIDE if out else 0
    if out != [1, channels, _SIDE * scale, _SIDE * scale] or not 1 <= scale <= 16:
        raise ModelError(
            f"{name}: makes {out} of {[1, channels, _SIDE, _SIDE]}; only whole scales from 1 to 16 "
            "can be added"
        )
    color: Color = "luma" if channels == 1 else "rgb"
    constants = (node for node in model.get_ops() if node.get_type_name() == "Constant")
    try:
        return ModelCard(
            name=re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-"),
            task="upscale" if scale > 1 else "restore",
            summary="A foreign network; its card was made by trying it out.",
            scale=scale,
            color=color,
            parameters=sum(map(_count, constants)),
            architecture="unknown",
        )
    except ValidationError as error:
        raise UsageError(f"'{name}' cannot be a model's name; choose one with --name") from error


def _count(constant: ov.Node) -> int:
    """Weights in a constant; whole numbers are shapes and axes, not weights."""
    element = constant.get_output_element_type(0)
    if not element.is_real():
        return 0
    count = 1
    for side in constant.get_output_shape(0):
        count *= int(side)
    return count if count > 1 else 0
