"""CIFAR-10, from its binary archive or from NumPy files.

A record of the binary format is 3,073 bytes: the class, then 1,024 red, green and blue ones, each
row by row [A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009]. The form
that holds Python pickles is refused: a pickle can run code when it is read.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from pathlib import Path

import numpy as np

from crispen.errors import InputError, MissingInput
from crispen.lab.data.material import Material
from crispen.lab.data.sources import ArraySource, Bytes, to_color
from crispen.lab.data.tables import CifarTable

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE
_CHUNK = 5000
_WANTED = "give cifar-10-binary.tar.gz, its folder, or a folder with train.npz and test.npz"


def records(content: bytes, name: str) -> Bytes:
    """``(pictures, 32, 32, 3)`` from a file in the binary format.

    Raises:
        InputError: It is not a whole number of records, or has classes above 9.
    """
    if not content or len(content) % RECORD:
        raise InputError(
            f"{name}: {len(content):,} bytes, expected a multiple of {RECORD:,} (one CIFAR-10 "
            "record); fetch it again"
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if rows[:, 0].max() > 9:
        raise InputError(f"{name}: holds classes above 9, so it is no CIFAR-10 file; {_WANTED}")
    return rows[:, 1:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)


def _from_npz(path: Path) -> Bytes:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            pixels: Bytes = arrays["x"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: no array x can be read from it ({error}); {_WANTED}") from error
    if pixels.ndim != 4 or pixels.shape[1:] != (SIDE, SIDE, 3) or pixels.dtype != np.uint8:
        raise InputError(
            f"{path}: x is {pixels.dtype} {pixels.shape}, expected uint8 (pictures, 32, 32, 3)"
        )
    return pixels


def _from_archive(path: Path) -> dict[str, bytes]:
    found = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None and member.name.endswith(".bin"):
                    found[Path(member.name).name] = file.read()
                elif Path(member.name).name in ("data_batch_1", "test_batch"):
                    raise _pickles(path)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be unpacked ({error}); fetch it again") from error
    return found


def _pickles(path: Path) -> InputError:
    return InputError(
        f"{path}: holds Python pickles, which can run code when they are read; {_WANTED} ('crispen "
        "data fetch cifar10' gets the first)"
    )


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def _parts(path: Path) -> tuple[dict[str, Bytes], list[Path]]:
    """Arrays by the name of their source, test pictures last; and the files read."""
    if path.is_dir():
        inner = path / "cifar-10-batches-bin"
        folder = inner if inner.is_dir() else path
        files = [f for name in ("train.npz", "test.npz") if (f := folder / name).is_file()]
        if files:
            return {f.stem: _from_npz(f) for f in files}, files
        files = sorted(folder.glob("data_batch_*.bin")) + sorted(folder.glob("test_batch.bin"))
        if files:
            return {f.stem: records(f.read_bytes(), str(f)) for f in files}, files
        if (folder / "data_batch_1").is_file():
            raise _pickles(path)
        archive = folder / "cifar-10-binary.tar.gz"
        if not archive.is_file():
            raise InputError(f"{path}: no CIFAR-10 in it; {_WANTED}")
        path = archive
    if not path.is_file():
        raise MissingInput(f"{path}: no such file; {_WANTED}")
    if path.suffix == ".npz":
        return {path.stem: _from_npz(path)}, [path]
    found = _from_archive(path)
    if not found:
        raise InputError(f"{path}: no .bin files in it; {_WANTED}")
    return {Path(name).stem: records(found[name], f"{path}: {name}") for name in sorted(found)}, [
        path
    ]


def cifar_material(table: CifarTable, path: Path) -> Material:
    """CIFAR-10 at a path; its test pictures are held out unless the table sets a share.

    Raises:
        MissingInput: There is nothing there.
        InputError: It is not CIFAR-10.
    """
    parts, files = _parts(path)
    train = [pixels for name, pixels in parts.items() if not name.startswith("test")]
    test = [pixels for name, pixels in parts.items() if name.startswith("test")]
    if not train:
        raise InputError(f"{path}: test pictures alone; {_WANTED}")
    used = train + ([] if table.valid_share else test)
    pixels = np.concatenate(
        [
            to_color(part[i : i + _CHUNK], table.color)
            for part in used
            for i in range(0, len(part), _CHUNK)
        ]
    )
    first = sum(len(part) for part in train)
    names = [
        f"{name} {i}"
        for name, part in parts.items()
        if not (table.valid_share and name.startswith("test"))
        for i in range(len(part))
    ]
    return Material(
        name=f"CIFAR-10 ({path})",
        target=ArraySource(pixels, names),
        digest=_digest(files),
        licence="none stated (CIFAR-10, A. Krizhevsky 2009, for research)",
        held_out=range(first, len(pixels)) if test and not table.valid_share else None,
    )
