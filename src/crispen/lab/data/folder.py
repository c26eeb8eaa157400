"""Folders of pictures."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from crispen.errors import InputError, MissingInput
from crispen.lab.data.material import Material
from crispen.lab.data.sources import Failures, FileSource, ShrunkSource, picture_files
from crispen.lab.data.splitting import left_out
from crispen.lab.data.tables import Color
from crispen.progress import Progress

MANIFEST = "MANIFEST.csv"


def folder_digest(folder: Path, files: Sequence[Path]) -> str:
    """The hash that identifies a data set on a card: of the manifest, or of names and sizes."""
    manifest = folder / MANIFEST
    if manifest.is_file():
        return hashlib.sha256(manifest.read_bytes()).hexdigest()
    listing = "\n".join(f"{f.relative_to(folder).as_posix()} {f.stat().st_size}" for f in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def manifest_licence(folder: Path) -> str:
    """The licences in the manifest, most frequent first; empty if it has none."""
    try:
        with (folder / MANIFEST).open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            found = Counter(text for row in rows if (text := (row.get("licence") or "").strip()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ""
    return ", ".join(text for text, _ in found.most_common())


def files_in(folder: Path) -> list[Path]:
    """The pictures under a folder.

    Raises:
        MissingInput: There is no such folder.
        InputError: It contains no pictures.
    """
    if not folder.is_dir():
        raise MissingInput(f"{folder}: no such folder; give the training pictures with --data")
    files = picture_files(folder)
    if not files:
        raise InputError(f"{folder}: no pictures in it; put PNG, JPEG, WebP or AVIF files there")
    return files


def folder_material(
    folders: Sequence[Path],
    held_out: Sequence[Path],
    color: Color,
    *,
    side: int,
    shortest: int = 0,
    workers: int,
    limit: int = 0,
    split_seed: int = 0,
    progress: Progress | None,
) -> Material:
    """The pictures of some folders.

    Args:
        folders: To train on; some are held out of them if `held_out` is empty.
        held_out: All pictures in these are held out.
        color: The colour to keep.
        side: Make each a square of this side; 0 keeps the size.
        shortest: Shrink larger ones until their shorter side is this; 0 keeps the size.
        workers: Number of threads.
        limit: Number of pictures to train on, or to split; the others are never opened. 0: all.
        split_seed: Decides which.
        progress: Receives progress events.
    """
    found = {folder: files_in(folder) for folder in (*folders, *held_out)}
    files = [f for part in found.values() for f in part]
    if len(found) == 1:
        names = [f.relative_to(folders[0]).as_posix() for f in files]
    else:
        names = [f.as_posix() for f in files]
    first = sum(len(found[folder]) for folder in folders)
    # Held-out folders are used whole; without one, all files are in those to train on.
    failures = Failures(left_out=left_out(first, limit, split_seed))
    source = FileSource(
        files, names, color, side=side, workers=workers, failures=failures, progress=progress
    )
    digests = [folder_digest(folder, found[folder]) for folder in folders]
    joined = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode())
    licences = dict.fromkeys(filter(None, map(manifest_licence, folders)))
    return Material(
        name=", ".join(str(folder) for folder in folders),
        target=ShrunkSource(source, shortest) if shortest else source,
        digest=joined if isinstance(joined, str) else joined.hexdigest(),
        licence="; ".join(licences) or "not stated",
        held_out=range(first, len(files)) if held_out else None,
        failures=failures,
    )
