"""Leaks: copies, parts and mirror images of test pictures, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from crispen.errors import InputError, MissingInput
from crispen.lab.curation.leaks import find_leaks

Bytes = NDArray[np.uint8]


def scaled(pixels: Bytes, share: float) -> Bytes:
    height, width = (round(n * share) for n in pixels.shape[:2])
    return np.asarray(
        PIL.Image.fromarray(pixels).resize((width, height), PIL.Image.Resampling.LANCZOS)
    )


@pytest.mark.parametrize(
    ("how", "mirrored"),
    [
        ("same", False),
        ("same", True),
        ("part", False),
        ("part", True),
        ("contains", False),
        ("contains", True),
        ("overlaps", False),
    ],
)
def test_each_kind_is_found(
    photos: Any, save: Any, tmp_path: Path, how: str, mirrored: bool
) -> None:
    whole = photos["astronaut"]
    test, train = {
        "same": (whole, scaled(whole, 0.6)),
        # 45 % of the height, at no particular place.
        "part": (whole, scaled(whole[37:267, 111:411], 0.8)),
        "contains": (scaled(whole[50:330, 131:400], 0.7), whole),
        "overlaps": (whole[:360, :400], whole[100:, 60:]),
    }[how]
    save(test, "test/t.png")
    save(train[:, ::-1] if mirrored else train, "train/leak.jpg", quality=60)
    save(photos["cat"], "train/other.png")
    (leak,) = find_leaks([tmp_path / "train"], [tmp_path / "test"]).leaks
    assert (Path(leak.file).name, Path(leak.test).name) == ("leak.jpg", "t.png")
    assert (leak.how, leak.mirrored) == (how, mirrored)
    assert leak.correlation > 0.93
    assert leak.facts()["how"] == how


def test_other_pictures_are_no_leaks(photos: Any, save: Any, tmp_path: Path) -> None:
    save(photos["astronaut"], "test/a.png")
    save(photos["cat"], "train/b.png")
    save(photos["cup"], "train/c.png")
    flat = np.full((80, 80, 3), 90, np.uint8)
    save(flat, "train/flat.png")
    save(flat[:60], "test/flat.png")
    found = find_leaks([tmp_path / "train"], [tmp_path / "test"])
    assert (found.leaks, found.pictures, found.tests) == ([], 3, 2)


def test_a_file_is_not_its_own_leak(photos: Any, save: Any, tmp_path: Path) -> None:
    save(photos["cat"], "in/a.png")
    save(photos["cup"], "in/b.png")
    assert find_leaks([tmp_path / "in"], [tmp_path / "in"]).leaks == []


def test_several_places_on_each_side(photos: Any, save: Any, tmp_path: Path) -> None:
    save(photos["astronaut"], "one/deep/a.png")
    save(photos["cat"], "two/b.png")
    save(photos["cup"], "two/c.png")
    save(photos["astronaut"], "first/t.png")
    save(photos["cat"], "second/HR/u.png")
    save(photos["cup"], "second/LR_x2/u.png")  # of a set with HR only that is a test
    # A folder inside another one, given with it, counts once.
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "one/deep"]
    found = find_leaks(folders, [tmp_path / "first", tmp_path / "second"])
    assert [(Path(leak.file).name, Path(leak.test).name) for leak in found.leaks] == [
        ("a.png", "t.png"),
        ("b.png", "u.png"),
    ]
    assert (found.pictures, found.tests) == (3, 2)
    alone = find_leaks([tmp_path / "one/deep/a.png"], [tmp_path / "first/t.png"])
    assert [leak.how for leak in alone.leaks] == ["same"]


def test_what_is_wrong_is_told(photos: Any, save: Any, tmp_path: Path) -> None:
    save(photos["cat"], "in/a.png")
    with pytest.raises(MissingInput, match="none: no such folder"):
        find_leaks([tmp_path / "in"], [tmp_path / "none"])
    (tmp_path / "in/b.png").write_bytes(b"no picture")
    save(photos["cat"], "test/a.png")
    with pytest.raises(InputError, match=r"--skip-unreadable.*b\.png"):
        find_leaks([tmp_path / "in"], [tmp_path / "test"])
    found = find_leaks([tmp_path / "in"], [tmp_path / "test"], skip_unreadable=True)
    assert len(found.leaks) == 1


def test_what_set5_and_set14_share(shared_data: Path) -> None:
    """They are known to share a face, and a butterfly that is a part of a larger picture."""
    sets = shared_data / "valid"
    leaks = find_leaks([sets / "Set5" / "HR"], [sets / "Set14"]).leaks
    assert [(Path(leak.file).name, Path(leak.test).name, leak.how) for leak in leaks] == [
        ("img_003.png", "img_011.png", "part"),
        ("img_004.png", "img_006.png", "same"),
    ]
