"""Which pictures of a set to keep, and copying them or writing their names."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crispen.errors import OutputError, UsageError
from crispen.lab.curation.duplicates import find_duplicates
from crispen.lab.curation.surveying import Surveyed
from crispen.lab.data.folder import MANIFEST
from crispen.media.atomic import check_target, replacing, write_whole
from crispen.progress import Progress


@dataclass(frozen=True)
class Limits:
    """What a picture must be; 0, or None, is no limit.

    Attributes:
        min_side: Shorter side, in pixels.
        max_blur_px: Standard deviation of the blur, in pixels.
        min_quality: Damage as of a JPEG of at least this quality, 1 to 100.
        max_noise: Standard deviation of the noise, in levels of 255.
        duplicates: Keep pictures that occur more than once; else the largest of each remains.
    """

    min_side: int = 0
    max_blur_px: float | None = None
    min_quality: int = 0
    max_noise: float | None = None
    duplicates: bool = True

    def faults(self, picture: Surveyed) -> list[str]:
        """Why a picture, by itself, is left out; empty if it is kept."""
        found = []
        short = min(picture.width, picture.height)
        if short < self.min_side:
            found.append(f"shorter side {short} px")
        if self.max_blur_px is not None and picture.blur_px > self.max_blur_px:
            found.append(f"blur {picture.blur_px:.1f} px")
        damage = min(picture.damage, picture.quality or 100)
        if damage < self.min_quality:
            found.append(f"damage as of a JPEG of {damage}")
        if self.max_noise is not None and picture.noise > self.max_noise:
            found.append(f"noise {picture.noise:.1f}")
        return found


@dataclass(frozen=True)
class Filtered:
    """The decision about each picture.

    Attributes:
        kept: In the order of their names.
        left_out: Why, for each of the others.
    """

    kept: tuple[Path, ...]
    left_out: Mapping[Path, str]


def choose(pictures: Sequence[Surveyed], limits: Limits) -> Filtered:
    """Decides about each picture; a duplicate is judged only after its own faults."""
    left_out = {p.file: ", ".join(found) for p in pictures if (found := limits.faults(p))}
    kept = [p for p in pictures if p.file not in left_out]
    if not limits.duplicates:
        for group in find_duplicates(kept):
            same = "the same file as" if group.exact else "the same picture as"
            for file in group.files[1:]:
                left_out.setdefault(file, f"{same} {group.files[0]}")
    return Filtered(tuple(p.file for p in kept if p.file not in left_out), left_out)


def write_list(files: Sequence[Path], target: Path, *, overwrite: bool = False) -> None:
    """Writes one path a line, as given, in UTF-8.

    Raises:
        OutputError: It exists already, or cannot be written.
    """
    check_target(target, overwrite=overwrite)
    write_whole(target, "".join(f"{file}\n" for file in files).encode())


def copy_files(
    files: Sequence[Path], folder: Path, target: Path, progress: Progress | None = None
) -> None:
    """Copies files of a folder, unchanged, with their subfolders and the folder's MANIFEST.csv.

    Args:
        files: All under `folder`.
        folder: Where they are.
        target: A new or empty folder elsewhere.
        progress: Receives progress events.

    Raises:
        UsageError: `target` is inside `folder`.
        OutputError: `target` has something in it, or cannot be written.
    """
    prepare_folder(target, folder)
    manifest = folder / MANIFEST
    with (progress or Progress()).task("copying", len(files), "files") as task:
        for file in (*files, *([manifest] if manifest.is_file() else ())):
            place = target / file.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as source, replacing(place) as copy:
                shutil.copyfileobj(source, copy)
            if file != manifest:
                task.advance()


def prepare_folder(target: Path, source: Path) -> None:
    """Makes an empty folder for results, outside the folder of the pictures.

    Raises:
        UsageError: `target` is inside `source`.
        OutputError: `target` has something in it, or cannot be made.
    """
    if target.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"-o {target}: is inside {source}; choose a folder elsewhere")
    try:
        target.mkdir(parents=True, exist_ok=True)
        empty = not any(target.iterdir())
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be made: {error.strerror}; choose another folder"
        ) from error
    if not empty:
        raise OutputError(f"{target}: is not empty; choose a new folder with -o")
