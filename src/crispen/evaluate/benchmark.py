"""PSNR, SSIM and seconds of models and baselines on a folder of pictures.

A luma model is measured as the literature does it: the luma of the 8-bit LR picture goes through
the network, what comes out is rounded to 8 bits and compared with the HR picture's luma
(`crispen.evaluate.metrics`). The baselines enlarge the same plane. Luma travels as 16-bit
levels, 257 to a grey level, so that nothing but the result is rounded.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from crispen.engines.base import Pixels, open_engine
from crispen.errors import InputError, MissingInput, UsageError
from crispen.evaluate.metrics import luma255, psnr, round8, ssim
from crispen.media.image import is_image_name, read_image
from crispen.media.resample import Method, downscale, resize
from crispen.models.card import ModelCard, Result
from crispen.models.store import find
from crispen.progress import Progress

BASELINES: tuple[str, ...] = get_args(Method)
Bytes = NDArray[np.uint8]
Enlarge = Callable[[Pixels], Pixels]


@dataclass(frozen=True, slots=True)
class PictureScore:
    """One picture.

    Attributes:
        picture: File name.
        psnr: dB on Y', a border of `scale` pixels shaved.
        ssim: On Y', the same border.
        seconds: For the picture, network alone, the model being warm.
    """

    picture: str
    psnr: float
    ssim: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one folder."""

    model: str
    data: str
    scale: int
    pictures: tuple[PictureScore, ...]

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
class Pair:
    """A reference and where its small version comes from.

    Attributes:
        hr: The reference's file.
        lr: The small picture's file; None if it is made from the reference.
    """

    hr: Path
    lr: Path | None

    def load(self, scale: int) -> tuple[Bytes, Bytes]:
        """``(lr, hr)`` as ``(h, w, 3)`` and ``(scale·h, scale·w, 3)``.

        Raises:
            InputError: The two do not fit.
        """
        hr = read_image(self.hr).as_rgb8()
        if self.lr is None:
            height, width = (n - n % scale for n in hr.shape[:2])
            if not height or not width:
                raise InputError(f"{self.hr}: smaller than the scale {scale}; leave it out")
            hr = hr[:height, :width]
            return downscale(hr, scale).astype(np.uint8), hr
        lr = read_image(self.lr).as_rgb8()
        height, width = (scale * n for n in lr.shape[:2])
        if hr.shape[0] < height or hr.shape[1] < width:
            raise InputError(
                f"{self.lr}: {lr.shape[1]}x{lr.shape[0]} times {scale} is larger than {self.hr} "
                f"({hr.shape[1]}x{hr.shape[0]}); put matching pictures into HR and LR_x{scale}"
            )
        return lr, hr[:height, :width]


