"""Runs networks and interpolations on the same pictures and measures their outputs.

Pictures are 8-bit R'G'B'. A network for luma gets their luma, and its output is measured as luma,
rounded only for the metric, as in the literature; for display it is combined with the chroma of the
bicubic picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from crispen.evaluate.metrics import Array, luma255, mse, psnr, round8, ssim
from crispen.lab.degradations import Degradation
from crispen.lab.degradations.picture import degrade_image
from crispen.lab.networks import Network, parameter_count
from crispen.lab.validation import run_whole
from crispen.media.color import BT601_FULL, BT601_STUDIO
from crispen.media.image import Image
from crispen.media.resample import Method, resize
from crispen.progress import Progress

Bytes = NDArray[np.uint8]
_SSIM_PX = 11
# Studio-range luma, in levels of 255: offset of black, and range from black to white.
_OFFSET, _RANGE = 16.0, 219.0


@dataclass(frozen=True, eq=False)
class Picture:
    """A test picture: an input and its target.

    Attributes:
        name: Name in captions.
        input: Degraded input, ``(h, w, 3)`` R'G'B'.
        target: Reference, ``(H, W, 3)`` R'G'B'; sides are those of the input times the scale.
    """

    name: str
    input: Bytes
    target: Bytes


@dataclass(frozen=True, eq=False)
class Answer:
    """An output of a network or an interpolation.

    Attributes:
        rgb: ``(H, W, 3)`` R'G'B'.
        luma: ``(H, W)`` studio-range luma, 16 to 235, not rounded, if luma was computed; None if
            R'G'B' was.
    """

    rgb: Bytes
    luma: Array | None = None


@dataclass(frozen=True, eq=False)
class Entry:
    """A method of a comparison: a network, an interpolation or a filter.

    Attributes:
        name: Name in tables.
        run: Computes an output from an ``(h, w, 3)`` input.
        parameters: Number of weights; 0 if it is not a network.
    """

    name: str
    run: Callable[[Bytes], Answer]
    parameters: int = 0


@dataclass(frozen=True, eq=False)
class Measured:
    """Outputs of one entry and their metrics.

    Attributes:
        name: Name of the entry.
        parameters: Number of weights of the entry.
        means: Means over the pictures: ``psnr`` in dB, ``ssim``, and ``mse`` of values in [0, 1].
            SSIM is measured only on pictures that are large enough for it.
        each: The metrics of each picture.
        answers: The outputs, each ``(H, W, 3)`` R'G'B'.
    """

    name: str
    parameters: int
    means: dict[str, float]
    each: tuple[dict[str, float], ...] = field(repr=False)
    answers: tuple[Bytes, ...] = field(repr=False)

    def row(self) -> dict[str, str | float | int | None]:
        """The means as a row of a table; ``parameters`` is None if there are none."""
        return {"name": self.name, "parameters": self.parameters or None, **self.means}


def interpolation(method: Method, scale: int, name: str = "") -> Entry:
    """An entry that upscales by interpolation.

    Args:
        method: Nearest, bilinear, bicubic or Lanczos.
        scale: Upscaling factor.
        name: Name in tables; the method if empty.
    """

    def enlarge(pixels: Bytes) -> Answer:
        height, width = (scale * n for n in pixels.shape[:2])
        rgb = resize(pixels, height, width, method=method).astype(np.uint8)
        luma = resize(luma255(pixels), height, width, method=method).astype(np.float64)
        return Answer(rgb, luma)

    return Entry(name or method, enlarge)


def untouched(name: str = "the input itself") -> Entry:
    """An entry at scale 1 whose output is its input."""
    return Entry(name, Answer)


def of_network(name: str, network: Network, color: str) -> Entry:
    """An entry that runs a network.

    Args:
        name: Name in tables.
        network: A network in evaluation mode, on any device.
        color: Planes on which it was trained: ``rgb``, ``luma`` (studio range) or ``yuv`` (full
            range).
    """
    device = next(network.parameters()).device

    def infer(planes: NDArray[np.floating]) -> Array:
        x = torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)[None], np.float32))
        with torch.inference_mode():
            out = run_whole(network, x.to(device)).clamp(0.0, 1.0)
        levels: Array = out[0].cpu().numpy().transpose(1, 2, 0).astype(np.float64) * 255.0
        return levels

    def run(pixels: Bytes) -> Answer:
        if color == "rgb":
            return Answer(np.rint(infer(pixels / np.float32(255.0))).astype(np.uint8))
        if color == "luma":
            luma = infer(luma255(pixels)[..., None] / 255.0)[..., 0]
        else:
            full = BT601_FULL.luma(pixels / 255.0)[..., None]
            luma = _OFFSET + infer(full)[..., 0] * (_RANGE / 255.0)
        return Answer(_colored(luma, pixels), luma)

    return Entry(name, run, parameter_count(network))


def _colored(luma: Array, source: Bytes) -> Bytes:
    """``(H, W, 3)`` R'G'B' with this luma and the chroma of the bicubically upscaled source."""
    height, width = luma.shape
    base = np.asarray(resize(source.astype(np.float64), height, width), np.float64)
    grey = BT601_STUDIO.luma(base / 255.0) * 255.0
    # Adding the same value to R', G' and B' changes luma and leaves chroma as it is.
    change = (luma - grey) * (255.0 / _RANGE)
    levels: Bytes = np.clip(np.rint(base + change[..., None]), 0, 255).astype(np.uint8)
    return levels


