"""Pairs of references and degraded inputs to measure on, found by folder or by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError, MissingInput, UsageError
from crispen.media.format_choice import is_video_name
from crispen.media.image import is_image_name, read_image
from crispen.media.resample import downscale
from crispen.user_folders import data_folder

Bytes = NDArray[np.uint8]
# Makes the degraded input from an R'G'B' picture and its number in the folder.
Degrade = Callable[[Bytes, int], Bytes]

DATA_VARIABLE = "CRISPEN_DATA"
_BESIDE = Path("../shared/data/valid")


@dataclass(frozen=True, slots=True)
class Pair:
    """A reference and where its small or degraded version comes from.

    Attributes:
        hr: The reference's file.
        lr: The other picture's file; None if it is made from the reference.
        index: The pair's number, which seeds a degradation.
    """

    hr: Path
    lr: Path | None
    index: int = 0

    def load(self, scale: int, degrade: Degrade | None = None) -> tuple[Bytes, Bytes]:
        """``(lr, hr)`` as ``(h, w, 3)`` and ``(scale·h, scale·w, 3)``.

        Args:
            scale: How many times smaller `lr` is.
            degrade: Makes `lr` from `hr`; bicubic downscaling by default.

        Raises:
            InputError: The sizes of the two do not match.
        """
        hr = self.reference()
        if self.lr is None:
            height, width = (n - n % scale for n in hr.shape[:2])
            if not height or not width:
                raise InputError(f"{self.hr}: smaller than the scale {scale}; leave it out")
            hr = hr[:height, :width]
            lr = (
                downscale(hr, scale).astype(np.uint8) if degrade is None else self._bad(hr, degrade)
            )
        else:
            lr = read_image(self.lr).as_rgb8()
        height, width = (scale * n for n in lr.shape[:2])
        if hr.shape[0] < height or hr.shape[1] < width:
            raise InputError(
                f"{self.lr or self.hr}: {lr.shape[1]}x{lr.shape[0]} times {scale} is larger than "
                f"{self.hr} ({hr.shape[1]}x{hr.shape[0]}); put matching pictures into HR and "
                f"LR_x{scale}"
            )
        return lr, hr[:height, :width]

    def reference(self) -> Bytes:
        """``(h, w, 3)`` of the reference."""
        return read_image(self.hr).as_rgb8()

    def _bad(self, hr: Bytes, degrade: Degrade) -> Bytes:
        bad = degrade(hr, self.index)
        if bad.dtype != np.uint8 or bad.ndim != 3 or bad.shape[2] != 3:
            raise UsageError(
                f"the degradation gave {bad.shape} {bad.dtype} for {self.hr.name}; "
                "it must give (height, width, 3) uint8"
            )
        return bad


def find_pairs(folder: Path, scale: int, *, degraded: bool = False) -> list[Pair]:
    """The pictures of a folder that holds ``HR`` and ``LR_xN``, or only HR pictures.

    Args:
        folder: The folder.
        scale: ``N`` of ``LR_xN``; ``LR_x1`` holds degraded inputs of full size.
        degraded: The inputs are generated, so ``LR_xN`` is ignored.

    Raises:
        MissingInput: No such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise MissingInput(f"{folder}: no such folder; give a folder of pictures with --data")
    small = folder / f"LR_x{scale}"
    large = folder / "HR" if (folder / "HR").is_dir() else folder
    files = sorted(f for f in large.iterdir() if f.is_file() and is_image_name(f))
    if small.is_dir() and not degraded:
        named = [(f, small / f.name) for f in files if (small / f.name).is_file()]
        pairs = [Pair(hr, lr, i) for i, (hr, lr) in enumerate(named)]
    else:
        pairs = [Pair(f, None, i) for i, f in enumerate(files)]
    if not pairs:
        raise MissingInput(
            f"{folder}: no pictures in it; put them there, or into HR and LR_x{scale} by equal name"
        )
    if scale == 1 and not degraded and pairs[0].lr is None:
        raise UsageError(
            f"{folder}: its pictures are not degraded, so there is nothing to restore; give "
            "--degrade gaussian-noise=25 or the like, or put degraded pictures of the same name "
            "into LR_x1"
        )
    return pairs


def find_data(name: str | Path) -> Path:
    """The folder of a data set, or a video: a path, or a name such as ``Set5`` on the search path.

    The search path is ``$CRISPEN_DATA`` (folders, separated as in ``PATH``), the folder ``data`` of
    the user's data, and ``../shared/data/valid``. Case is ignored.

    Raises:
        MissingInput: It is nowhere; the text says where to put it.
    """
    path = Path(name).expanduser()
    if path.is_dir() or (path.is_file() and is_video_name(path)):
        return path
    if path.name == str(name):
        for folder in search_path():
            for one in _folders(folder):
                if one.name.lower() == path.name.lower():
                    return one
        raise MissingInput(
            f"{name}: no such folder here, nor in {', '.join(map(str, search_path()))}; put HR and "
            f"LR_x2 (or only pictures) into {search_path()[0] / path.name}, or give --data DIR"
        )
    raise MissingInput(f"{path}: no such folder; give a folder of pictures with --data")


def search_path() -> list[Path]:
    """Where `find_data` looks for a name, in order."""
    chosen = os.environ.get(DATA_VARIABLE, "")
    folders = [Path(part).expanduser() for part in chosen.split(os.pathsep) if part]
    folders.append(data_folder("data"))
    return [*folders, _BESIDE]


def _folders(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(f for f in folder.iterdir() if f.is_dir())
    except OSError:
        return
