"""The Engine protocol: run one network on one window of pixels.

An engine takes and gives NumPy arrays of whole pixels; what is between (layout, precision, colour,
the bicubic base) is its own business, so that the fastest engine can do all of it inside its
graph. Tiling, alpha, sizes and files are above it.

What all engines agree on stands here: how pixels become what a network sees (`color_in`), how
its residual comes back (`residual_gain`), and the bicubic base. `ArrayEngine` does it in NumPy for
the engines whose graph cannot.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crispen.errors import ModelError, UsageError
from crispen.media.color import BT601_STUDIO
from crispen.media.resample import resize
from crispen.models.card import Color, ModelCard

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Floats = NDArray[np.float32]


@runtime_checkable
class Engine(Protocol):
    """One network, ready to run.

    `run` may be called from several threads at once; each call then has its own buffers.

    Attributes:
        card: The network's card.
        name: ``openvino``, ``onnxruntime`` or ``torch``.
        device: What it runs on, ``cpu``, ``cuda:0`` …
        precision: ``int8``, ``bf16``, ``fp16`` or ``fp32``.
    """

    card: ModelCard
    name: str
    device: str
    precision: str

    @property
    def bytes_per_px(self) -> float:
        """Memory that a run takes for a pixel of its window; rather too much than too little."""
        ...

    def run(self, pixels: Pixels, *, peak: int | None = None) -> Pixels:
        """The enhanced window.

        Args:
            pixels: ``(height, width, channels)`` ``uint8`` or ``uint16``, of sides that the card
                allows (`crispen.enhance.window.run_window` takes any). One channel is a plane as
                it stands (grey, or the Y' of a video, whatever its range). Three channels are
                R'G'B'; a luma network then sees their BT.601 studio luma, and what it adds to luma
                is added to all three channels of the bicubic image, which leaves chroma bicubic.
            peak: Grey level of 1.0; 255 or 65535 by dtype unless given (1023 for 10 bit video).

        Returns:
            ``(scale · height, scale · width, channels)``, same dtype, clipped to ``[0, peak]`` and
            rounded.
        """
        ...

    def interrupt(self, thread: int) -> None:
        """Make a `run` that another thread is in raise `Cancelled` soon, where the runtime can.

        Args:
            thread: Its `threading.Thread.ident`; runs of other threads go on.
        """
        ...

    def close(self) -> None:
        """Give memory and threads back."""
        ...


def check_window(pixels: Pixels, peak: int | None) -> int:
    """The grey level of 1.0, after a check that `pixels` is a window.

    Raises:
        UsageError: Another shape or dtype, or a peak that the dtype cannot hold.
    """
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
        raise UsageError(
            f"an engine takes (height, width, 1 or 3) pixels, not {pixels.shape}; "
            "split alpha off and add a channel axis to grey"
        )
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UsageError(
            f"an engine takes uint8 or uint16 pixels, not {pixels.dtype}; convert them first"
        )
    limit = int(np.iinfo(pixels.dtype).max)
    if peak is not None and not 0 < peak <= limit:
        raise UsageError(f"peak must be 1 to {limit} for {pixels.dtype}, not {peak}")
    return limit if peak is None else peak


def color_in(color: Color, channels: int, peak: int) -> tuple[NDArray[np.float64], float]:
    """What a network sees: ``matrix @ levels + offset``.

    Args:
        color: What the network works on.
        channels: Channels of the pixels.
        peak: Grey level of 1.0.

    Returns:
        ``(network channels, channels)`` and one offset for all of them.
    """
    if color == "rgb":
        return (np.eye(3) if channels == 3 else np.ones((3, 1))) / peak, 0.0
    if channels == 3:
        return BT601_STUDIO.luma_weights[None] / peak, BT601_STUDIO.luma_offset
    return np.ones((1, 1)) / peak, 0.0


def residual_gain(color: Color, channels: int) -> float:
    """What one unit of the network's residual is in units of the pixels.

    Studio luma has 219 steps where R'G'B' has 255.
    """
    return 255.0 / 219.0 if color == "luma" and channels == 3 else 1.0


class ArrayEngine:
    """An engine whose runtime only runs the network; the rest is NumPy.

    A child implements `answer`.

    Attributes:
        card: The network's card.
        name: Of the runtime.
        device: What it runs on.
        precision: Of the network.
    """

    name: str

    def __init__(self, card: ModelCard, device: str, precision: str) -> None:
        self.card = card
        self.device = device
        self.precision = precision

    @abstractmethod
    def answer(self, x: Floats) -> Floats:
        """What the network says to ``(1, C, h, w)`` in [0, 1].

        The tensor ``residual``, ``(1, C · scale², h, w)``, where the card names a base; otherwise
        the picture, ``(1, C, scale · h, scale · w)``.
        """

    def run(self, pixels: Pixels, *, peak: int | None = None) -> Pixels:
        """See `Engine.run`."""
        peak = check_window(pixels, peak)
        height, width, channels = pixels.shape
        matrix, offset = color_in(self.card.color, channels, peak)
        seen = pixels.astype(np.float32) @ matrix.T.astype(np.float32) + np.float32(offset)
        answer = self.answer(np.ascontiguousarray(seen.transpose(2, 0, 1)[None]))[0]
        scale = self.card.scale
        size = (height * scale, width * scale)
        if self.card.base == "bicubic":
            residual = answer.reshape(len(matrix), scale, scale, height, width)
            residual = residual.transpose(3, 1, 4, 2, 0).reshape(*size, len(matrix))
        elif answer.shape != (len(matrix), *size):
            raise ModelError(
                f"{self.card.name}: answers {answer.shape} where its card promises "
                f"{(len(matrix), *size)}; correct the scale in the card"
            )
        else:
            residual = answer.transpose(1, 2, 0) - _enlarged(seen, scale)
        if channels == 1 and len(matrix) == 3:
            residual = residual.mean(axis=2, keepdims=True)
        levels = _enlarged(pixels.astype(np.float32), scale)
        levels = levels + residual * np.float32(residual_gain(self.card.color, channels) * peak)
        whole: Pixels = np.clip(np.rint(levels), 0, peak).astype(pixels.dtype)
        return whole

    @property
    def bytes_per_px(self) -> float:
        """See `Engine`; by the card alone, since these runtimes do not show their layers."""
        return guessed_bytes_per_px(self.card)

    def interrupt(self, thread: int) -> None:
        """Nothing: these runtimes finish a window that they began."""

    def close(self) -> None:
        """Nothing to give back but what Python frees by itself."""


def guessed_bytes_per_px(card: ModelCard) -> float:
    """Memory for one pixel of a window, as far as a card tells.

    A plain 3x3 stack of ``halo`` layers has about ``9 · halo · width²`` weights, which gives its
    width. An engine holds about three layers in 32 bits (two are alive at once, one is slack for
    layout changes), and the result of three channels four times over in 32 bits. A network without
    a base may work at its output's size, on layers wider than that.
    """
    layers = card.halo or 8
    width = max(16.0, math.sqrt(card.parameters / (9.0 * max(1, layers))))
    inside = 12.0 * width * (1 if card.base == "bicubic" else max(4, card.scale**2))
    return inside + 48.0 * card.scale**2


def _enlarged(levels: Floats, scale: int) -> Floats:
    height, width = levels.shape[:2]
    if scale == 1:
        return levels
    return resize(levels, height * scale, width * scale).astype(np.float32, copy=False)
