"""Looking at a picture: what the file says, and what a small network sees in a few crops."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crispen.look.crops import measure
from crispen.look.exposure import Exposure, exposure
from crispen.look.jpeg import Compression, read_compression
from crispen.media.image import Image, read_image
from crispen.models.dials import (
    WORST_BLUR,
    Dials,
    compression_dial,
    noise_of,
    quality_of,
)

Kind = Literal["photo", "drawing", "text"]

# A file may say less than was done before it; only what is clearly worse is believed.
_EARLIER = 0.15
# Below this nobody would call it damage: a JPEG of quality 97, noise of one level, a sharp lens.
_SEEN_NOISE, _SEEN_COMPRESSION, _SEEN_BLUR = 0.12, 0.12, 0.12
_HEADER_BYTES = 1 << 18
_FLAT_SHARE, _TEXT_LEVELS = 0.55, 0.7


@dataclass(frozen=True)
class Look:
    """What was found in a picture.

    Attributes:
        dials: How much noise, compression and blur there is.
        errors: The standard errors of the three dials.
        compression: What a JPEG file says of itself; None for other files.
        exposure: Brightness, contrast, colour.
        kind: Photo, drawing (flat colours), or text (mostly two levels).
    """

    dials: Dials
    errors: tuple[float, float, float]
    compression: Compression | None
    exposure: Exposure
    kind: Kind

    @property
    def noise(self) -> float:
        """Standard deviation at middle grey in levels of 255."""
        return noise_of(self.dials.noise or 0.0)

    @property
    def quality(self) -> int:
        """Of the JPEG that would do as much damage, from 10 to 100."""
        return round(quality_of(self.dials.compression or 0.0))

    @property
    def blur(self) -> float:
        """Standard deviation in pixels."""
        return (self.dials.blur or 0.0) * WORST_BLUR

    @property
    def damaged(self) -> bool:
        """Whether there is anything to undo but the small size."""
        return bool(self._damages())

    def _damages(self) -> list[str]:
        found = []
        if (self.dials.compression or 0.0) > _SEEN_COMPRESSION:
            word = "JPEG quality" if self.compression else "compression like JPEG quality"
            found.append(f"{word} about {self.quality}")
        if (self.dials.noise or 0.0) > _SEEN_NOISE:
            found.append(f"noise {self.noise:.0f}")
        if (self.dials.blur or 0.0) > _SEEN_BLUR:
            found.append(f"blur {self.blur:.1f} px")
        return found

    def __str__(self) -> str:
        """``JPEG quality about 62, noise 4``, or ``clean``."""
        return ", ".join(self._damages()) or "clean"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        file = self.compression
        return {
            "kind": self.kind,
            "jpeg": file and {"quality": file.quality, "subsampling": file.subsampling},
            "compression": {"quality": self.quality, "dial": _rounded(self.dials.compression)},
            "noise": {"sigma": round(self.noise, 1), "dial": _rounded(self.dials.noise)},
            "blur": {"sigma": round(self.blur, 2), "dial": _rounded(self.dials.blur)},
            "exposure": {"median": round(self.exposure.median), "faults": self.exposure.faults},
            "summary": str(self),
        }


def _rounded(dial: float | None) -> float | None:
    return dial if dial is None else round(dial, 3)


def look(source: Path | Image) -> Look:
    """Measures what is wrong with a picture.

    Args:
        source: A file, or a picture; of a file that is a JPEG its own tables are read.

    Raises:
        InputError: The file cannot be read as a picture.
    """
    if isinstance(source, Image):
        return _looked(source.as_rgb8(), None)
    with source.open("rb") as file:
        compression = read_compression(file.read(_HEADER_BYTES))
    return _looked(read_image(source).as_rgb8(), compression)


def _looked(pixels: NDArray[np.uint8], compression: Compression | None) -> Look:
    seen = measure(pixels)
    coarse, _ = seen["compression"]
    if compression is not None:
        said = compression_dial(compression.step)
        coarse = coarse if coarse > said + _EARLIER else said
    dials = Dials(noise=seen["noise"][0], compression=coarse, blur=seen["blur"][0])
    errors = (seen["noise"][1], seen["compression"][1], seen["blur"][1])
    return Look(dials, errors, compression, exposure(pixels), kind_of(pixels))


def kind_of(pixels: NDArray[np.uint8]) -> Kind:
    """By how many neighbours are equal, and how few levels there are.

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.
    """
    luma = pixels[..., 1].astype(np.int16)
    flat = float((np.abs(np.diff(luma, axis=1)) <= 1).mean()) if luma.shape[1] > 1 else 0.0
    if flat < _FLAT_SHARE:
        return "photo"
    counts = np.sort(np.bincount((luma.ravel() >> 4), minlength=16))[::-1]
    two = counts[:2].sum() / counts.sum()
    return "text" if two > _TEXT_LEVELS and counts[1] > 0 else "drawing"