def find_pairs(folder: Path, scale: int) -> list[Pair]:
    """The pictures of a folder that holds ``HR`` and ``LR_xN``, or only HR pictures.

    Raises:
        MissingInput: No such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise MissingInput(f"{folder}: no such folder; give a folder of pictures with --data")
    small = folder / f"LR_x{scale}"
    large = folder / "HR" if (folder / "HR").is_dir() else folder
    files = sorted(f for f in large.iterdir() if f.is_file() and is_image_name(f))
    if small.is_dir():
        pairs = [Pair(f, small / f.name) for f in files if (small / f.name).is_file()]
    else:
        pairs = [Pair(f, None) for f in files]
    if not pairs:
        raise MissingInput(
            f"{folder}: no pictures in it; put them there, or into HR and LR_x{scale} by equal name"
        )
    return pairs


def evaluate(
    model: str | Path,
    folder: Path,
    scale: int,
    *,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Score:
    """The score of a model, or of one of `BASELINES`, on a folder.

    Args:
        model: A model's name or file, or ``nearest``, ``bilinear``, ``bicubic``, ``lanczos``.
        folder: See `find_pairs`; without ``LR_xN`` the small pictures are made by the bicubic
            shrinking of the literature.
        scale: How many times smaller the small pictures are.
        device: Where the model runs.
        threads: At most so many.
        progress: Told every picture.

    Raises:
        UsageError: The model enlarges by another scale.
    """
    pairs = find_pairs(folder, scale)
    if model in BASELINES:
        return _score(
            str(model), _baseline(str(model), scale), True, scale, pairs, folder, progress
        )
    path, card = find(model)
    return _evaluate_file(path, card, folder, scale, pairs, device, threads, progress)


def _evaluate_file(
    path: Path,
    card: ModelCard,
    folder: Path,
    scale: int,
    pairs: list[Pair],
    device: str,
    threads: int | None,
    progress: Progress | None,
) -> Score:
    if card.scale != scale:
        raise UsageError(
            f"{card.name} enlarges {card.scale} times, not {scale}; give --scale {card.scale}"
        )
    engine = open_engine(path, card, device=device, threads=threads)
    try:
        return _score(card.name, engine.run, card.color == "luma", scale, pairs, folder, progress)
    finally:
        engine.close()


def measure_results(path: Path, card: ModelCard, valid: Path) -> tuple[Result, ...]:
    """What a card says of a model file: one result for each data set that fits its scale.

    Args:
        path: The ONNX file.
        card: Its card.
        valid: A folder of data sets, each with ``HR`` and ``LR_xN``.
    """
    results = []
    for folder in sorted(f for f in valid.iterdir() if (f / f"LR_x{card.scale}").is_dir()):
        pairs = find_pairs(folder, card.scale)
        score = _evaluate_file(path, card, folder, card.scale, pairs, "auto", None, None)
        bicubic = evaluate("bicubic", folder, card.scale)
        results.append(
            Result(
                data=folder.name,
                psnr=round(score.psnr, 3),
                ssim=round(score.ssim, 4),
                bicubic_psnr=round(bicubic.psnr, 3),
            )
        )
    return tuple(results)


def measure_speed(path: Path, card: ModelCard) -> str:
    """What a card says of a model's speed: one luma frame to 1920×1080 on this machine."""
    engine = open_engine(path, card)
    frame = np.full((1080 // card.scale, 1920 // card.scale, 1), 128, np.uint8)
    seconds = []
    try:
        for _ in range(6):
            began = time.perf_counter()
            engine.run(frame)
            seconds.append(time.perf_counter() - began)
    finally:
        engine.close()
    # The first run also prepares the network for the size.
    return (
        f"{1000 * float(np.median(seconds[1:])):.0f} ms a 1080p frame "
        f"({os.cpu_count()} cores, {engine.name} {engine.precision})"
    )


def _baseline(method: str, scale: int) -> Enlarge:
    def enlarge(pixels: Pixels) -> Pixels:
        height, width = (scale * n for n in pixels.shape[:2])
        return resize(pixels, height, width, method=method)  # type: ignore[arg-type,return-value]

    return enlarge


def _score(
    name: str,
    enlarge: Enlarge,
    luma: bool,
    scale: int,
    pairs: list[Pair],
    folder: Path,
    progress: Progress | None,
) -> Score:
    scores = []
    with (progress or Progress()).task(f"{name} on {folder.name}", len(pairs), "pictures") as task:
        for pair in pairs:
            lr, hr = pair.load(scale)
            try:
                scores.append(_measure(pair.hr.name, enlarge, luma, scale, lr, hr))
            except UsageError as error:
                raise InputError(f"{pair.hr}: {error}") from error
            task.advance()
    return Score(name, folder.name, scale, tuple(scores))


def _measure(
    name: str, enlarge: Enlarge, luma: bool, scale: int, lr: Bytes, hr: Bytes
) -> PictureScore:
    source = np.round(luma255(lr) * 257.0).astype(np.uint16)[..., None] if luma else lr
    enlarge(source)  # the first run of a size also prepares the network for it
    began = time.perf_counter()
    out = enlarge(source)
    seconds = time.perf_counter() - began
    result = round8(out[..., 0] / 257.0 if luma else luma255(out))
    reference = luma255(hr)
    return PictureScore(
        picture=name,
        psnr=psnr(result, reference, border=scale),
        ssim=ssim(result, reference, border=scale),
        seconds=seconds,
    )
