"""Packs: one file of decoded pictures, so that training starts at once and need not decode.

A pack is a `safetensors` file with ``pixels`` ``(total, channels)`` ``uint8``, all pictures
concatenated, and ``sizes`` and ``groups``; names and origin are in its metadata. It is written
picture by picture and read slice by slice, so it may be larger than memory.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError, MissingInput, UsageError
from crispen.lab.data.folder import files_in, folder_digest, manifest_licence
from crispen.lab.data.material import Material
from crispen.lab.data.sources import Bytes, Failures, FileSource, Source, for_each
from crispen.lab.data.tables import Color, PackTable
from crispen.media.atomic import check_target, replacing
from crispen.progress import Progress

KEY = "crispen-pack"
SUFFIX = ".safetensors"
_AHEAD = 8
Indices = NDArray[np.int64]


def _cuts(size: Indices, crop: int, stride: int) -> list[tuple[int, int]]:
    """Corners of the crops of a picture."""
    height, width = size.tolist()
    return [
        (row, column)
        for row in range(0, height - crop + 1, stride)
        for column in range(0, width - crop + 1, stride)
    ]


def _header(sizes: Indices, channels: int, metadata: dict[str, str]) -> bytes:
    """The file's start, up to the first pixel; the format is a length, JSON, and the data."""
    total = int(sizes.prod(axis=1).sum())
    ends = np.cumsum([sizes.nbytes, 8 * len(sizes), total * channels]).tolist()
    table: dict[str, Any] = {
        "__metadata__": metadata,
        "sizes": {"dtype": "I64", "shape": list(sizes.shape), "data_offsets": [0, ends[0]]},
        "groups": {"dtype": "I64", "shape": [len(sizes)], "data_offsets": ends[:2]},
        "pixels": {"dtype": "U8", "shape": [total, channels], "data_offsets": ends[1:]},
    }
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def write_pack(
    folder: Path,
    target: Path,
    *,
    color: Color = "rgb",
    side: int = 0,
    crop: int = 0,
    stride: int = 0,
    skip_unreadable: bool = False,
    overwrite: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> tuple[int, int]:
    """Packs the pictures of a folder.

    Args:
        folder: Searched recursively.
        target: The pack, a ``.safetensors`` file.
        color: The colour to keep.
        side: First make each a square of this side; 0 keeps the size.
        crop: Cut them into squares of this side; 0 keeps whole pictures.
        stride: Distance between those squares; `crop` unless given.
        skip_unreadable: Skip unreadable pictures.
        overwrite: Replace a pack that exists.
        workers: Threads that decode.
        progress: Receives progress events.

    Returns:
        The number of pictures in the pack, and its size in bytes.

    Raises:
        UsageError: The name is not valid for a pack.
        InputError: Unreadable pictures, or none as large as a crop.
        OutputError: It cannot be written; nothing is left then.
    """
    if target.suffix != SUFFIX:
        raise UsageError(f"{target}: a pack ends in {SUFFIX}; call it {target.stem}{SUFFIX}")
    check_target(target, overwrite=overwrite)
    files = files_in(folder)
    names = [f.relative_to(folder).as_posix() for f in files]
    failures = Failures()
    source = FileSource(
        files, names, color, side=side, workers=workers, failures=failures, progress=progress
    )

    def decode(index: int) -> None:
        source.read(index)

    # Damage inside files shows only now, and sizes must be known before the first pixel.
    for_each(
        decode,
        failures.others(len(files)),
        failures,
        workers=workers,
        what="checking pictures",
        progress=progress,
    )
    failures.refuse(str(folder), skip=skip_unreadable, how="leave them out with --skip-unreadable")
    cuts = {
        i: _cuts(source.sizes[i], crop, stride or crop) if crop else [(0, 0)]
        for i in range(len(files))
        if i not in failures.reasons
    }
    groups = np.array([i for i, corners in cuts.items() for _ in corners], np.int64)
    if not len(groups):
        raise InputError(f"{folder}: no picture as large as {crop}x{crop} px; lower --crop")
    sizes = np.full((len(groups), 2), crop, np.int64) if crop else source.sizes[groups]
    listed = [
        f"{names[i]} {row},{column}" if crop else names[i]
        for i, corners in cuts.items()
        for row, column in corners
    ]
    channels = 3 if color == "rgb" else 1
    about = {
        "color": color,
        "digest": folder_digest(folder, files),
        "licence": manifest_licence(folder) or "not stated",
        "names": listed,
    }
    with (
        replacing(target) as file,
        (progress or Progress()).task("packing pictures", len(cuts), "files") as task,
    ):
        file.write(_header(sizes, channels, {"format": KEY, KEY: json.dumps(about)}))
        file.write(sizes.astype("<i8").tobytes())
        file.write(groups.astype("<i8").tobytes())
        for index, pixels in _ahead(source, list(cuts), workers):
            height, width = pixels.shape[:2]
            for row, column in cuts[index]:
                part = pixels[row : row + (crop or height), column : column + (crop or width)]
                file.write(part.tobytes())
            task.advance()
    return len(groups), target.stat().st_size


def _ahead(source: Source, indices: list[int], workers: int) -> Iterator[tuple[int, Bytes]]:
    """Pictures in order, a few of them decoded ahead."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        try:
            for begin in range(0, len(indices), _AHEAD):
                part = indices[begin : begin + _AHEAD]
                yield from zip(part, pool.map(source.read, part), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


class PackSource(Source):
    """The pictures of a pack, read when needed."""

    def __init__(self, path: Path) -> None:
        from safetensors import SafetensorError, safe_open

        if not path.is_file():
            raise MissingInput(
                f"{path}: no such pack; make one: crispen data pack FOLDER -o {path.name}"
            )
        try:
            file: Any = safe_open(path, framework="np")
            self.about = json.loads((file.metadata() or {})[KEY])
            self.sizes = file.get_tensor("sizes")
            self.groups: list[int] = file.get_tensor("groups").tolist()
            self._pixels = file.get_slice("pixels")
            self.names: list[str] = self.about["names"]
            self.channels = int(self._pixels.get_shape()[1])
        except (SafetensorError, KeyError, ValueError, OSError) as error:
            raise InputError(
                f"{path}: not a whole pack ({error}); make it again: crispen data pack FOLDER -o "
                f"{path.name}"
            ) from error
        areas = self.sizes.prod(axis=1)
        self._ends = np.cumsum(areas)
        self._begins = self._ends - areas

    def read(self, index: int) -> Bytes:
        """``(height, width, channels)``."""
        flat: Bytes = self._pixels[int(self._begins[index]) : int(self._ends[index])]
        return flat.reshape(*self.sizes[index].tolist(), self.channels)


def pack_material(table: PackTable) -> Material:
    """The pictures of a pack.

    Raises:
        MissingInput: No such file.
        InputError: Not a pack.
        UsageError: It was made in a different colour.
    """
    source = PackSource(Path(table.path))
    made = source.about["color"]
    if made != table.color:
        raise UsageError(
            f"{table.path}: was packed as {made}, and the recipe asks for {table.color}; set "
            f'data.color = "{made}", or pack it again with --color {table.color}'
        )
    return Material(
        name=table.path,
        target=source,
        digest=source.about["digest"],
        licence=source.about["licence"],
        groups=source.groups,
    )
