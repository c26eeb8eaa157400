"""Which pictures are kept, and how they are handed on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.errors import OutputError, UsageError
from crispen.lab.curation.filtering import Limits, choose, copy_files, write_list
from crispen.lab.curation.surveying import Surveyed, survey


def picture(name: str, **changes: Any) -> Surveyed:
    about: dict[str, Any] = {
        "format": "png",
        "width": 640,
        "height": 480,
        "grey": False,
        "quality": None,
        "damage": 100,
        "blur_px": 0.0,
        "noise": 0.0,
        "digest": name,
        "small": np.random.default_rng(len(name)).integers(0, 256, (48, 64), np.uint8),
        "hash": np.uint64(7),
    } | changes
    return Surveyed(Path(name), **about)


@pytest.mark.parametrize(
    ("limits", "changes", "why"),
    [
        (Limits(min_side=480), {}, ""),
        (Limits(min_side=481), {}, "shorter side 480 px"),
        (Limits(max_blur_px=0.5), {"blur_px": 0.6}, "blur 0.6 px"),
        (Limits(max_blur_px=0.6), {"blur_px": 0.6}, ""),
        (Limits(min_quality=80), {"damage": 79}, "damage as of a JPEG of 79"),
        (Limits(min_quality=80), {"quality": 70, "damage": 90}, "damage as of a JPEG of 70"),
        (Limits(max_noise=3), {"noise": 3.5}, "noise 3.5"),
        (
            Limits(min_side=500, max_noise=3),
            {"noise": 4.0},
            "shorter side 480 px, noise 4.0",
        ),
    ],
)
def test_each_limit(limits: Limits, changes: dict[str, Any], why: str) -> None:
    chosen = choose([picture("a.png", **changes)], limits)
    assert chosen.left_out.get(Path("a.png"), "") == why
    assert bool(chosen.kept) == (not why)


def test_of_duplicates_the_largest_that_is_kept_remains(photos: Any, save: Any) -> None:
    from PIL import Image

    rgb = photos["astronaut"]
    whole = save(rgb, "in/whole.jpg", quality=15)
    save(np.asarray(Image.fromarray(rgb).resize((400, 400))), "in/small.png")
    shutil.copy(whole, whole.with_name("again.jpg"))
    pictures = survey(whole.parent)[0]
    once = choose(pictures, Limits(duplicates=False))
    assert [file.name for file in once.kept] == ["again.jpg"]
    assert "the same file as" in once.left_out[whole]
    # The large one is damaged, so the small one is no duplicate of anything that is kept.
    good = choose(pictures, Limits(min_quality=60, duplicates=False))
    assert [file.name for file in good.kept] == ["small.png"]


def test_copies_keep_bytes_subfolders_and_manifest(photos: Any, save: Any, tmp_path: Path) -> None:
    file = save(photos["cat"], "in/sub/a.jpg", quality=80)
    save(photos["cup"], "in/b.jpg", quality=80)
    folder = tmp_path / "in"
    (folder / "MANIFEST.csv").write_text("file,licence\nsub/a.jpg,CC0\n")
    copy_files([file], folder, tmp_path / "out")
    there = sorted(
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")
    )
    assert there == ["MANIFEST.csv", "sub/a.jpg"]
    assert (tmp_path / "out/sub/a.jpg").read_bytes() == file.read_bytes()
    with pytest.raises(OutputError, match="not empty"):
        copy_files([file], folder, tmp_path / "out")
    with pytest.raises(UsageError, match="is inside"):
        copy_files([file], folder, folder / "out")


def test_a_list_is_never_overwritten_by_accident(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    write_list([Path("a b.png"), Path("ü.png")], target)
    assert target.read_text(encoding="utf-8") == "a b.png\nü.png\n"
    with pytest.raises(OutputError, match="--overwrite"):
        write_list([], target)
    write_list([], target, overwrite=True)
    assert target.read_text() == ""
