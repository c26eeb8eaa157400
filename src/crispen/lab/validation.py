"""Validation during training: metrics on pictures outside the training set.

The pictures come from a folder, either with ``HR`` and ``LR_xN`` or with pictures that the recipe
degrades, or are crops of held-out pictures. They are degraded identically every time. PSNR
and SSIM are those of `crispen.evaluate.metrics` (Y', 8-bit rounding, a border of `scale` pixels
shaved if the scale is above 1); MSE is over all channels in [0, 1], as in the classic reports.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from crispen.errors import InputError, MissingInput
from crispen.evaluate.known_metrics import METRICS, measured
from crispen.evaluate.metrics import Array, literature_border, luma255, psnr, round8, ssim
from crispen.lab.data import Batches
from crispen.lab.degradations import degrade
from crispen.lab.degradations.pipeline import Pipeline
from crispen.lab.learner import make_pair
from crispen.lab.losses import Loss
from crispen.lab.networks import Network, Output
from crispen.lab.processes import stream_seed
from crispen.lab.recipe import Recipe
from crispen.media.color import BT601_FULL, BT601_STUDIO
from crispen.media.image import is_image_name, read_image

_SSIM_PX = 11


@dataclass(frozen=True)
class Case:
    """A validation picture.

    Attributes:
        name: File name or number.
        input: Degraded input, ``(1, C, h, w)`` in [0, 1].
        target: Ground truth, ``(1, C, scale·h, scale·w)`` in [0, 1].
        dials: Dials of the input, ``(1, 6)``; see `crispen.models.dials`. None if unknown.
    """

    name: str
    input: Tensor
    target: Tensor
    dials: Tensor | None = None


class Validator:
    """Measures a network on the same pictures each time.

    Args:
        cases: The validation pictures.
        losses: The losses whose sum is ``val_loss``.
        recipe: The recipe.

    Raises:
        CrispenError: The monitored metric needs weights or a package that is not available.
    """

    def __init__(self, cases: list[Case], losses: Loss, recipe: Recipe) -> None:
        self.cases = cases
        self.recipe = recipe
        self._losses = losses
        self._perceived = recipe.validation.monitor if recipe.validation.perceptual else ""
        prepare = METRICS[self._perceived].prepare if self._perceived else None
        if prepare is not None:
            prepare()  # reports what is missing before training

    @torch.no_grad()
    def measure(self, network: Network) -> dict[str, float]:
        """Means of ``val_loss``, ``val_mse``, ``val_psnr``, ``val_ssim`` and ``val_accuracy``.

        SSIM is omitted if a picture is too small for it, accuracy if there is only one channel. A
        perceptual metric that the recipe monitors, such as ``val_lpips``, is included.
        """
        scores: dict[str, list[float]] = {}
        for case in self.cases:
            out = run_whole(network, case.input, case.dials)
            for name, value in self._score(out, case.target).items():
                scores.setdefault(name, []).append(value)
        return {name: float(np.mean(values)) for name, values in scores.items()}

    def _score(self, out: Tensor, target: Tensor) -> dict[str, float]:
        # The KL divergence is left out: it is defined per window, not for a whole picture.
        loss, _ = self._losses(Output(out, out.new_zeros(())), target)
        scores = {"val_loss": float(loss), "val_mse": float(F.mse_loss(out, target))}
        border = literature_border(self.recipe.scale)
        image, reference = _grey(out), _grey(target, whole=False)
        # Equal pictures have no finite PSNR; a NaN result must stay NaN.
        scores["val_psnr"] = float(np.minimum(100.0, psnr(image, reference, border=border)))
        if min(image.shape) - 2 * border >= _SSIM_PX:
            scores["val_ssim"] = ssim(image, reference, border=border)
        if self._perceived:
            seen = measured(self._perceived, _bytes(out), _bytes(target))
            if seen is not None:
                scores[f"val_{self._perceived}"] = seen
        if out.shape[1] == 3:
            scores["val_accuracy"] = float((out.argmax(1) == target.argmax(1)).float().mean())
        return scores


def _grey(x: Tensor, *, whole: bool = True) -> Array:
    """The luma or single plane of ``(1, C, h, w)`` in levels of 255; rounded if `whole`."""
    levels = x[0].float().cpu().numpy().transpose(1, 2, 0).astype(np.float64) * 255.0
    if levels.shape[2] == 3:
        return round8(luma255(round8(levels))) if whole else luma255(levels)
    return round8(levels[..., 0]) if whole else levels[..., 0]


def _bytes(x: Tensor) -> NDArray[np.uint8]:
    """``(h, w, 3)`` in 8 bits; a single plane is repeated in all channels."""
    levels = (x[0].float().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    return np.broadcast_to(levels.transpose(1, 2, 0), (*levels.shape[1:], 3))


def run_whole(network: Network, x: Tensor, dials: Tensor | None = None) -> Tensor:
    """A network's output for a picture of any size.

    The input is padded to the network's multiple with an edge-replicated border. Networks with a
    single window size are run on adjacent windows.

    Args:
        network: The network.
        x: ``(N, C, H, W)`` in [0, 1].
        dials: ``(N, 6)``, for networks with dials.

    Returns:
        ``(N, C, scale·H, scale·W)``.
    """
    step = network.window_px or network.multiple
    height, width = x.shape[-2:]
    rows, columns = (math.ceil(n / step) * step for n in (height, width))
    scale = network.scale
    if (rows, columns) != (height, width):
        x = F.pad(x, (0, columns - width, 0, rows - height), mode="replicate")
    windowed = network.window_px is not None
    out = _windows(network, x, step) if windowed else network.outputs(x, dials).image
    return out[..., : height * scale, : width * scale]


def _windows(network: Network, x: Tensor, side: int) -> Tensor:
    n, c = x.shape[:2]
    tiles = x.unfold(2, side, side).unfold(3, side, side)  # (n, c, down, across, side, side)
    down, across = tiles.shape[2:4]
    out: Tensor = network(tiles.permute(0, 2, 3, 1, 4, 5).reshape(-1, c, side, side))
    large = out.shape[-1]
    out = out.view(n, down, across, c, large, large).permute(0, 3, 1, 4, 2, 5)
    return out.reshape(n, c, down * large, across * large)


def held_out_cases(batches: Batches, pipeline: Pipeline | None, recipe: Recipe) -> list[Case]:
    """Crops of the held-out pictures, degraded by the recipe."""
    seed = stream_seed(recipe.train.seed, "validation")
    pair = make_pair(batches, None, pipeline, recipe, seed)
    return [
        Case(
            str(i),
            pair.input[i : i + 1].clone(),
            pair.target[i : i + 1].clone(),
            None if pair.dials is None else pair.dials[i : i + 1].clone(),
        )
        for i in range(len(pair.target))
    ]


def folder_cases(folder: Path, recipe: Recipe, device: torch.device) -> list[Case]:
    """The pictures of a folder, as pairs or degraded by the recipe.

    Raises:
        MissingInput: The folder does not exist, or has no pictures.
        InputError: The sizes of a pair do not match, or a picture is smaller than the scale.
    """
    if not folder.is_dir():
        raise MissingInput(f"{folder}: no such folder; give validation pictures with --valid")
    scale = recipe.scale
    small = folder / f"LR_x{scale}"
    large = folder / "HR" if (folder / "HR").is_dir() else folder
    files = sorted(f for f in large.iterdir() if f.is_file() and is_image_name(f))
    paired = scale > 1 and small.is_dir() and not recipe.degradation
    if paired:
        files = [f for f in files if (small / f.name).is_file()]
    if not files:
        raise MissingInput(
            f"{folder}: no pictures to validate on; put them there, or into HR and LR_x{scale} by "
            "equal name"
        )
    cases = []
    for i, file in enumerate(files):
        target = _planes(file, recipe.data.color, device)
        if paired:
            x = _planes(small / file.name, recipe.data.color, device)
            height, width = (scale * n for n in x.shape[-2:])
            if height > target.shape[-2] or width > target.shape[-1]:
                raise InputError(
                    f"{small / file.name}: times {scale} is larger than {file}; put matching "
                    f"pictures into HR and LR_x{scale}"
                )
        else:
            height, width = (n - n % scale for n in target.shape[-2:])
            if not height or not width:
                raise InputError(f"{file}: smaller than the scale {scale}; leave it out")
            target = target[..., :height, :width]
            seed = stream_seed(recipe.train.seed, "validation", i)
            generator = torch.Generator(device).manual_seed(seed)
            x = degrade(target, recipe.degradation, generator, scale)
        cases.append(Case(file.name, x, target[..., :height, :width].contiguous()))
    return cases


def _planes(file: Path, color: str, device: torch.device) -> Tensor:
    """A file as ``(1, C, H, W)`` in [0, 1], in the planes of the recipe."""
    rgb = read_image(file).as_rgb8()
    pixels: NDArray[np.floating] = rgb.astype(np.float64) / 255.0
    if color == "luma":
        pixels = BT601_STUDIO.luma(pixels)[..., None]
    elif color == "yuv":
        pixels = BT601_FULL.luma(pixels)[..., None]
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
    return torch.from_numpy(planes).to(device)
