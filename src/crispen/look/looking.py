"""Looking at a picture: what its file says, and what can be measured in its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crispen.look.exposure import Exposure, exposure
from crispen.look.jpeg import Compression, read_compression
from crispen.look.noise import noise_sigma
from crispen.media.image import Image, read_image
from crispen.models.dials import Dials, compression_dial

Kind = Literal["photo", "drawing", "text"]

# Better ones are as good as clean; of less noise, fine texture may be all there is.
_SEEN_QUALITY, _SEEN_NOISE = 92, 4.0
_HEADER_BYTES = 1 << 18
_FLAT_SHARE, _TEXT_SHARE = 0.5, 0.7


@dataclass(frozen=True)
class Look:
    """What was found in a picture.

    Attributes:
        width: In pixels.
        height: In pixels.
        compression: What a JPEG file says of itself; None for other files.
        noise: Standard deviation in levels of 255; see `crispen.look.noise`.
        exposure: Brightness, contrast, colour.
        kind: Photo, drawing (flat colours), or text (mostly two levels).
    """

    width: int
    height: int
    compression: Compression | None
    noise: float
    exposure: Exposure
    kind: Kind

    @property
    def dials(self) -> Dials:
        """What a network with dials can be told for sure; the rest it must see for itself."""
        file = self.compression
        return Dials(compression=None if file is None else compression_dial(file.step))

    @property
    def faults(self) -> list[str]:
        """``JPEG quality about 62``, ``noise 4``, ``dark``; empty for a clean picture."""
        found = []
        if self.compression and self.compression.quality < _SEEN_QUALITY:
            found.append(f"JPEG quality about {self.compression.quality}")
        if self.noise >= _SEEN_NOISE:
            found.append(f"noise {self.noise:.0f}")
        return found + self.exposure.faults

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        file, light = self.compression, self.exposure
        return {
            "width": self.width,
            "height": self.height,
            "kind": self.kind,
            "jpeg": file and {"quality": file.quality, "subsampling": file.subsampling},
            "noise": round(self.noise, 1),
            "exposure": {
                "median": round(light.median),
                "low": round(light.low),
                "high": round(light.high),
                "black": round(light.black, 4),
                "white": round(light.white, 4),
            },
            "faults": self.faults,
        }


def look(source: Path | Image) -> Look:
    """Measures what is wrong with a picture.

    Args:
        source: A file, or a picture; of a JPEG file its own tables are read.

    Raises:
        InputError: The file cannot be read as a picture.
    """
    if isinstance(source, Image):
        return _looked(source.as_rgb8(), None)
    pixels = read_image(source).as_rgb8()
    with source.open("rb") as file:
        compression = read_compression(file.read(_HEADER_BYTES))
    return _looked(pixels, compression)


def _looked(pixels: NDArray[np.uint8], compression: Compression | None) -> Look:
    height, width = pixels.shape[:2]
    kind = kind_of(pixels)
    # Of flat colours and letters nothing but edges is left to be taken for noise.
    noise = noise_sigma(pixels) if kind == "photo" else 0.0
    return Look(width, height, compression, noise, exposure(pixels), kind)


def kind_of(pixels: NDArray[np.uint8]) -> Kind:
    """By how many neighbours are equal, and how few levels there are.

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.
    """
    green = pixels[..., 1].astype(np.int16)
    flat = float((np.diff(green, axis=1) == 0).mean()) if green.shape[1] > 1 else 0.0
    if flat < _FLAT_SHARE:
        return "photo"
    counts = np.sort(np.bincount((green >> 4).ravel(), minlength=16))[::-1]
    few = counts[:2].sum() / counts.sum() > _TEXT_SHARE
    return "text" if few and counts[1] else "drawing"
