"""Degradations on whole pictures in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from crispen.errors import UsageError
from crispen.lab.degradations.base import Degradation, Shrinking
from crispen.lab.degradations.pipeline import check_channels, degrade, resolve
from crispen.media.image import Image, Pixels
from crispen.media.resample import resize


def scale_of(tables: Sequence[Degradation], scale: int | None) -> int:
    """The factor by which a picture shrinks, whether or not a person gave one.

    Raises:
        UsageError: Something shrinks, but no factor is given; or two factors differ.
    """
    if scale is None:
        for table in tables:
            if isinstance(table, Shrinking) and table.main == "factor" and not table.factor:
                raise UsageError(
                    f"{table.kind} needs a factor; write {table.kind}:factor=2 or give --scale 2"
                )
        scale = int(np.prod([table.shrink(1) for table in tables]))
    resolve(tables, scale)
    return scale


class _Checked(TorchFunctionMode):
    """Checks for cancellation before each operation."""

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        # Not when a context exits: PyTorch would stay without gradients or autocast.
        if args and isinstance(args[0], torch.Tensor):
            self._check()
        return func(*args, **(kwargs or {}))


def degrade_image(
    image: Image,
    tables: Sequence[Degradation],
    *,
    seed: int = 0,
    scale: int = 1,
    check: Callable[[], None] | None = None,
) -> Image:
    """A degraded copy of a picture; grey, bit depth, frames and metadata are kept.

    Each frame of an animation is a picture of its own. Alpha is shrunk but not degraded.

    Args:
        image: The picture.
        tables: The degradations, in order.
        seed: The same seed gives the same pixels, whatever else is degraded.
        scale: How many times smaller the result is.
        check: Called many times per second; an exception from it ends the work.

    Raises:
        UsageError: The degradations do not fit the scale or the picture.
    """
    colors = image.channels - image.has_alpha
    check_channels(tables, colors)
    peak = float(np.iinfo(image.pixels.dtype).max)
    frames = image.pixels.reshape(image.frames, image.height, image.width, image.channels)
    x = torch.from_numpy(frames[..., :colors].astype(np.float32) / peak).permute(0, 3, 1, 2)
    generator = torch.Generator().manual_seed(seed)
    with _Checked(check) if check is not None else nullcontext():
        y = degrade(x.contiguous(), tables, generator, scale)
    levels = y.clamp(0.0, 1.0).permute(0, 2, 3, 1).numpy() * np.float32(peak)
    pixels = np.rint(levels).astype(image.pixels.dtype)
    if image.has_alpha:
        height, width = pixels.shape[1:3]
        alpha = [resize(frame, height, width) for frame in frames[..., colors:]]
        pixels = np.concatenate([pixels, np.stack(alpha)], axis=-1, dtype=pixels.dtype)
    stacked: Pixels = np.ascontiguousarray(pixels.reshape(-1, *pixels.shape[2:]))
    return replace(image, pixels=stacked)