def degraded(
    targets: Sequence[tuple[str, Bytes]],
    tables: Sequence[Degradation],
    *,
    scale: int = 1,
    seed: int = 0,
) -> list[Picture]:
    """Targets with their degraded inputs; the same arguments give the same pictures.

    Args:
        targets: Names and ``(H, W, 3)`` R'G'B'; sides are cropped to multiples of the scale.
        tables: Degradations, in order; if there are none, bicubic downscaling by the scale.
        scale: Downscaling factor.
        seed: Seed of the random degradations.
    """
    pictures = []
    for i, (name, pixels) in enumerate(targets):
        height, width = (n - n % scale for n in pixels.shape[:2])
        target = np.ascontiguousarray(pixels[:height, :width])
        bad = degrade_image(Image(target), tables, seed=seed + i, scale=scale).as_rgb8()
        pictures.append(Picture(name, bad, target))
    return pictures


def measure(
    entries: Sequence[Entry],
    pictures: Sequence[Picture],
    *,
    color: Literal["luma", "rgb"] = "luma",
    border: int = 0,
    progress: Progress | None = None,
) -> list[Measured]:
    """Runs and measures each entry on the same pictures.

    Args:
        entries: Networks, interpolations and filters.
        pictures: Inputs and targets.
        color: Planes to measure on: studio-range Y', or R'G'B'.
        border: Pixels shaved on each side.
        progress: Receives an event for each picture.

    Returns:
        One `Measured` for each entry, in order.
    """
    found = []
    total = len(entries) * len(pictures)
    with (progress or Progress()).task("measuring", total, "pictures") as task:
        for entry in entries:
            each, answers = [], []
            for picture in pictures:
                answer = entry.run(picture.input)
                each.append(figures(answer, picture.target, color=color, border=border))
                answers.append(answer.rgb)
                task.advance()
            means = {
                key: float(np.mean([one[key] for one in each if key in one]))
                for key in dict.fromkeys(key for one in each for key in one)
            }
            found.append(Measured(entry.name, entry.parameters, means, tuple(each), tuple(answers)))
    return found


def figures(
    answer: Answer, target: Bytes, *, color: Literal["luma", "rgb"] = "luma", border: int = 0
) -> dict[str, float]:
    """Metrics of an output after 8-bit rounding.

    Args:
        answer: The output.
        target: ``(H, W, 3)`` R'G'B'.
        color: Planes to measure on: studio-range Y', or R'G'B'.
        border: Pixels shaved on each side.

    Returns:
        ``psnr`` in dB, 100 at most; ``mse`` of values in [0, 1]; ``ssim``, if at least 11 pixels a
        side are left.
    """
    image: Array
    reference: Array
    if color == "luma":
        image = round8(answer.luma if answer.luma is not None else luma255(answer.rgb))
        reference = luma255(target)
    else:
        image, reference = answer.rgb.astype(np.float64), target.astype(np.float64)
    values = {
        "psnr": min(100.0, psnr(image, reference, border=border)),
        "mse": mse(image, reference, border=border),
    }
    if min(image.shape[:2]) - 2 * border >= _SSIM_PX:
        values["ssim"] = ssim(image, reference, border=border)
    return values
