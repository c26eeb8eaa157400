"""Pairs by name and by list; what does not fit is named before training begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from crispen.errors import InputError, MissingInput, UsageError
from crispen.lab.data import PairsTable, open_batches
from crispen.media.image import Image, read_image, write_image

Save = Callable[..., Path]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Three targets whose inputs are every second of their pixels."""
    for i, (height, width) in enumerate([(24, 32), (20, 21), (17, 40)]):
        rgb = np.random.default_rng(i).integers(0, 256, (height, width, 3), np.uint8)
        for name, pixels in (("HR", rgb), ("LR", rgb[: height // 2 * 2 : 2, : width // 2 * 2 : 2])):
            (tmp_path / name / "sub").mkdir(parents=True, exist_ok=True)
            write_image(Image(np.ascontiguousarray(pixels)), tmp_path / name / f"sub/{i}.png")
    return tmp_path


def table(folder: Path, **changes: Any) -> PairsTable:
    given = {"input": str(folder / "LR"), "target": str(folder / "HR"), "color": "rgb"}
    return PairsTable(**given | {"patch": 6, "batch": 32, "valid_share": 0} | changes)


@pytest.mark.parametrize("memory", ["all", "stream"])
@pytest.mark.parametrize("stride", [0, 3])
def test_both_are_cut_and_turned_alike(folders: Path, memory: str, stride: int) -> None:
    batches = open_batches(table(folders, memory=memory, stride=stride), seed=0, scale=2)
    assert batches.scale == 2
    batch = batches.batch(0, 12)
    assert batch.input is not None
    assert batch.input.shape == (32, 3, 6, 6)
    assert batch.target.shape == (32, 3, 12, 12)
    # A turned target begins with the other pixel of a row, a column, or both.
    begins = [batch.target[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    equal = torch.stack([(b == batch.input).all(dim=1).all(dim=1).all(dim=1) for b in begins])
    assert (equal.sum(dim=0) == 1).all()
    assert equal.any(dim=1).all()
    fixed = batches.fixed(3, 12)
    assert torch.equal(fixed.target[:, :, ::2, ::2], fixed.input)
    batches.close()


def test_a_name_may_say_the_scale(folders: Path) -> None:
    for file in (folders / "LR/sub").iterdir():
        file.rename(file.with_name(f"{file.stem}x2.png"))
    assert len(open_batches(table(folders), seed=0).split["train"]) == 3


def test_lonely_pictures_are_named(folders: Path, save: Save) -> None:
    save("LR/sub/7.png")
    save("HR/8.png")
    with pytest.raises(MissingInput, match="2 picture") as told:
        open_batches(table(folders), seed=0)
    assert "sub/7.png has no target" in str(told.value)
    assert "8.png has no input" in str(told.value)


def test_mixed_sizes_are_named(folders: Path, save: Save) -> None:
    save("LR/sub/1.png", 9, 10)
    with pytest.raises(InputError, match=r"1\.png is 10x9, expected 10x10 for .*HR/sub/1\.png"):
        open_batches(table(folders), seed=0)


def test_another_scale_than_the_recipes_is_told(folders: Path) -> None:
    with pytest.raises(UsageError, match=r"2 times as large.*scale is 3; set scale = 2"):
        open_batches(table(folders), seed=0, scale=3)
    batches = open_batches(table(folders), seed=0, scale=2)
    with pytest.raises(UsageError, match="cannot be paired at scale 2"):
        batches.batch(0, 13)


def test_unreadable_pairs_are_left_out_together(folders: Path) -> None:
    (folders / "LR/sub/0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    whole = (folders / "HR/sub/1.png").read_bytes()
    with pytest.raises(InputError, match=r"LR/sub/0\.png"):
        open_batches(table(folders), seed=0)
    (folders / "HR/sub/1.png").write_bytes(whole[:-100])
    for memory in ("all", "stream"):
        batches = open_batches(table(folders, skip_unreadable=True, memory=memory), seed=0)
        assert [Path(n).name for n in batches.split["train"]] == ["2.png"]
        batch = batches.batch(0, 12)
        assert batch.input is not None
        assert batch.input.any()
        batches.close()


def test_a_list_of_pairs(folders: Path) -> None:
    listed = folders / "pairs.csv"
    listed.write_text(
        "input,target,note\nLR/sub/0.png,HR/sub/0.png,x\nLR/sub/2.png,HR/sub/2.png,\n"
    )
    given = table(folders, csv=str(listed), input="", target="")
    batches = open_batches(given, seed=0)
    assert [Path(n).name for n in batches.split["train"]] == ["0.png", "2.png"]
    listed.write_text("low_res,high_res\nsub/1.png,sub/1.png\n")
    assert len(open_batches(table(folders, csv=str(listed)), seed=0).split["train"]) == 1


def test_inputs_of_one_target_stay_on_one_side(folders: Path) -> None:
    rows = [f"LR/sub/{i}.png,HR/sub/{i}.png" for i in range(3) for _ in range(4)]
    listed = folders / "pairs.csv"
    listed.write_text("\n".join(["input,target", *rows]))
    batches = open_batches(
        table(folders, csv=str(listed), input="", target="", valid_share=0.3), seed=0
    )
    assert len(batches.split["valid"]) == 4
    assert len(set(batches.split["valid"])) == 1
    assert not set(batches.split["valid"]) & set(batches.split["train"])


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("a,b\n1,2\n", InputError, "expected the columns input and target, found a, b"),
        ("", InputError, "found none"),
        ("input,target\n", InputError, "lists no pairs"),
        ("input,target\nLR/sub/0.png,HR/no.png\n", MissingInput, "line 2: target .*HR/no.png"),
        ("input,target\nLR/sub/0.png\n", MissingInput, "line 2: target is empty"),
        (b"input,target\n\xff\xfe,x\n", InputError, "cannot be read as CSV"),
    ],
)
def test_bad_lists(folders: Path, text: str | bytes, error: type[Exception], told: str) -> None:
    listed = folders / "pairs.csv"
    listed.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(error, match=told):
        open_batches(table(folders, csv=str(listed), input="", target=""), seed=0)


def test_missing_parts_are_told(folders: Path) -> None:
    with pytest.raises(UsageError, match=r"data\.input and data\.target, or a list, data\.csv"):
        open_batches(table(folders, input=""), seed=0)
    with pytest.raises(MissingInput, match="no such file"):
        open_batches(table(folders, csv=str(folders / "no.csv")), seed=0)


def test_inputs_can_be_enlarged_to_their_targets(folders: Path, save: Save) -> None:
    small = np.zeros((12, 16, 3), np.uint8)
    small[3:9, 4:12] = 200
    write_image(Image(small), folders / "LR/sub/0.png", overwrite=True)
    batches = open_batches(table(folders, enlarge=True, symmetries=False), seed=0, scale=1)
    assert batches.scale == 1
    batch = batches.fixed(3, 17)
    assert batch.input is not None
    assert batch.input.shape == batch.target.shape == (3, 3, 17, 17)
    large = read_image(folders / "HR/sub/0.png").pixels
    which = next(
        i
        for i, t in enumerate(batch.target)
        if (t.numpy() == large[3:20, 7:24].transpose(2, 0, 1)).all()
    )
    keys = PIL.Image.fromarray(small).resize((32, 24), PIL.Image.Resampling.BICUBIC)
    found = batch.input[which].numpy().transpose(1, 2, 0)
    np.testing.assert_allclose(found.astype(int), np.asarray(keys)[3:20, 7:24], atol=1)
    save("LR/sub/2.png", 9, 30)
    with pytest.raises(InputError, match=r"2\.png is 30x9, expected the same proportions"):
        open_batches(table(folders, enlarge=True), seed=0)


def test_set14(shared_data: Path) -> None:
    folder = shared_data / "valid" / "Set14"
    for scale in (2, 3, 4):
        given = PairsTable(input=str(folder / f"LR_x{scale}"), target=str(folder / "HR"))
        batches = open_batches(given, seed=0, scale=scale)
        assert len(batches.split["train"]) + len(batches.split["valid"]) == 14


def test_a_limit_opens_only_what_it_needs(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import crispen.lab.data.sources as sources

    whole, opened = sources.open_image, []

    def open_image(file: Path) -> Any:
        opened.append(f"{file.parents[1].name}/{file.name}")
        return whole(file)

    monkeypatch.setattr(sources, "open_image", open_image)
    batches = open_batches(table(folders, limit=1), seed=0, scale=2)
    (name,) = (Path(target).name for target in batches.split["train"])
    assert sorted(opened) == [f"HR/{name}", f"LR/{name}"]
    batches.close()
