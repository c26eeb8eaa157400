"""``crispen degrade`` as a person would type it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("torch")

from crispen.lab.degradations.catalogue import EXAMPLES
from crispen.lab.degradations.picture import degrade_image
from crispen.lab.degradations.spec import parse_degradation
from crispen.media.image import Image, Metadata, read_image, write_image
from crispen.media.resample import downscale


def test_the_issues_line(crispen: Any, photo: Path, tmp_path: Path) -> None:
    arguments = ("degrade", photo, "--with", "salt-and-pepper=0.4", "--seed", "1")
    said = crispen(*arguments, "-o", "bad.png")
    assert said.code == 0, said.err
    assert "photo.png → bad.png  48x40 → 48x40" in said.out
    before, after = read_image(photo).pixels, read_image(tmp_path / "bad.png").pixels
    lost = (before != after).any(axis=-1)
    # Four standard errors of Binomial(1920, 0.4).
    assert 0.355 < lost.mean() < 0.445
    assert set(np.unique(after[lost])) == {0, 255}
    assert crispen(*arguments, "-o", "again.png").code == 0
    np.testing.assert_array_equal(read_image(tmp_path / "again.png").pixels, after)
    assert crispen(*arguments[:-1], "2", "-o", "other.png").code == 0
    assert (read_image(tmp_path / "other.png").pixels != after).any()


def test_one_after_another(crispen: Any, photo: Path, tmp_path: Path) -> None:
    said = crispen(
        *("degrade", photo, "-o", "bad.png", "--json"),
        *("--with", "gaussian-noise:sigma=25,grey=true", "--with", "jpeg=30"),
    )
    facts = json.loads(said.out)
    assert facts["status"] == "done"
    assert facts["target_size"] == [48, 40]
    tables = [parse_degradation(t) for t in ("gaussian-noise:sigma=25,grey=true", "jpeg=30")]
    expected = degrade_image(read_image(photo), tables)
    np.testing.assert_array_equal(read_image(tmp_path / "bad.png").pixels, expected.pixels)


@pytest.mark.parametrize("arguments", [("--scale", "3"), ("--with", "bicubic=3")])
def test_smaller_as_matlab_does(
    crispen: Any, photo: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert crispen("degrade", photo, "-o", "lr.png", *arguments).code == 0
    np.testing.assert_array_equal(
        read_image(tmp_path / "lr.png").pixels, downscale(read_image(photo).pixels, 3)
    )


def test_depth_grey_alpha_and_metadata_stay(crispen: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    deep = Image(
        rng.integers(0, 65536, (20, 24, 1), np.uint16), metadata=Metadata(dpi=(300.0, 300.0))
    )
    write_image(deep, tmp_path / "deep.png")
    said = crispen("degrade", "deep.png", "-o", "out/", "--with", "darken=0.5")
    assert said.code == 0, said.err
    dark = read_image(tmp_path / "out/deep.png")
    assert dark.pixels.dtype == np.uint16
    assert dark.metadata.dpi == pytest.approx((300, 300), abs=0.1)
    assert np.abs(dark.pixels / 2**16 - deep.pixels / 2**17).max() < 2 / 2**16


def test_what_transparent_pixels_hide_stays_hidden(crispen: Any, tmp_path: Path) -> None:
    pixels = np.zeros((24, 24, 4), np.uint8)
    pixels[:12] = (200, 40, 40, 255)
    pixels[12:] = (0, 255, 0, 0)
    write_image(Image(pixels), tmp_path / "cut.png")
    said = crispen("degrade", "cut.png", "-o", "bad.png", "--with", "gaussian-blur=3")
    assert said.code == 0, said.err
    after = read_image(tmp_path / "bad.png").pixels
    np.testing.assert_array_equal(after[..., 3], pixels[..., 3])
    assert abs(after[:12, :, :3].astype(int) - (200, 40, 40)).max() <= 1
    assert crispen("degrade", "cut.png", "-o", "small.png", "--scale", "2").code == 0
    assert read_image(tmp_path / "small.png").pixels.shape == (12, 12, 4)


def test_frames_of_an_animation_stay(crispen: Any, tmp_path: Path) -> None:
    frames = np.concatenate([np.full((16, 16, 3), v, np.uint8) for v in (0, 255)])
    moving = Image(frames, frames=2, metadata=Metadata(delays_ms=(100, 100)))
    write_image(moving, tmp_path / "moving.webp", quality=100)
    said = crispen("degrade", "moving.webp", "-o", "bad.webp", "-w", "brighten=0.5")
    assert said.code == 0, said.err
    bad = read_image(tmp_path / "bad.webp")
    assert bad.frames == 2
    assert abs(int(bad.frame(0).mean()) - 128) <= 3


def test_folders_go_on_when_one_fails(crispen: Any, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    photo.rename(tmp_path / "in/good.png")
    (tmp_path / "in/bad.png").write_text("no picture")
    said = crispen("degrade", "in", "-o", "out", "--with", "jpeg=20")
    assert said.code == 1
    assert "failed: in/bad.png" in said.err
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["good.png"]


def test_a_fault_of_ours_in_one_picture_does_not_cost_the_others(
    crispen: Any, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(Image(np.zeros((1, 1, 3), np.uint8)), tmp_path / "tiny.png")

    def failing(image: Image, *arguments: object, **more: object) -> Image:
        if image.width == 1:
            raise RuntimeError("no memory")
        return image

    monkeypatch.setattr("crispen.lab.degradations.picture.degrade_image", failing)
    said = crispen("degrade", "tiny.png", "photo.png", "-o", "out", "--with", "jpeg")
    assert said.code == 1
    assert "failed: tiny.png: unexpected RuntimeError: no memory" in said.err
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["photo.png"]


def test_a_gallery_of_all(crispen: Any, photo: Path, tmp_path: Path) -> None:
    said = crispen("degrade", "--gallery", photo, "-o", "sheet.png")
    assert (said.code, said.out) == (0, "made sheet.png\n")
    sheet = read_image(tmp_path / "sheet.png")
    # Rows of three panels of 480 pixels: the original and every degradation.
    assert sheet.width == 3 * 492 + 12
    assert sheet.height > 400 * -(-(len(EXAMPLES) + 1) // 3)
    again = crispen("degrade", "--gallery", photo, "-o", "sheet.png", "--overwrite", "--json")
    assert json.loads(again.out)["degradations"] == list(EXAMPLES.values())


def test_the_list(crispen: Any) -> None:
    table = crispen("degrade", "--list")
    assert table.code == 0, table.err
    entries = json.loads(crispen("degrade", "--list", "--json").out)
    assert [entry["kind"] for entry in entries] == list(EXAMPLES)
    for entry in entries:
        assert entry["kind"] in table.out
        assert entry["formula"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("photo.png", "-o", "x.png", "--with", "jpog"), 2, "did you mean jpeg"),
        (("photo.png", "-o", "x.png", "--with", "salt-and-pepper=1"), 2, "below 1"),
        (("photo.png", "-o", "x.png", "--with", "bicubic"), 2, "bicubic:factor=2 or give --scale"),
        (("photo.png", "-o", "x.png", "--with", "bicubic=2", "--scale", "3"), 2, "factors give 3"),
        (("photo.png", "-o", "x.png"), 2, "--with jpeg=20"),
        (("photo.png", "--with", "jpeg"), 2, "-o FILE"),
        ((), 2, "--list"),
        (("photo.png", "-o", "photo.png", "-w", "jpeg", "--overwrite"), 2, "never overwritten"),
        (("there.png", "-o", "x.png", "-w", "jpeg"), 1, "no such file"),
        (("photo.png", "-o", "there.txt", "-w", "jpeg"), 2, "there.txt"),
        (("photo.png", "-o", "x.png", "-w", "jpeg", "--max-pixels", "99"), 1, "--max-pixels"),
        (("--gallery", "there.png", "-o", "x.png"), 1, "there.png"),
        (("--gallery", "photo.png", "-o", "x.png", "-w", "jpeg"), 2, "leave --with"),
        (("--gallery", "photo.png", "-o", "photo.png", "--overwrite"), 2, "the picture itself"),
        (("--gallery", "photo.png", "photo.png", "-o", "x.png"), 2, "takes one picture"),
        (("--gallery", "photo.png", "-o", "x.doc"), 2, "ends in .png"),
    ],
)
def test_wrongly(
    crispen: Any, photo: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    before = photo.read_bytes()
    said = crispen("degrade", *arguments)
    assert said.code == code, said.err
    assert text in said.err
    assert photo.read_bytes() == before
    assert sorted(f.name for f in tmp_path.iterdir() if f.is_file()) == ["photo.png"]


def test_a_gallery_stands_beside_its_picture(crispen: Any, photo: Path, tmp_path: Path) -> None:
    said = crispen("degrade", "--gallery", photo)
    assert said.code == 0
    assert read_image(tmp_path / "photo-gallery.png").width > 200


def test_what_is_there_stays(crispen: Any, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("precious")
    for arguments in (("-w", "jpeg"), ("--gallery",)):
        said = crispen("degrade", photo, "-o", "x.png", *arguments)
        assert said.code == 1
        assert "--overwrite" in said.err
    assert (tmp_path / "x.png").read_text() == "precious"


def test_work_stops_between_two_operations() -> None:
    class Stop(Exception):
        pass

    asked = []

    def check() -> None:
        asked.append(True)
        if len(asked) > 5:
            raise Stop

    picture = Image(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(Stop):
        degrade_image(picture, [parse_degradation("blind")], check=check)
    # The chain has hundreds of operations.
    assert len(asked) < 12
    assert torch.is_grad_enabled()


def test_grey_pictures_and_colour_noise(crispen: Any, tmp_path: Path) -> None:
    write_image(Image(np.full((8, 8, 1), 99, np.uint8)), tmp_path / "grey.png")
    said = crispen("degrade", "grey.png", "-o", "x.png", "-w", "color-noise=0.3")
    assert said.code == 2
    assert "needs colour" in said.err


def test_without_pytorch_the_install_line_is_told(
    crispen: Any, photo: Path, no_pytorch: None
) -> None:
    for arguments in ((photo, "-o", "x.png", "--with", "jpeg"), ("--list",)):
        said = crispen("degrade", *arguments)
        assert said.code == 2
        assert "pip install 'crispen[train]'" in said.err
