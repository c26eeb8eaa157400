"""How pictures go bad: batched, seeded, on the training device; one file for each family.

::

    tables = [GaussianNoise(sigma=25), Jpeg(quality=[30, 90])]
    pipeline = Pipeline(tables, scale=1, patch=64)
    noisy, clean = pipeline(crops, generator)             # crops of pipeline.crop pixels
    worse = degrade(picture, tables, generator)           # a whole picture
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from crispen.lab.degradations.base import Degradation
from crispen.lab.degradations.bicubic import Bicubic, Resize
from crispen.lab.degradations.blind import Blind
from crispen.lab.degradations.blur import (
    AnisotropicBlur,
    GaussianBlur,
    MedianBlur,
    MotionBlur,
    Sinc,
)
from crispen.lab.degradations.composition import Chain, OneOf, Shuffle
from crispen.lab.degradations.decimate import Decimate
from crispen.lab.degradations.exposure import Brighten, Darken
from crispen.lab.degradations.impulse import ColorNoise, SaltAndPepper
from crispen.lab.degradations.jpeg import Jpeg
from crispen.lab.degradations.noise import GaussianNoise, PoissonNoise
from crispen.lab.degradations.pipeline import Pipeline, degrade
from crispen.lab.degradations.pixelate import Pixelate

# In the order of the documents.
DEGRADATIONS: tuple[type[Degradation], ...] = (
    Bicubic,
    Resize,
    Decimate,
    Pixelate,
    GaussianBlur,
    AnisotropicBlur,
    MotionBlur,
    MedianBlur,
    Sinc,
    GaussianNoise,
    PoissonNoise,
    SaltAndPepper,
    ColorNoise,
    Darken,
    Brighten,
    Jpeg,
    Blind,
    OneOf,
    Shuffle,
    Chain,
)

DegradationTable = Annotated[
    Bicubic
    | Resize
    | Decimate
    | Pixelate
    | GaussianBlur
    | AnisotropicBlur
    | MotionBlur
    | MedianBlur
    | Sinc
    | GaussianNoise
    | PoissonNoise
    | SaltAndPepper
    | ColorNoise
    | Darken
    | Brighten
    | Jpeg
    | Blind
    | OneOf
    | Shuffle
    | Chain,
    Field(discriminator="kind"),
]

# Their parts may be any of these, themselves included.
for _composition in (OneOf, Shuffle, Chain):
    _composition.model_rebuild(_types_namespace={"DegradationTable": DegradationTable})

__all__ = [
    "DEGRADATIONS",
    "AnisotropicBlur",
    "Bicubic",
    "Blind",
    "Brighten",
    "Chain",
    "ColorNoise",
    "Darken",
    "Decimate",
    "Degradation",
    "DegradationTable",
    "GaussianBlur",
    "GaussianNoise",
    "Jpeg",
    "MedianBlur",
    "MotionBlur",
    "OneOf",
    "Pipeline",
    "Pixelate",
    "PoissonNoise",
    "Resize",
    "SaltAndPepper",
    "Shuffle",
    "Sinc",
    "degrade",
]
