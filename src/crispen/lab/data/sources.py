"""Sources of pictures: files, arrays or a pack. Each is read as bytes of one colour."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError
from crispen.lab.data.tables import Color
from crispen.media.color import BT601_FULL, BT601_STUDIO
from crispen.media.image import is_image_name, open_image, read_image
from crispen.media.resample import resize
from crispen.progress import Progress

Bytes = NDArray[np.uint8]
T = TypeVar("T")
_SHOWN = 5


class Source(ABC):
    """Pictures that can be read one by one, from any thread.

    Attributes:
        names: Names of the pictures, for errors and for the record of the split.
        sizes: ``(pictures, 2)`` heights and widths, as read.
        files: The files decoded to read them, if that can fail.
    """

    names: Sequence[str]
    sizes: NDArray[np.int64]
    files: Sequence[Path] = ()

    @abstractmethod
    def read(self, index: int) -> Bytes:
        """``(height, width, channels)``.

        Raises:
            InputError: It cannot be read.
        """

    def flat(self) -> Bytes | None:
        """``(pixels, channels)`` of all pictures concatenated, if that costs nothing."""
        return None


def to_color(rgb: Bytes, color: Color) -> Bytes:
    """``(height, width, channels)`` in the network's colour, rounded to bytes.

    >>> white = np.full((1, 1, 3), 255, np.uint8)
    >>> [int(to_color(white, c)[0, 0, 0]) for c in ("luma", "yuv", "rgb")]
    [235, 255, 255]
    """
    if color == "rgb":
        return rgb
    space = BT601_STUDIO if color == "luma" else BT601_FULL
    luma = space.luma(rgb.astype(np.float32) / 255.0)
    levels: Bytes = np.rint(luma * 255.0).astype(np.uint8)
    return levels[..., None]


def square(rgb: Bytes, side: int) -> Bytes:
    """The central square of a picture, enlarged bicubically first if it is too small.

    >>> square(np.zeros((4, 9, 3), np.uint8), 6).shape
    (6, 6, 3)
    """
    height, width = rgb.shape[:2]
    short = min(height, width)
    if short < side:
        # Whole pixels, never fewer than the square needs.
        height, width = (max(side, round(n * side / short)) for n in (height, width))
        rgb = resize(rgb, height, width, method="bicubic").astype(np.uint8)
    top, left = (height - side) // 2, (width - side) // 2
    return rgb[top : top + side, left : left + side]


def picture_files(folder: Path) -> list[Path]:
    """Every picture under a folder, sorted, without hidden files."""
    files = (f for f in folder.rglob("*") if is_image_name(f) and not f.name.startswith("."))
    return sorted(f for f in files if f.is_file())


@dataclass
class Failures:
    """Pictures that are not used: unreadable ones, and those left out from the start.

    Attributes:
        reasons: Why each of the unreadable ones cannot be read.
        left_out: Those that ``data.limit`` leaves out, which are never opened.
    """

    reasons: dict[int, str] = field(default_factory=dict)
    left_out: frozenset[int] = frozenset()

    def others(self, count: int) -> list[int]:
        """The indices below `count` that are neither unreadable nor left out."""
        return [i for i in range(count) if i not in self.reasons and i not in self.left_out]

    def refuse(
        self, what: str, *, skip: bool, how: str = "set data.skip_unreadable = true"
    ) -> None:
        """Reports all of them in one error, unless they should be skipped.

        Args:
            what: Their location.
            skip: Skip them.
            how: How to skip them.

        Raises:
            InputError: There are unreadable pictures.
        """
        if not self.reasons or skip:
            return
        # The fault of each; the remedy follows the semicolon and is stated once.
        texts = [self.reasons[i].partition("; ")[0] for i in sorted(self.reasons)]
        more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
        raise InputError(
            f"{what}: {len(texts)} picture(s) cannot be read; repair or remove them, or {how}: "
            f"{'; '.join(texts[:_SHOWN])}{more}"
        )


def for_each(
    work: Callable[[int], T],
    indices: Iterable[int],
    failures: Failures,
    *,
    workers: int,
    what: str,
    progress: Progress | None = None,
) -> dict[int, T]:
    """Runs `work` on every picture in threads; `failures` records unreadable ones."""

    def guarded(index: int) -> tuple[int, T | None]:
        try:
            return index, work(index)
        except InputError as error:
            failures.reasons[index] = str(error)
            return index, None

    wanted = list(indices)
    done: dict[int, T] = {}
    with (
        ThreadPoolExecutor(workers) as pool,
        (progress or Progress()).task(what, len(wanted), "files") as task,
    ):
        try:
            for index, result in pool.map(guarded, wanted):
                if result is not None:
                    done[index] = result
                task.advance()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return done


class FileSource(Source):
    """Picture files, decoded when they are read.

    Args:
        files: The pictures.
        names: Their names.
        color: The colour to keep.
        side: Make each a square of this side; 0 keeps the size.
        workers: Threads that read the headers.
        failures: Records the files that are not pictures; those left out are not opened, and have
            the size 0x0.
        progress: Receives progress events.
    """

    def __init__(
        self,
        files: Sequence[Path],
        names: Sequence[str],
        color: Color,
        *,
        side: int = 0,
        workers: int = 2,
        failures: Failures,
        progress: Progress | None = None,
    ) -> None:
        self.files = files
        self.names = names
        self._color = color
        self._side = side
        headers = for_each(
            self._size,
            failures.others(len(files)),
            failures,
            workers=workers,
            what="looking at pictures",
            progress=progress,
        )
        self.sizes = np.array([headers.get(i, (0, 0)) for i in range(len(files))], np.int64)
        self.sizes = self.sizes.reshape(-1, 2)

    def _size(self, index: int) -> tuple[int, int]:
        with open_image(self.files[index]) as reader:
            header = reader.header
        return (self._side, self._side) if self._side else (header.height, header.width)

    def read(self, index: int) -> Bytes:
        """``(height, width, channels)``."""
        rgb = read_image(self.files[index]).as_rgb8()
        return to_color(square(rgb, self._side) if self._side else rgb, self._color)


class EnlargedSource(Source):
    """A source whose pictures are enlarged bicubically to given sizes on reading."""

    def __init__(self, source: Source, sizes: NDArray[np.int64]) -> None:
        self._source = source
        self.names = source.names
        self.files = source.files
        self.sizes = sizes

    def read(self, index: int) -> Bytes:
        """``(height, width, channels)``."""
        height, width = self.sizes[index].tolist()
        return resize(self._source.read(index), height, width, method="bicubic").astype(np.uint8)


class ShrunkSource(Source):
    """A source whose large pictures are shrunk on reading.

    Args:
        source: The pictures.
        shortest: Maximum length of a picture's shorter side.
    """

    def __init__(self, source: Source, shortest: int) -> None:
        self._source = source
        self.names = source.names
        self.files = source.files
        short = np.maximum(source.sizes.min(axis=1, keepdims=True), 1)
        shrunk = np.rint(source.sizes * shortest / short).astype(np.int64)
        self.sizes = np.where(short > shortest, shrunk, source.sizes)

    def read(self, index: int) -> Bytes:
        """``(height, width, channels)``."""
        height, width = self.sizes[index].tolist()
        pixels = self._source.read(index)
        if pixels.shape[:2] == (height, width):
            return pixels
        return resize(pixels, height, width, method="bilinear").astype(np.uint8)


class ArraySource(Source):
    """Pictures that are in memory already: ``(height, width, channels)`` bytes each."""

    def __init__(self, pictures: Sequence[Bytes] | Bytes, names: Sequence[str] = ()) -> None:
        self._pictures = pictures
        self.names = names or [f"picture {i}" for i in range(len(pictures))]
        self.sizes = np.array([p.shape[:2] for p in pictures], np.int64).reshape(-1, 2)

    def read(self, index: int) -> Bytes:
        """``(height, width, channels)``."""
        return self._pictures[index]

    def flat(self) -> Bytes | None:
        """``(pixels, channels)``, if they are one array."""
        if not isinstance(self._pictures, np.ndarray):
            return None
        flat: Bytes = self._pictures.reshape(-1, self._pictures.shape[-1])
        return flat


def array_digest(pictures: Iterable[Bytes]) -> str:
    """SHA-256 of pictures in memory."""
    digest = hashlib.sha256()
    for pixels in pictures:
        digest.update(repr(pixels.shape).encode())
        digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
