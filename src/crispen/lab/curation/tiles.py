"""Cuts large pictures into tiles, so that training decodes only what it crops from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from crispen.errors import UsageError
from crispen.lab.curation.filtering import prepare_folder
from crispen.lab.data.folder import MANIFEST, files_in
from crispen.lab.data.sources import Failures, for_each
from crispen.media.atomic import write_whole
from crispen.media.image import Image, read_image, write_image
from crispen.media.picture.header import Metadata
from crispen.progress import Progress


def tile_corners(length: int, side: int, stride: int) -> list[int]:
    """Where tiles begin along one side, in pixels; what is left over is shared by both ends.

    Args:
        length: Of the picture.
        side: Of a tile; a shorter picture is one tile.
        stride: Distance of the tiles.

    >>> tile_corners(1100, 512, 512), tile_corners(300, 512, 512), tile_corners(1024, 512, 256)
    ([38, 550], [0], [0, 256, 512])
    """
    if length <= side:
        return [0]
    count = (length - side) // stride + 1
    first = (length - side - (count - 1) * stride) // 2
    return [first + stride * i for i in range(count)]


def tile_folder(
    folder: Path,
    target: Path,
    *,
    side: int = 512,
    stride: int = 0,
    skip_unreadable: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> tuple[int, int]:
    """Cuts every picture under a folder into tiles, as PNGs called ``NAME_TOP_LEFT.png``.

    Depth, colour and profile are kept. A picture no larger than a tile is one tile; the manifest of
    the folder is copied, so that the licences are known.

    Args:
        folder: Searched recursively.
        target: A new or empty folder elsewhere; gets the same subfolders.
        side: Of a tile, in pixels.
        stride: Distance of the tiles in pixels; `side` if 0.
        skip_unreadable: Skip unreadable pictures.
        workers: Threads.
        progress: Receives progress events.

    Returns:
        The number of pictures that were cut, and of tiles.

    Raises:
        UsageError: A size makes no sense, or `target` is inside `folder`.
        MissingInput: There is no such folder.
        InputError: It has no pictures, or unreadable ones; their tiles are missing then.
        OutputError: `target` has something in it, or cannot be written.
    """
    if side < 1 or stride < 0:
        raise UsageError("--side must be 1 or more, and --stride 0 or more")
    files = files_in(folder)
    prepare_folder(target, folder)
    failures = Failures()
    stems = Counter(file.with_suffix("") for file in files)

    def cut(index: int) -> int:
        file = files[index]
        image = read_image(file)
        place = target / file.relative_to(folder).parent
        place.mkdir(parents=True, exist_ok=True)
        pixels = image.frame(0)
        colors = Metadata(icc=image.metadata.icc, cicp=image.metadata.cicp)
        # Two files may differ only in their suffixes.
        name = file.stem if stems[file.with_suffix("")] == 1 else file.name
        corners = [
            (top, left)
            for top in tile_corners(image.height, side, stride or side)
            for left in tile_corners(image.width, side, stride or side)
        ]
        for top, left in corners:
            part = pixels[top : top + side, left : left + side]
            write_image(
                Image(part, metadata=colors), place / f"{name}_{top}_{left}.png", format="png"
            )
        return len(corners)

    counts = for_each(
        cut, range(len(files)), failures, workers=workers, what="cutting", progress=progress
    )
    manifest = folder / MANIFEST
    if manifest.is_file():
        write_whole(target / MANIFEST, manifest.read_bytes())
    failures.refuse(str(folder), skip=skip_unreadable, how="skip them with --skip-unreadable")
    return len(counts), sum(counts.values())
