"""What is compared in a study, and how: networks and interpolations on the same pictures.

Pictures are bytes in R'G'B'. A network for luma is given their luma, and its answer is measured
as luma, unrounded until then, as the literature does it; to be looked at, it gets the chroma of
the bicubic picture.
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
# Of studio range in full range: what is added and multiplied.
_OFFSET, _RANGE = 16.0, 219.0


@dataclass(frozen=True, eq=False)
class Picture:
    """One that everything is measured on.

    Attributes:
        name: For captions.
        input: ``(h, w, 3)``, what is given.
        target: ``(H, W, 3)``, what should come out.
    """

    name: str
    input: Bytes
    target: Bytes


@dataclass(frozen=True, eq=False)
class Answer:
    """What came out.

    Attributes:
        rgb: ``(H, W, 3)``.
        luma: Studio luma in grey levels, not rounded, where that is what was computed.
    """

    rgb: Bytes
    luma: Array | None = None


@dataclass(frozen=True, eq=False)
class Entry:
    """One that takes part.

    Attributes:
        name: In tables.
        run: From an input to an answer.
        parameters: Weights of a network; 0 without one.
    """

    name: str
    run: Callable[[Bytes], Answer]
    parameters: int = 0


@dataclass(frozen=True, eq=False)
class Measured:
    """How one did.

    Attributes:
        name: Of the entry.
        parameters: Of the entry.
        means: ``psnr``, ``ssim`` and ``mse``, over the pictures; SSIM only of pictures that are
            large enough for it.
        each: The same for each picture.
        answers: What it made, to be looked at.
    """

    name: str
    parameters: int
    means: dict[str, float]
    each: tuple[dict[str, float], ...] = field(repr=False)
    answers: tuple[Bytes, ...] = field(repr=False)

    def row(self) -> dict[str, str | float | int | None]:
        """For a table."""
        return {"name": self.name, "parameters": self.parameters or None, **self.means}


def interpolation(method: Method, scale: int, name: str = "") -> Entry:
    """Nearest, bilinear, bicubic or Lanczos."""

    def enlarge(pixels: Bytes) -> Answer:
        height, width = (scale * n for n in pixels.shape[:2])
        rgb = resize(pixels, height, width, method=method).astype(np.uint8)
        luma = resize(luma255(pixels), height, width, method=method).astype(np.float64)
        return Answer(rgb, luma)

    return Entry(name or method, enlarge)


def untouched(name: str = "the input itself") -> Entry:
    """Nothing is done, at scale 1."""
    return Entry(name, Answer)


def of_network(name: str, network: Network, color: str) -> Entry:
    """A network in evaluation mode.

    Args:
        name: In tables.
        network: On the CPU or not.
        color: ``rgb``, ``luma`` or ``yuv``: what it was trained on.
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
    """Luma with the chroma of the bicubic picture."""
    height, width = luma.shape
    base = np.asarray(resize(source.astype(np.float64), height, width), np.float64)
    grey = BT601_STUDIO.luma(base / 255.0) * 255.0
    # The same change in R', G' and B' is a change of luma alone.
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
    """Pictures with what a recipe makes of them, the same for the same seed.

    Args:
        targets: Names and ``(H, W, 3)`` pixels; sides are cut to multiples of the scale.
        tables: Degradations, in order; at scale 2 and more bicubic shrinking without any.
        scale: How many times smaller inputs are.
        seed: Of all that is random.
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
    """How each did on the same pictures.

    Args:
        entries: Those that take part.
        pictures: What they are given, and should make.
        color: Compare Y' of studio range, or R'G'B'.
        border: Pixels shaved on each side.
        progress: Receives an event for each picture.
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
    """``psnr`` (at most 100), ``mse``, and ``ssim`` where the picture is large enough."""
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
