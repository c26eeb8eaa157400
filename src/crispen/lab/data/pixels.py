"""A whole training set as bytes on the training device, cropped and mirrored there.

All pictures lie one after another in one flat ``uint8`` tensor. A crop in any of the eight
symmetries is one gather: start at a corner and walk with a row step and a column step, each of
which may be negative or swapped with the other. Nothing else is copied, no worker is waited for,
and the same generator gives the same crops on every machine.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from crispen.errors import InputError, MissingInput
from crispen.media.color import BT601_STUDIO
from crispen.media.image import read_image

Color = Literal["luma", "rgb"]
SUFFIXES = frozenset({".avif", ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})


class PixelSet:
    """Pictures as bytes, ready to be cropped in batches.

    Attributes:
        planes: ``(channels, total)`` ``uint8``.
        sizes: ``(pictures, 2)`` heights and widths.
        starts: ``(pictures,)`` index of each picture's first pixel.
        digest: SHA-256 of the folder's ``MANIFEST.csv``, or of the sorted file names and sizes.
    """

    def __init__(self, pictures: list[np.ndarray], digest: str = "") -> None:
        self.sizes = torch.tensor([p.shape[:2] for p in pictures])
        areas = self.sizes.prod(dim=1)
        self.starts = torch.cumsum(areas, 0) - areas
        flat = [p.reshape(p.shape[0] * p.shape[1], -1).T for p in pictures]
        self.planes = torch.from_numpy(np.concatenate(flat, axis=1))
        self.digest = digest

    def to(self, device: torch.device | str) -> PixelSet:
        """Moves the bytes to `device`; returns itself."""
        self.planes = self.planes.to(device)
        self.sizes = self.sizes.to(device)
        self.starts = self.starts.to(device)
        return self

    def crops(self, count: int, size: int, generator: torch.Generator) -> Tensor:
        """``(count, channels, size, size)`` ``uint8``: random places, random symmetry.

        Every place in the set is equally likely, so large pictures give more crops.

        Args:
            count: How many.
            size: Side of a crop in pixels; no picture may be smaller.
            generator: On the device of the pixels; the only source of randomness.
        """
        device = self.planes.device
        room = self.sizes - size + 1
        weights = room.prod(dim=1).double()
        which = torch.multinomial(weights, count, replacement=True, generator=generator)
        u = torch.rand(count, 2, device=device, generator=generator)
        corner = (u * room[which]).long()
        symmetry = torch.randint(0, 8, (count,), device=device, generator=generator)
        flip_rows, flip_columns, transpose = symmetry & 1, symmetry >> 1 & 1, symmetry >> 2
        width = self.sizes[which, 1]
        row_step = torch.where(flip_rows == 1, -width, width)
        column_step = 1 - 2 * flip_columns
        corner[:, 0] += flip_rows * (size - 1)
        corner[:, 1] += flip_columns * (size - 1)
        base = self.starts[which] + corner[:, 0] * width + corner[:, 1]
        step_i = torch.where(transpose == 1, column_step, row_step)
        step_j = torch.where(transpose == 1, row_step, column_step)
        walk = torch.arange(size, device=device)
        index = (
            base[:, None, None]
            + step_i[:, None, None] * walk[None, :, None]
            + step_j[:, None, None] * walk[None, None, :]
        )
        return self.planes[:, index].transpose(0, 1)


def folder_digest(folder: Path, files: list[Path]) -> str:
    """What names a data set on a card: the manifest's hash, or one of names and sizes."""
    manifest = folder / "MANIFEST.csv"
    if manifest.is_file():
        return hashlib.sha256(manifest.read_bytes()).hexdigest()
    listing = "\n".join(f"{f.relative_to(folder)} {f.stat().st_size}" for f in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def load_folder(folder: Path, color: Color, smallest: int = 0) -> PixelSet:
    """Every picture under `folder`, decoded once.

    Args:
        folder: Searched recursively.
        color: ``luma`` keeps one byte a pixel (BT.601 studio luma), ``rgb`` three.
        smallest: Pictures with a shorter side than this are left out.

    Raises:
        MissingInput: The folder is not there.
        InputError: It holds no picture of that size.
    """
    if not folder.is_dir():
        raise MissingInput(f"{folder}: no such folder; give the training pictures with --data")
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES)
    pictures = []
    for file in files:
        rgb = read_image(file).as_rgb8()
        if min(rgb.shape[:2]) < smallest:
            continue
        if color == "luma":
            luma = BT601_STUDIO.luma(rgb.astype(np.float32) / 255.0)
            pictures.append(np.round(luma * 255.0).astype(np.uint8)[..., None])
        else:
            pictures.append(rgb)
    if not pictures:
        raise InputError(f"{folder}: no picture with sides of at least {smallest} pixels in it")
    return PixelSet(pictures, folder_digest(folder, files))
