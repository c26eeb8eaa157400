"""The Engine protocol: run one network on one window of pixels.

An engine takes and gives NumPy arrays of whole pixels; what is between (layout, precision, colour,
the bicubic base) is its own business, so that the fastest engine can do all of it inside its
graph. Tiling, alpha, sizes and files are above it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crispen.models.card import ModelCard

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@runtime_checkable
class Engine(Protocol):
    """One network, ready to run.

    Attributes:
        card: The network's card.
        name: ``openvino``, ``onnxruntime`` or ``torch``.
        device: What it runs on, ``cpu``, ``cuda:0`` …
        precision: ``bf16``, ``fp16`` or ``fp32``.
    """

    card: ModelCard
    name: str
    device: str
    precision: str

    def run(self, pixels: Pixels, *, peak: int | None = None) -> Pixels:
        """The enhanced window.

        Args:
            pixels: ``(height, width, channels)`` ``uint8`` or ``uint16``. One channel is a plane as it
                stands (grey, or the Y' of a video, whatever its range). Three channels are R'G'B'; a luma
                network then sees their BT.601 studio luma, and what it adds to luma is added to
                all three channels of the bicubic image, which leaves chroma bicubic.
            peak: Grey level of 1.0; 255 or 65535 by dtype unless given (1023 for 10 bit video).

        Returns:
            ``(scale · height, scale · width, channels)``, same dtype, clipped to ``[0, peak]`` and rounded.
        """
        ...

    def close(self) -> None:
        """Give memory and threads back."""
        ...


def open_engine(
    path: Path, card: ModelCard, *, device: str = "auto", threads: int | None = None
) -> Engine:
    """The best engine for `device` that this machine has."""
    raise NotImplementedError
