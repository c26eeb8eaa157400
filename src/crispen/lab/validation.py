"""PSNR of a network on pairs of LR and HR pictures, while it trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from crispen.errors import MissingInput
from crispen.evaluate.metrics import luma255, psnr, round8
from crispen.media.image import read_image


def pairs(folder: Path, scale: int) -> list[tuple[Path, Path]]:
    """``(LR, HR)`` files of a folder that holds ``HR`` and ``LR_xN``.

    Raises:
        MissingInput: No such pairs.
    """
    found = [
        (lr, folder / "HR" / lr.name)
        for lr in sorted((folder / f"LR_x{scale}").glob("*.png"))
        if (folder / "HR" / lr.name).is_file()
    ]
    if not found:
        raise MissingInput(f"{folder}: no pictures of equal name in HR and LR_x{scale}")
    return found


def validate(network: nn.Module, folder: Path, scale: int) -> float:
    """Mean luma PSNR in dB by the literature's definition (`crispen.evaluate.metrics`)."""
    device = next(network.parameters()).device
    scores = []
    for lr_file, hr_file in pairs(folder, scale):
        lr = luma255(read_image(lr_file).as_rgb8())
        hr = luma255(read_image(hr_file).as_rgb8())[: scale * lr.shape[0], : scale * lr.shape[1]]
        x = torch.from_numpy((lr / 255.0).astype(np.float32))[None, None].to(device)
        with torch.no_grad():
            out = network(x)[0, 0].float().cpu().numpy() * 255.0
        scores.append(psnr(round8(out), hr, border=scale))
    return float(np.mean(scores))
