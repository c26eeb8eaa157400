"""What to measure, and the results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from crispen.errors import UsageError
from crispen.evaluate.metrics import literature_border
from crispen.evaluate.pairs import Degrade

Color = Literal["luma", "rgb"]
DEFAULT_METRICS = ("psnr", "ssim", "mse")


@dataclass(frozen=True, slots=True)
class PictureScore:
    """One picture.

    Attributes:
        picture: File name.
        psnr: dB, the border shaved.
        ssim: The same border.
        seconds: For the picture, network only, after a warm-up run.
        mse: For values in [0, 1].
        more: Values of the other metrics by name; None where one is undefined.
    """

    picture: str
    psnr: float
    ssim: float
    seconds: float
    mse: float = math.nan
    more: Mapping[str, float | None] = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        """The value of a metric, or of ``seconds``; None if it was not measured."""
        if name in self.more:
            return self.more[name]
        found: float | None = getattr(self, name, None)
        return found


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one folder.

    Attributes:
        model: Its name.
        data: The folder's name.
        scale: How many times larger each side becomes.
        pictures: One by one.
        color: What was compared.
        border: Pixels shaved on each side.
        degradation: What degraded the inputs; empty for the folder's own or MATLAB's bicubic.
        metrics: Those requested.
        parameters: Weights of the network; 0 for a baseline.
        memory_bytes: Peak resident memory of the process meanwhile, or None.
        whole: Metrics of all pictures together by name, such as ``fid``; None where one is
            undefined.
    """

    model: str
    data: str
    scale: int
    pictures: tuple[PictureScore, ...]
    color: Color = "luma"
    border: int = 0
    degradation: str = ""
    metrics: tuple[str, ...] = DEFAULT_METRICS
    parameters: int = 0
    memory_bytes: int | None = None
    whole: Mapping[str, float | None] = field(default_factory=dict)

    def mean(self, name: str) -> float | None:
        """Mean over the pictures for which a metric, or ``seconds``, is known; or of the whole."""
        if name in self.whole:
            return self.whole[name]
        values = [p.value(name) for p in self.pictures]
        known = [v for v in values if v is not None]
        return float(np.mean(known)) if known else None

    @property
    def psnr(self) -> float:
        """Mean over the pictures."""
        return float(np.mean([p.psnr for p in self.pictures]))

    @property
    def ssim(self) -> float:
        """Mean over the pictures."""
        return float(np.mean([p.ssim for p in self.pictures]))

    @property
    def seconds(self) -> float:
        """Mean over the pictures."""
        return float(np.mean([p.seconds for p in self.pictures]))


@dataclass(frozen=True, slots=True)
class Protocol:
    """How pictures are compared.

    Attributes:
        color: Y' (BT.601 studio swing) or R'G'B'.
        border: Pixels shaved; None for the literature's: the scale, and none if nothing is
            enlarged.
        metrics: Those to measure besides seconds.
        degrade: Makes the degraded inputs, see `pairs.Degrade`; None for the folder's own.
        degradation: The same in words.
    """

    color: Color = "luma"
    border: int | None = None
    metrics: tuple[str, ...] = DEFAULT_METRICS
    degrade: Degrade | None = field(default=None, repr=False)
    degradation: str = ""

    def __post_init__(self) -> None:
        if self.border is not None and self.border < 0:
            raise UsageError(f"--border {self.border}: a border has 0 pixels or more")

    def shaved(self, scale: int) -> int:
        """Pixels shaved at a scale."""
        return self.border if self.border is not None else literature_border(scale)
