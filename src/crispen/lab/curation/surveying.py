"""What every picture of a folder is: size, format, compression, blur, noise, fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crispen.errors import InputError
from crispen.lab.curation.fingerprints import CELLS, Bytes, Sums, hashes, thumbnail
from crispen.lab.data.folder import files_in
from crispen.lab.data.sources import Failures, for_each
from crispen.look import look
from crispen.look.compression import read_compression
from crispen.media.image import Image, open_image
from crispen.models.dials import blur_of, noise_of, quality_of_step
from crispen.progress import Progress


@dataclass(frozen=True, eq=False)
class Surveyed:
    """One picture.

    Attributes:
        file: Its path.
        format: ``png``, ``jpeg`` …, as it is inside, whatever the name says.
        width: In pixels, upright.
        height: In pixels, upright.
        grey: Whether all channels are equal in every pixel.
        quality: Of a JPEG or WebP file, 1 to 100 on JPEG's scale by its tables; None for others.
        damage: The quality of a JPEG with as much damage, 1 to 100: measured in the pixels, so that
            it also tells of a PNG that was once a JPEG.
        blur_px: Standard deviation of the blur as measured, in pixels.
        noise: Standard deviation of the noise as measured, in levels of 255.
        digest: SHA-256 of the file.
        small: Its luma; see `thumbnail`.
        hash: Of the whole; see `crispen.lab.curation.fingerprints`.
    """

    file: Path
    format: str
    width: int
    height: int
    grey: bool
    quality: int | None
    damage: int
    blur_px: float
    noise: float
    digest: str
    small: Bytes
    hash: np.uint64

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "file": str(self.file),
            "format": self.format,
            "width": self.width,
            "height": self.height,
            "grey": self.grey,
            "quality": self.quality,
            "damage": self.damage,
            "blur_px": round(self.blur_px, 2),
            "noise": round(self.noise, 1),
            "sha256": self.digest,
            "hash": f"{int(self.hash):016x}",
        }


def survey_file(file: Path) -> Surveyed:
    """One picture file.

    Raises:
        InputError: It cannot be read as a picture.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}; check its rights") from error
    with open_image(file) as reader:
        header = reader.header
        rgb = Image(reader.read(), header.frames, header.metadata).as_rgb8()
    compression = read_compression(content)
    seen = look(Image(rgb))
    small = thumbnail(rgb)
    return Surveyed(
        file=file,
        format=header.format,
        width=header.width,
        height=header.height,
        grey=bool((rgb == rgb[..., :1]).all()),
        quality=None if compression is None else round(quality_of_step(compression.step)),
        damage=100 if seen.quality is None else seen.quality,
        blur_px=blur_of(seen.dials.blur or 0),
        noise=noise_of(seen.dials.noise or 0),
        digest=hashlib.sha256(content).hexdigest(),
        small=small,
        hash=hashes(Sums(small).whole(CELLS)[None])[0],
    )


def survey(
    folder: Path, *, workers: int = 2, progress: Progress | None = None
) -> tuple[list[Surveyed], list[str]]:
    """Every picture under a folder.

    Args:
        folder: Searched recursively; hidden files are left out.
        workers: Threads that read.
        progress: Receives progress events.

    Returns:
        The pictures by name, and what is wrong with each that cannot be read.

    Raises:
        MissingInput: There is no such folder.
        InputError: It contains no pictures.
    """
    files = files_in(folder)
    failures = Failures()
    found = for_each(
        lambda index: survey_file(files[index]),
        range(len(files)),
        failures,
        workers=workers,
        what="looking at pictures",
        progress=progress,
    )
    return [found[i] for i in sorted(found)], [
        failures.reasons[i] for i in sorted(failures.reasons)
    ]
