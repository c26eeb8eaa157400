"""Dials of a restoration network: how much noise, compression and blur a picture has.

A dial is a number from 0 (none) to 1 (worst). The scales are logarithmic where the eye is. A
network gets six numbers: for each dial its value and whether it is known. It must estimate
unknown ones from the picture.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from crispen.errors import ModelError
from crispen.models.protobuf import fields

INITIALIZER = "dials"
VIVID = "vivid"
NAMES = ("noise", "compression", "blur")
INPUTS = 2 * len(NAMES)

# Where a codec does as much damage as a JPEG whose tables are scaled to this percentage. Equal mean
# squared error on 22 crops is at steps a tenth finer for WebP, and at two thirds for video
# (benchmarks/codec_scale.py); these numbers are those that the shipped networks learned with.
_WEBP = ((20, 149), (30, 104), (40, 77), (50, 62), (60, 50), (70, 41), (80, 27), (90, 13), (95, 8))
_CRF_OF_50 = {"h264": 20.0, "hevc": 24.0}
_CRF_OCTAVE = 4.45
# Fields of ONNX's ModelProto, GraphProto and TensorProto.
_GRAPH, _INITIALIZER, _NAME, _RAW_DATA = 7, 5, 8, 9

WORST_NOISE = 50.0
WORST_STEP = 500.0
WORST_BLUR = 2.0
_NOISE_KNEE, _STEP_KNEE = 2.0, 10.0


@dataclass(frozen=True)
class Dials:
    """How much of each damage a picture has; None means unknown.

    Attributes:
        noise: See `noise_dial`.
        compression: See `compression_dial`.
        blur: See `blur_dial`.
    """

    noise: float | None = None
    compression: float | None = None
    blur: float | None = None

    @property
    def values(self) -> tuple[float | None, float | None, float | None]:
        """In the order of `NAMES`."""
        return (self.noise, self.compression, self.blur)

    @property
    def vivid(self) -> float | None:
        """How vivid the result should be; None for a network's own default."""
        return None

    def coded(self, step: float | None) -> Dials:
        """With the compression from a JPEG file's tables, which is exact.

        Args:
            step: See `jpeg_step`; None for other files, whose compression is unknown.
        """
        return self if step is None else replace(self, compression=compression_dial(step))

    def rounded(self) -> Self:
        """To twentieths, so that pictures of nearly equal damage share an engine."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(self, **{name: round(20 * value) / 20 for name, value in given.items()})

    def inputs(self) -> list[float]:
        """The network's input: value, known, value, known …; unknown values are 0."""
        return [n for v in self.values for n in ((0.0, 0.0) if v is None else (v, 1.0))]


@dataclass(frozen=True)
class VividDials(Dials):
    """Dials for a network that invents detail.

    Attributes:
        vivid: How much of it, from 0 to 1.
    """

    vivid: float = 1.0


def noise_dial(sigma: float) -> float:
    """The dial for noise of a standard deviation in levels of 255, at middle grey.

    >>> [round(noise_dial(s), 2) for s in (0, 2, 10, 50)]
    [0.0, 0.21, 0.55, 1.0]
    """
    return _log(sigma, _NOISE_KNEE, WORST_NOISE)


def compression_dial(step: float) -> float:
    """The dial for compression, by how much coarser than libjpeg's tables it quantises.

    Args:
        step: Per cent of the tables of Annex K: 200 - 2 q for a JPEG of quality q from 50 on,
            5000 / q below; see `jpeg_step`.

    >>> [round(compression_dial(jpeg_step(q)), 2) for q in (100, 95, 75, 50, 10)]
    [0.0, 0.18, 0.46, 0.61, 1.0]
    """
    return _log(step, _STEP_KNEE, WORST_STEP)


def jpeg_step(quality: float) -> float:
    """Per cent by which libjpeg scales its tables at a quality from 1 to 100."""
    return 5000 / quality if quality < 50 else 200 - 2 * quality


