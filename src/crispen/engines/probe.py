"""A card for a third-party ONNX network, from its graph and test runs."""

from __future__ import annotations

import re

import numpy as np
import openvino as ov
from pydantic import ValidationError

from crispen.engines._failures import FAILURES, last_line
from crispen.errors import ModelError, UsageError
from crispen.models.card import Color, ModelCard, Task

# Candidate multiples for input sides, as pooling and shuffling networks require.
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
_SIDE = 64
_LARGEST_SCALE = 16


def probe(
    content: bytes,
    name: str,
    *,
    file: str,
    task: Task | None = None,
    scale: int | None = None,
    color: Color | None = None,
) -> ModelCard:
    """The card of an image-to-image network without one.

    Colour comes from its input's channels, scale from its output for a small grey picture; test
    runs also find the multiple of its sides, or whether they are fixed. Its halo, licence and
    training stay unknown, so tiles are blended.

    Args:
        content: The ONNX file.
        name: What to call it.
        file: Where it came from, for errors.
        task: Its task; ``upscale`` if it enlarges, else ``restore``, unless given.
        scale: Expected scale; checked.
        color: Expected colour; checked if the network states it.

    Raises:
        ModelError: Not an ONNX file, or not an image-to-image network.
        UsageError: `name` cannot be a model's name, or the network does not match the arguments.
    """
    core = ov.Core()
    try:
        model = core.read_model(content)
    except FAILURES as error:
        raise ModelError(f"{file}: not an ONNX file that can be loaded; check the file") from error
    channels, fixed = _input(model, file, color)
    found, multiple = _scale(core, model, file, channels, fixed)
    does = f"enlarges {found} times" if found > 1 else "keeps the size"
    if scale is not None and scale != found:
        raise UsageError(f"{file}: {does}, which is not --scale {scale}; leave that out")
    if task is not None and (task == "upscale") != (found > 1) and task != "restore":
        raise UsageError(f"{file}: {does}, which is not '{task}'; choose another --task")
    constants = (node for node in model.get_ops() if node.get_type_name() == "Constant")
    try:
        return ModelCard(
            name=re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-"),
            task=task or ("upscale" if found > 1 else "restore"),
            summary="A third-party network; its card was measured by running it.",
            scale=found,
            color="luma" if channels == 1 else "rgb",
            multiple=multiple,
            window_px=fixed,
            parameters=sum(map(_count, constants)),
            architecture="unknown",
        )
    except ValidationError as error:
        raise UsageError(f"'{name}' cannot be a model's name; choose one with --name") from error


def _input(model: ov.Model, file: str, color: Color | None) -> tuple[int, int | None]:
    """Channels, and the side if it is fixed."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            f"{file}: has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "only networks from one picture to one picture can be added"
        )
    shape = model.input(0).partial_shape
    if shape.rank.is_dynamic or len(shape) != 4:
        raise ModelError(f"{file}: takes {shape}; only (N, channels, height, width) can be added")
    if not model.input(0).get_element_type().is_real():
        kind = model.input(0).get_element_type().get_type_name()
        raise ModelError(f"{file}: takes numbers of type {kind}; export it for floats from 0 to 1")
    batch, planes, *sides = (None if side.is_dynamic else side.get_length() for side in shape)
    if batch not in (None, 1):
        raise ModelError(f"{file}: takes {batch} pictures at once; export it for 1, or any number")
    channels = planes or (1 if color == "luma" else 3)
    if channels not in (1, 3):
        last = " (export it with channels first)" if sides[1] in (1, 3) else ""
        raise ModelError(
            f"{file}: takes {channels} channels{last}; only 1 (luma) or 3 (RGB) can be added"
        )
    if color is not None and (color == "luma") != (channels == 1):
        raise UsageError(
            f"{file}: takes {channels} channels, which is not {color}; leave --color out"
        )
    height, width = sides
    if height is None and width is None:
        return channels, None
    if height != width:
        raise ModelError(
            f"{file}: cannot process pictures of every size (it takes {shape}); export it with "
            "free "
            "height and width, or with a square input"
        )
    return channels, height


def _scale(
    core: ov.Core, model: ov.Model, file: str, channels: int, fixed: int | None
) -> tuple[int, int]:
    """Its scale factor, and the multiple for its sides."""
    problem = ""
    for multiple in (1,) if fixed is not None else _MULTIPLES:
        # An odd number of multiples: success with a larger multiple would prove nothing.
        side = fixed or (_SIDE // multiple + (_SIDE // multiple + 1) % 2) * multiple
        shape = [1, channels, side, side]
        try:
            answer = _answer(core, model.clone(), shape)
        except FAILURES as error:
            problem = last_line(error)
            continue
        out = list(answer.shape)
        scale = out[-1] // side if out else 0
        if out != [1, channels, side * scale, side * scale] or not 1 <= scale <= _LARGEST_SCALE:
            problem = (
                f"makes {out} of {shape}, but only whole scales from 1 to {_LARGEST_SCALE} work"
            )
            continue
        if not np.isfinite(answer).all():
            raise ModelError(f"{file}: returns NaN or infinity for a uniform grey; check the file")
        return scale, multiple
    raise ModelError(f"{file}: cannot run on pictures of every size ({problem}); export it again")


def _answer(
    core: ov.Core, model: ov.Model, shape: list[int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    model.reshape(shape)
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": ov.Type.f32})
    grey = np.full(shape, 0.5, compiled.input(0).get_element_type().to_dtype())
    return np.asarray(compiled(grey)[0], np.float32)


def _count(constant: ov.Node) -> int:
    """Weights in a constant; whole numbers are shapes and axes, not weights."""
    element = constant.get_output_element_type(0)
    if not element.is_real():
        return 0
    count = 1
    for side in constant.get_output_shape(0):
        count *= int(side)
    return count if count > 1 else 0
