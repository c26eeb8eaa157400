"""Packs hold what the folder holds, and begin without decoding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from crispen.errors import InputError, MissingInput, OutputError, UsageError
from crispen.lab.data import FolderTable, PackTable, open_batches
from crispen.lab.data.packs import write_pack
from crispen.media.image import read_image

Save = Callable[..., Path]
PLAIN = {"patch": 8, "batch": 8, "valid_share": 0.4}


@pytest.fixture
def folder(save: Save, tmp_path: Path) -> Path:
    for i in range(5):
        save(f"in/{i}.png", 20 + i, 30 - i)
    (tmp_path / "in/MANIFEST.csv").write_text("file,licence\n0.png,CC0 1.0\n")
    return tmp_path / "in"


@pytest.mark.parametrize("color", ["rgb", "luma", "yuv"])
@pytest.mark.parametrize("memory", ["all", "stream"])
def test_a_pack_gives_what_its_folder_gives(
    folder: Path, tmp_path: Path, color: str, memory: str
) -> None:
    pack = tmp_path / "x.safetensors"
    assert write_pack(folder, pack, color=color)[0] == 5
    given = PLAIN | {"color": color}
    packed = open_batches(PackTable(path=str(pack), memory=memory, **given), seed=0)
    plain = open_batches(FolderTable(path=str(folder), **given), seed=0)
    for step in (0, 9):
        assert torch.equal(packed.batch(step, 8).target, plain.batch(step, 8).target)
    assert packed.split == plain.split
    assert (packed.digest, packed.licence) == (plain.digest, "CC0 1.0")
    packed.close()


def test_the_format_is_what_safetensors_reads(folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "x.safetensors"
    count, size = write_pack(folder, pack)
    assert size == pack.stat().st_size
    tensors = load_file(pack)
    assert tensors["sizes"].tolist() == [[20 + i, 30 - i] for i in range(count)]
    first = read_image(folder / "0.png").pixels
    np.testing.assert_array_equal(tensors["pixels"][: 20 * 30].reshape(20, 30, 3), first)


def test_crops_of_one_picture_stay_on_one_side(folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "x.safetensors"
    # By hand: 20x30, 21x29, 22x28 … in squares of 10: two rows of 3, 2, 2, 2, 2.
    assert write_pack(folder, pack, crop=10)[0] == 2 * (3 + 2 + 2 + 2 + 2)
    batches = open_batches(PackTable(path=str(pack), **PLAIN | {"color": "rgb"}), seed=0)
    sides = [{name.split()[0] for name in batches.split[side]} for side in ("train", "valid")]
    assert [len(side) for side in sides] == [3, 2]
    assert not sides[0] & sides[1]
    tensors = load_file(pack)
    np.testing.assert_array_equal(
        tensors["pixels"][100:200].reshape(10, 10, 3),
        read_image(folder / "0.png").pixels[:10, 10:20],
    )


def test_squares(folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "x.safetensors"
    write_pack(folder, pack, side=24)
    assert load_file(pack)["sizes"].tolist() == [[24, 24]] * 5


def test_what_cannot_be_packed_is_told(folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "x.safetensors"
    with pytest.raises(UsageError, match=r"call it x\.safetensors"):
        write_pack(folder, tmp_path / "x.npz")
    with pytest.raises(InputError, match="no picture as large as 31x31"):
        write_pack(folder, pack, crop=31)
    (folder / "bad.png").write_bytes((folder / "0.png").read_bytes()[:-100])
    with pytest.raises(InputError, match=r"bad\.png.*") as told:
        write_pack(folder, pack)
    assert "--skip-unreadable" in str(told.value)
    assert [f.name for f in tmp_path.iterdir()] == ["in"]
    assert write_pack(folder, pack, skip_unreadable=True)[0] == 5
    with pytest.raises(OutputError, match="exists already"):
        write_pack(folder, pack, skip_unreadable=True)


def test_a_broken_pack_is_told(folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "x.safetensors"
    with pytest.raises(MissingInput, match=r"crispen data pack FOLDER -o x\.safetensors"):
        open_batches(PackTable(path=str(pack)), seed=0)
    write_pack(folder, pack)
    with pytest.raises(UsageError, match=r'packed as rgb.*set data.color = "rgb"'):
        open_batches(PackTable(path=str(pack), color="luma"), seed=0)
    pack.write_bytes(pack.read_bytes()[:-1])
    with pytest.raises(InputError, match="not a whole pack"):
        open_batches(PackTable(path=str(pack), color="rgb"), seed=0)
    pack.write_bytes(b"")
    with pytest.raises(InputError, match="not a whole pack"):
        open_batches(PackTable(path=str(pack), color="rgb"), seed=0)
