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
from crispen.lab.degradations.exposure import Brighten, Darken
from crispen.lab.degradations.impulse import ColorNoise, SaltAndPepper
from crispen.lab.degradations.noise import GaussianNoise, PoissonNoise
from crispen.lab.degradations.pipeline import Pipeline, degrade

DEGRADATIONS: tuple[type[Degradation], ...] = (
    Bicubic,
    Resize,
    GaussianNoise,
    PoissonNoise,
    SaltAndPepper,
    ColorNoise,
    Darken,
    Brighten,
)

DegradationTable = Annotated[
    Bicubic
    | Resize
    | GaussianNoise
    | PoissonNoise
    | SaltAndPepper
    | ColorNoise
    | Darken
    | Brighten,
    Field(discriminator="kind"),
]

__all__ = ["DEGRADATIONS", "Degradation", "DegradationTable", "Pipeline", "degrade"]