def webp_step(quality: float) -> float:
    """The `jpeg_step` with the same damage as WebP of a quality from 1 to 100."""
    (low, coarse), *others = _WEBP
    if quality <= low:
        return coarse * low / max(1.0, quality)
    for high, fine in others:
        if quality <= high:
            return coarse + (fine - coarse) * (quality - low) / (high - low)
        low, coarse = high, fine
    return coarse * (100 - quality) / (100 - low)


def crf_step(codec: str, crf: float) -> float:
    """The `jpeg_step` with the same damage as a frame of x264 or x265.

    Args:
        codec: ``h264`` or ``hevc``.
        crf: The encoder's constant rate factor.

    >>> crf_step("h264", 20)
    50.0
    """
    return 50.0 * math.pow(2.0, (crf - _CRF_OF_50[codec]) / _CRF_OCTAVE)


def noise_of(dial: float) -> float:
    """The inverse of `noise_dial`.

    >>> round(noise_of(noise_dial(7.0)), 3)
    7.0
    """
    return _exp(dial, _NOISE_KNEE, WORST_NOISE)


def quality_of(dial: float) -> float:
    """The quality of the JPEG that a compression dial corresponds to, from 10 to 100.

    >>> round(quality_of(compression_dial(jpeg_step(62))), 3)
    62.0
    """
    return quality_of_step(_exp(dial, _STEP_KNEE, WORST_STEP))


def quality_of_step(step: float) -> float:
    """The inverse of `jpeg_step`."""
    return 5000 / step if step > 100 else (200 - step) / 2


def blur_dial(sigma: float) -> float:
    """The dial for the standard deviation of a picture's blur in its own pixels.

    >>> blur_dial(1.0)
    0.5
    """
    return min(1.0, max(0.0, sigma) / WORST_BLUR)


def blur_of(dial: float) -> float:
    """The inverse of `blur_dial`."""
    return dial * WORST_BLUR


def _log(value: float, knee: float, worst: float) -> float:
    return min(1.0, math.log1p(max(0.0, value) / knee) / math.log1p(worst / knee))


def _exp(dial: float, knee: float, worst: float) -> float:
    return knee * math.expm1(dial * math.log1p(worst / knee))


def read_told(path: Path, dials: Dials | None) -> bytes:
    """An ONNX file, its dials set unless they are None; see `set_dials`.

    Raises:
        ModelError: It cannot be read, or has no dials.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}); download or export it again"
        ) from error
    return content if dials is None else set_dials(content, dials)


def set_dials(model: bytes, dials: Dials) -> bytes:
    """The ONNX file with other values in its initializers ``dials`` and ``vivid``.

    Raises:
        ModelError: It has no dials.
    """
    values = {INITIALIZER: dials.inputs()}
    if dials.vivid is not None:
        values[VIVID] = [dials.vivid]
    changed = bytearray(model)
    missing = True
    for name, begin in _places(model):
        numbers = values.get(name, [])
        struct.pack_into(f"<{len(numbers)}f", changed, begin, *numbers)
        missing = missing and name != INITIALIZER
    if missing:
        raise ModelError("the model has no dials; take one that has, such as real-x2")
    return bytes(changed)


def _places(model: bytes) -> Iterator[tuple[str, int]]:
    """Each initializer's name, and the offset of its values."""
    whole = memoryview(model)
    for number, graph in fields(whole):
        for kind, tensor in fields(graph) if number == _GRAPH else ():
            if kind != _INITIALIZER:
                continue
            parts = dict(fields(tensor))
            data = parts.get(_RAW_DATA)
            if data is not None:
                yield bytes(parts.get(_NAME, b"")).decode(), _offset(data, whole)


def _offset(part: memoryview, whole: memoryview) -> int:
    """Offset of a slice in its buffer."""
    import numpy as np

    first, here = (np.frombuffer(view, np.uint8).ctypes.data for view in (whole, part))
    return int(here - first)
