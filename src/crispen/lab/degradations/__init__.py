"""Degradations: batched, seeded, on the training device; one file per family.

::

    tables = [GaussianNoise(sigma=25), Jpeg(quality=[30, 90])]
    pipeline = Pipeline(tables, scale=1, patch=64)
    noisy, clean = pipeline(crops, generator)             # crops of pipeline.crop pixels
    worse = degrade(picture, tables, generator)           # a whole picture
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crispen.lab.degradations.base import Degradation
from crispen.lab.degradations.bicubic import Bicubic, Resize
from crispen.lab.degradations.blind import Blind
from crispen.lab.degradations.blur import (
    AnisotropicBlur,
    DiscBlur,
    GaussianBlur,
    MedianBlur,
    MotionBlur,
    ShakeBlur,
    Sinc,
)
from crispen.lab.degradations.chebyshev import Chebyshev
from crispen.lab.degradations.codecs import Video, WebP
from crispen.lab.degradations.composition import Chain, OneOf, Shuffle
from crispen.lab.degradations.decimate import Decimate
from crispen.lab.degradations.exposure import Brighten, ColorCast, Contrast, Darken, Exposure, Gamma
from crispen.lab.degradations.impulse import ColorNoise, SaltAndPepper
from crispen.lab.degradations.jpeg import Jpeg
from crispen.lab.degradations.life import Life
from crispen.lab.degradations.noise import GaussianNoise, PoissonNoise
from crispen.lab.degradations.pipeline import Pipeline, degrade
from crispen.lab.degradations.pixelate import Pixelate
from crispen.lab.degradations.sensor import CameraNoise
from crispen.lab.table import Kinds

# In the order of the documents.
DEGRADATIONS: tuple[type[Degradation], ...] = (
    Bicubic,
    Resize,
    Decimate,
    Chebyshev,
    Pixelate,
    GaussianBlur,
    AnisotropicBlur,
    MotionBlur,
    DiscBlur,
    ShakeBlur,
    MedianBlur,
    Sinc,
    GaussianNoise,
    PoissonNoise,
    CameraNoise,
    SaltAndPepper,
    ColorNoise,
    Darken,
    Brighten,
    Exposure,
    Gamma,
    Contrast,
    ColorCast,
    Jpeg,
    WebP,
    Video,
    Blind,
    Life,
    OneOf,
    Shuffle,
    Chain,
)

DEGRADATION_KINDS: Kinds[Degradation] = Kinds(
    "degradations", DEGRADATIONS, Degradation, "degradation"
)

if TYPE_CHECKING:
    DegradationTable = Degradation
else:
    DegradationTable = DEGRADATION_KINDS.annotation()

# Their parts may be any of these, including themselves.
for _composition in (OneOf, Shuffle, Chain):
    _composition.model_rebuild(_types_namespace={"DegradationTable": DegradationTable})

__all__ = [
    "DEGRADATIONS",
    "DEGRADATION_KINDS",
    "AnisotropicBlur",
    "Bicubic",
    "Blind",
    "Brighten",
    "CameraNoise",
    "Chain",
    "ColorCast",
    "ColorNoise",
    "Contrast",
    "Darken",
    "Decimate",
    "Degradation",
    "DegradationTable",
    "DiscBlur",
    "Exposure",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "Jpeg",
    "Life",
    "MedianBlur",
    "MotionBlur",
    "OneOf",
    "Pipeline",
    "Pixelate",
    "PoissonNoise",
    "Resize",
    "SaltAndPepper",
    "ShakeBlur",
    "Shuffle",
    "Sinc",
    "Video",
    "WebP",
    "degrade",
]
