"""CIFAR-10 in all its forms but pickles."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.errors import InputError, MissingInput
from crispen.lab.data import CifarTable, open_batches

PARTS = {"data_batch_1": 6, "data_batch_2": 5, "test_batch": 3}


def pictures(name: str) -> np.ndarray:
    rng = np.random.default_rng(len(name) * 100 + PARTS[name])
    return rng.integers(0, 256, (PARTS[name], 32, 32, 3), np.uint8)


def binary(name: str) -> bytes:
    """As the set's page describes it: a class, then red, green and blue, row by row."""
    return b"".join(
        bytes([i % 10]) + b"".join(p[:, :, c].tobytes() for c in range(3))
        for i, p in enumerate(pictures(name))
    )


def write_archive(path: Path, suffix: str = ".bin") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name in PARTS:
            content = binary(name)
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}{suffix}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_folder(folder: Path) -> Path:
    (folder / "cifar-10-batches-bin").mkdir(parents=True)
    for name in PARTS:
        (folder / "cifar-10-batches-bin" / f"{name}.bin").write_bytes(binary(name))
    return folder


def write_npz(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    train = np.concatenate([pictures("data_batch_1"), pictures("data_batch_2")])
    np.savez(folder / "train.npz", x=train, y=np.zeros(len(train), np.uint8))
    np.savez(folder / "test.npz", x=pictures("test_batch"))
    return folder


def opened(path: Path | str, **changes: Any) -> Any:
    return open_batches(
        CifarTable(path=str(path), **{"batch": 11, "symmetries": False} | changes), seed=0
    )


@pytest.mark.parametrize("form", ["archive", "archive in a folder", "folder", "npz"])
def test_all_forms_hold_the_same(tmp_path: Path, form: str) -> None:
    if form == "npz":
        path = write_npz(tmp_path)
    elif form == "folder":
        path = write_folder(tmp_path)
    else:
        path = write_archive(tmp_path / "cifar-10-binary.tar.gz")
        path = path.parent if "folder" in form else path
    batches = opened(path)
    assert batches.samples == 11
    found = batches.batch(0, 32).target.numpy().transpose(0, 2, 3, 1)
    expected = np.concatenate([pictures("data_batch_1"), pictures("data_batch_2")])
    assert {p.tobytes() for p in found} == {p.tobytes() for p in expected}
    held = batches.fixed(3, 32).target.numpy().transpose(0, 2, 3, 1)
    assert {p.tobytes() for p in held} == {p.tobytes() for p in pictures("test_batch")}
    assert batches.split["seed"] is None


def test_a_share_of_the_training_pictures_instead(tmp_path: Path) -> None:
    batches = opened(write_npz(tmp_path), valid_share=0.3)
    assert len(batches.split["valid"]) == 3
    assert all(name.startswith("train") for name in batches.split["valid"])
    assert batches.split["seed"] == 0


def test_one_file_alone(tmp_path: Path) -> None:
    batches = opened(write_npz(tmp_path) / "train.npz", limit=4, batch=2)
    assert len(batches.split["train"]) == 4
    assert batches.steps_per_epoch == 2


def test_luma(tmp_path: Path) -> None:
    assert opened(write_npz(tmp_path), color="luma").batch(0, 32).target.shape == (11, 1, 32, 32)


def test_pickles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Python pickles"):
        opened(write_archive(tmp_path / "cifar-10-python.tar.gz", suffix=""))
    (tmp_path / "f").mkdir()
    (tmp_path / "f/data_batch_1").touch()
    with pytest.raises(InputError, match="Python pickles"):
        opened(tmp_path / "f")
    np.savez(tmp_path / "train.npz", x=np.array([{"a": 1}], object))
    with pytest.raises(InputError, match="no array x can be read"):
        opened(tmp_path / "train.npz")


def test_damage_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such file"):
        opened(tmp_path / "nowhere.tar.gz")
    with pytest.raises(InputError, match="no CIFAR-10 in it"):
        opened(tmp_path)
    whole = write_archive(tmp_path / "a.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be unpacked"):
        opened(tmp_path / "cut.tar.gz")
    folder = write_folder(tmp_path / "b")
    (folder / "cifar-10-batches-bin/test_batch.bin").write_bytes(binary("test_batch")[:-1])
    with pytest.raises(
        InputError, match=r"test_batch\.bin: 9,218 bytes, expected a multiple of 3,073"
    ):
        opened(folder)
    (folder / "cifar-10-batches-bin/test_batch.bin").write_bytes(b"\xff" * 3073)
    with pytest.raises(InputError, match="classes above 9"):
        opened(folder)
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 28, 28), np.uint8))
    with pytest.raises(InputError, match=r"expected uint8 \(pictures, 32, 32, 3\)"):
        opened(tmp_path / "x.npz")


def test_the_pictures_at_hand(shared_data: Path) -> None:
    batches = opened(shared_data / "cifar10", batch=100)
    assert (batches.samples, batches.steps_per_epoch) == (10_000, 100)
    assert batches.split["train"]["pictures"] == 10_000
    assert len(batches.split["valid"]) == 2_000
