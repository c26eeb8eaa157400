"""The Engine protocol: run one network on one window of pixels.

An engine takes and returns NumPy arrays of integer pixels. Layout, precision, colour and the
bicubic base are internal to it, so that the fastest engine can do all of it inside its graph.
Tiling, alpha, sizes and files are handled above it.

This module has what all engines share: how pixels map to network input and how the residual maps
back (`view_of`), and the bicubic base. `ArrayEngine` does it in NumPy for the engines whose
graph cannot.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crispen.errors import ModelError, UsageError
from crispen.media.color import BT601_STUDIO
from crispen.media.resample import resize
from crispen.models.card import Color, ModelCard
from crispen.models.dials import Dials

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Floats = NDArray[np.float32]

# What an RGB network adds, minus its luma by these weights, is colour.
LUMA = np.array([BT601_STUDIO.kr, 1.0 - BT601_STUDIO.kr - BT601_STUDIO.kb, BT601_STUDIO.kb])
LUMA = LUMA.astype(np.float32)
# Four times leaves what the shipped networks do to coloured photographs as it is to the last bit,
# `relight` on dark ones included. Noise and JPEG's coarse chroma extend less than 8 pixels.
COLOR_GAIN = 4.0
COLOR_RADIUS = 8


@runtime_checkable
class Engine(Protocol):
    """One network, ready to run.

    `run` may be called from several threads at once; each call then has its own buffers.

    Attributes:
        card: The network's card.
        dials: What the network was told; None if nothing, or if it has no dials.
        name: ``openvino``, ``onnxruntime`` or ``torch``.
        device: The device it runs on, ``cpu``, ``cuda:0`` …
        precision: ``int8``, ``bf16``, ``fp16`` or ``fp32``.
    """

    card: ModelCard
    dials: Dials | None
    name: str
    device: str
    precision: str

    @property
    def bytes_per_px(self) -> float:
        """Memory of a run per pixel of its window; an overestimate is safer."""
        ...

    def run(self, pixels: Pixels, *, peak: int | None = None, studio: bool = False) -> Pixels:
        """The enhanced window.

        Args:
            pixels: ``(height, width, channels)`` ``uint8`` or ``uint16``, of sides that the card
                allows (`crispen.enhance.window.run_window` takes any). One channel is a grey
                picture or the Y' of a video. Three channels are R'G'B'; a luma network then
                operates on their BT.601 studio luma, and its residual is added to all three
                channels of the bicubic image, which leaves chroma bicubic.
            peak: The largest level; 255 or 65535 by dtype unless given (1023 for 10-bit video).
            studio: One channel is studio-range Y', with black at 16/255 and white at 235/255 of
                `peak`. Otherwise it runs from 0 to `peak`, as R'G'B' always does.

        Returns:
            ``(scale · height, scale · width, channels)``, same dtype, clipped to ``[0, peak]`` and
            rounded. Neutral pixels stay neutral: what an RGB network adds is its luma, and colour
            only up to `COLOR_GAIN` times the largest difference between the channels within
            `COLOR_RADIUS` pixels. Grey gets the luma alone, so it equals the same picture in
            R'G'B'.
        """
        ...

    def interrupt(self, thread: int) -> None:
        """Make a `run` in another thread raise `Cancelled` soon, if the runtime supports it.

        Args:
            thread: Its `threading.Thread.ident`; runs of other threads continue.
        """
        ...

    def close(self) -> None:
        """Release memory and threads."""
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


@dataclass(frozen=True, slots=True)
class View:
    """A network's view of pixels: ``matrix @ levels + offset``, in [0, 1].

    Attributes:
        matrix: ``(network channels, 1 or 3)``; three for a grey picture too, whose plane is then
            R', G' and B'.
        offset: The same for all channels of the network.
        unit: What 1.0 of the network's residual is in levels of the pixels.
    """

    matrix: NDArray[np.float64]
    offset: float
    unit: float


def view_of(color: Color, peak: int, *, studio: bool = False) -> View:
    """The view of pixels for a network of that colour.

    Luma networks learn studio-range Y', RGB networks full-range R'G'B'. Pixels of the other kind
    are converted. A grey picture is passed as R'G'B' of three equal planes rather than
    as one plane with the sum of their weights: low precision rounds each weight, and grey would
    come out up to 10 levels away from the same picture in R'G'B'.

    Args:
        color: What the network operates on.
        peak: The largest level.
        studio: One plane of studio-range Y'; otherwise R'G'B' or grey. See `Engine.run`.
    """
    swing, black = BT601_STUDIO.luma_weights.sum(), BT601_STUDIO.luma_offset
    if not studio and color == "luma":
        return View(BT601_STUDIO.luma_weights[None] / peak, black, peak / swing)
    if not studio:
        return View(np.eye(3) / peak, 0.0, peak)
    if color == "luma":
        return View(np.ones((1, 1)) / peak, 0.0, peak)
    return View(np.ones((3, 1)) / (swing * peak), -black / swing, swing * peak)


def color_near(pixels: Pixels, card: ModelCard) -> Pixels:
    """``(height, width)``: the largest difference between channels within `COLOR_RADIUS`.

    Args:
        pixels: ``(height, width, 3)``.
        card: The network's; its halo limits the radius, so that tiles are exact.
    """
    radius = COLOR_RADIUS if card.halo is None else min(card.halo, COLOR_RADIUS)
    red, green, blue = (pixels[..., channel] for channel in range(3))
    spread = np.maximum(red, np.maximum(green, blue)) - np.minimum(red, np.minimum(green, blue))
    for _ in range(2):  # down the columns, then along the rows
        spread = _largest(spread, radius).T
    return cast(Pixels, np.ascontiguousarray(spread))


def _largest(levels: NDArray[Any], radius: int) -> NDArray[Any]:
    """The largest within `radius` rows, found by doubling: 1, 2, 4, 8, 16, 17 rows."""
    most = np.pad(levels, ((radius, radius), (0, 0)))
    wanted, have = 2 * radius + 1, 1
    while have < wanted:
        step = min(have, wanted - have)
        most = np.maximum(most[:-step], most[step:])
        have += step
    return most


class ArrayEngine:
    """An engine whose runtime only runs the network; NumPy does the rest.

    A child implements `answer`.

    Attributes:
        card: The network's card.
        dials: What the network was told.
        name: Of the runtime.
        device: What it runs on.
        precision: Of the network.
    """

    name: str

    def __init__(
        self, card: ModelCard, device: str, precision: str, dials: Dials | None = None
    ) -> None:
        self.card = card
        self.dials = dials
        self.device = device
        self.precision = precision

    @abstractmethod
    def answer(self, x: Floats) -> Floats:
        """The network's output for ``(1, C, h, w)`` in [0, 1].

        The tensor ``residual``, ``(1, C · scale², h, w)``, if the card names a base; otherwise the
        picture, ``(1, C, scale · h, scale · w)``.
        """

    def run(self, pixels: Pixels, *, peak: int | None = None, studio: bool = False) -> Pixels:
        """See `Engine.run`."""
        peak = check_window(pixels, peak)
        height, width, channels = pixels.shape
        view = view_of(self.card.color, peak, studio=studio and channels == 1)
        matrix = view.matrix.astype(np.float32)
        planes = np.repeat(pixels, matrix.shape[1] // channels, axis=2)
        seen = planes.astype(np.float32) @ matrix.T + np.float32(view.offset)
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
        residual = residual * np.float32(view.unit)
        if len(matrix) == 3:
            grey = residual @ LUMA[:, None]
            if channels == 1:
                residual = grey
            else:
                limit = color_near(pixels, self.card)[..., None] * np.float32(COLOR_GAIN)
                limit = limit.repeat(scale, 0).repeat(scale, 1)
                color = residual - grey
                held = grey + np.clip(color, -limit, limit)
                residual = np.where(np.abs(color) <= limit, residual, held)
        levels = _enlarged(pixels.astype(np.float32), scale) + residual
        whole: Pixels = np.clip(np.rint(levels), 0, peak).astype(pixels.dtype)
        return whole

    @property
    def bytes_per_px(self) -> float:
        """See `Engine`; by the card alone, since these runtimes do not show their layers."""
        return guessed_bytes_per_px(self.card)

    def interrupt(self, thread: int) -> None:
        """Nothing: these runtimes always finish a window."""

    def close(self) -> None:
        """Nothing to release."""


def guessed_bytes_per_px(card: ModelCard) -> float:
    """Memory per pixel of a window, estimated from the card.

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
