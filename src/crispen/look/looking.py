"""Inspects a picture: facts from its file, and measurements of its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crispen.look.compression import Compression, read_compression
from crispen.look.crops import Measured, measure
from crispen.look.exposure import Exposure, exposure
from crispen.look.grid import grid_offset
from crispen.look.noise import color_noise_sigma, noise_sigma
from crispen.media.image import Image, read_image
from crispen.models.dials import Dials, blur_of, noise_dial, noise_of, quality_of, quality_of_step

Kind = Literal["photo", "drawing", "text"]

# Lower values are no fault, or may be texture. Dials as in `crispen.models.dials`.
SEEN_QUALITY, SEEN_NOISE, SEEN_BLUR = 92, 0.3, 0.3
# Clean pictures sometimes measure this much, and are best left alone: benchmarks/crossover.py.
_FAINT_NOISE, _FAINT_BLUR, _FAINT_COMPRESSION = 0.2, 0.12, 0.37
# Texture after a codec looks like noise: up to the first dial half of it counts, which costs noisy
# pictures at most 0.1 dB and saves 1 dB for grass; above the second, all of it.
_NOISE_DOUBTED = (0.5, 0.7)
_HEADER_BYTES = 1 << 18
_FLAT_SHARE, _TEXT_SHARE = 0.5, 0.7


@dataclass(frozen=True)
class Look:
    """Findings about a picture.

    Attributes:
        width: In pixels.
        height: In pixels.
        compression: As stated in a JPEG or WebP file; None for other files.
        measured: The dials ``noise``, ``compression`` and ``blur`` as estimated by a network; see
            `crispen.look.crops`.
        noise: Standard deviation in levels of 255 at the flattest places; see `crispen.look.noise`.
        color_noise: The same from the differences of the channels; None for grey pictures.
        exposure: Brightness, contrast, colour.
        kind: Photo, drawing (flat colours), or text (mostly two levels).
        grid: Columns and rows before the first border of JPEG blocks, if visible.
    """

    width: int
    height: int
    compression: Compression | None
    measured: dict[str, Measured]
    noise: float
    color_noise: float | None
    exposure: Exposure
    kind: Kind
    grid: tuple[int, int] | None = None

    @property
    def dials(self) -> Dials:
        """How bad it is: as measured, except for compression stated in the file."""
        step = None if self.compression is None else self.compression.step
        return _dials_of(self.measured, self.color_noise, step)

    @property
    def quality(self) -> int | None:
        """Of the JPEG that it is, or once was; None if there is no trace of one."""
        if self.compression:
            return round(quality_of_step(self.compression.step))
        found = round(quality_of(self.measured["compression"].value))
        return found if found < SEEN_QUALITY else None

    @property
    def faults(self) -> list[str]:
        """``JPEG quality about 62``, ``noise 4``, ``dark``; empty for a clean picture."""
        found = faults_of(self.dials, once=not self._is_jpeg)
        if self.grid and any(self.grid):
            found.append("blocks of an earlier JPEG")
        return found + self.exposure.faults

    @property
    def _is_jpeg(self) -> bool:
        return self.compression is not None and self.compression.format == "jpeg"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        file, light = self.compression, self.exposure
        said = file and {"quality": file.quality, "subsampling": file.subsampling}
        return {
            "width": self.width,
            "height": self.height,
            "kind": self.kind,
            "jpeg": said if self._is_jpeg else None,
            "webp": None if self._is_jpeg else said,
            "noise": round(noise_of(self.dials.noise or 0), 1),
            "flat_noise": round(self.noise, 1),
            "blur_px": round(blur_of(self.dials.blur or 0), 2),
            "once_jpeg_quality": self.quality if file is None else None,
            "dials": {
                name: {"value": round(m.value, 3), "error": round(m.error, 3)}
                for name, m in self.measured.items()
            },
            "exposure": {
                "median": round(light.median),
                "low": round(light.low),
                "high": round(light.high),
                "black": round(light.black, 4),
                "white": round(light.white, 4),
            },
            "grid": self.grid and {"x": self.grid[0], "y": self.grid[1]},
            "faults": self.faults,
        }


def damage_of(
    pixels: NDArray[np.uint8], jpeg_step: float | None = None, *, lossy: bool = False
) -> Dials:
    """How bad a picture is.

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.
        jpeg_step: See `Dials.coded`.
        lossy: Whether it comes from another lossy file, such as WebP or AVIF.
    """
    return _dials_of(measure(pixels), color_noise_sigma(pixels), jpeg_step, lossy)


def _dials_of(
    measured: dict[str, Measured],
    color_noise: float | None,
    jpeg_step: float | None,
    lossy: bool = False,
) -> Dials:
    compression = measured["compression"].value
    noise = measured["noise"].value
    if jpeg_step is not None or lossy:
        noise *= float(np.interp(noise, _NOISE_DOUBTED, (0.5, 1.0)))
    else:
        compression = _certain(compression, _FAINT_COMPRESSION)
        if color_noise is not None and not compression:  # no codec has smoothed the colours
            noise = noise_dial(color_noise)
    return Dials(
        noise=_certain(noise, _FAINT_NOISE),
        compression=compression,
        blur=_certain(measured["blur"].value, _FAINT_BLUR),
    ).coded(jpeg_step)


def _certain(value: float, faint: float) -> float:
    return value if value >= faint else 0.0


def faults_of(dials: Dials, *, once: bool = False) -> list[str]:
    """``JPEG quality about 62``, ``noise 4``, ``blur 0.8 px``: a description for people.

    Args:
        dials: See `damage_of`.
        once: It is no JPEG file now.
    """
    found = []
    quality = quality_of(dials.compression or 0)
    if quality < SEEN_QUALITY:
        found.append(
            f"{'compressed like a JPEG of' if once else 'JPEG'} quality about {quality:.0f}"
        )
    if (dials.noise or 0) >= SEEN_NOISE:
        found.append(f"noise {noise_of(dials.noise or 0):.0f}")
    if (dials.blur or 0) >= SEEN_BLUR:
        found.append(f"blur {blur_of(dials.blur or 0):.1f} px")
    return found


def look(source: Path | Image) -> Look:
    """Measures damage in a picture.

    Args:
        source: A file, or a picture; for a JPEG file its tables are read.

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
    # In flat colours and letters, only edges could be treated as noise.
    noise = noise_sigma(pixels) if kind == "photo" else 0.0
    color = color_noise_sigma(pixels)
    return Look(
        width,
        height,
        compression,
        measure(pixels),
        noise,
        color,
        exposure(pixels),
        kind,
        grid_offset(pixels),
    )


def kind_of(pixels: NDArray[np.uint8]) -> Kind:
    """From the share of equal neighbours, and the number of levels.

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
