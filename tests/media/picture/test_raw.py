"""Camera raw files, and TIFFs whose first picture is a preview of another."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import tifffile

from crispen.errors import InputError, MissingExtra
from crispen.media import format_choice
from crispen.media.image import is_image_name, open_image, read_image

from ..pictures import smooth, srgb

needs_rawpy = pytest.mark.skipif(
    importlib.util.find_spec("rawpy") is None, reason="the extra crispen[raw] is not installed"
)
CFA, LINEAR_RAW = 32803, 34892
# Adobe DNG 1.7: D65 to the camera's own RGB, here that of sRGB, so that colours stay what they are.
XYZ_TO_SRGB = [
    *(3.2404542, -1.5371385, -0.4985314),
    *(-0.9692660, 1.8760108, 0.0415560),
    *(0.0556434, -0.2040259, 1.0572252),
]


def dng(path: Path, scene: np.ndarray, orientation: int = 1, neutral: tuple = (1, 1, 1)) -> Path:
    """A DNG: a small preview first, and in a sub-directory what a Bayer sensor saw of `scene`.

    Args:
        path: Where to.
        scene: ``(height, width, 3)``: linear light in [0, 1].
        orientation: As in EXIF.
        neutral: What the camera's RGB says of a grey wall.
    """
    seen = scene * np.array(neutral)
    mosaic = np.empty(scene.shape[:2])
    for y, x, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[y::2, x::2] = seen[y::2, x::2, channel]
    matrix = [n for value in XYZ_TO_SRGB for n in (round(value * 10_000), 10_000)]
    as_shot = [n for value in neutral for n in (round(value * 10_000), 10_000)]
    tags = [
        (271, 2, 0, "Example", True),
        (272, 2, 0, "Example One", True),
        (274, 3, 1, orientation, True),
        (50706, 1, 4, (1, 4, 0, 0), True),
        (50708, 2, 0, "Example One", True),
        (50721, 10, 9, matrix, True),
        (50728, 5, 3, as_shot, True),
        (50778, 3, 1, 21, True),  # D65
    ]
    sensor = [
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, (0, 1, 1, 2), True),
        (50717, 4, 1, 65535, True),
    ]
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            np.zeros((8, 8, 3), np.uint8),
            photometric="rgb",
            subfiletype=1,
            subifds=1,
            extratags=tags,
            software=None,
        )
        writer.write(
            np.rint(mosaic * 65535).astype(np.uint16),
            photometric=CFA,
            subfiletype=0,
            extratags=sensor,
            software=None,
        )
    return path


@needs_rawpy
@pytest.mark.parametrize("neutral", [(1, 1, 1), (0.5, 1, 0.7)])
def test_a_dng_is_developed(tmp_path: Path, neutral: tuple) -> None:
    scene = smooth(96, 128, 3, "uint16") / 65535
    scene[:8, :8] = 1  # LibRaw takes the brightest samples for white
    path = dng(tmp_path / "a.dng", scene, neutral=neutral)
    with open_image(path) as reader:
        header = reader.header
        assert (header.format, header.width, header.height) == ("raw", 128, 96)
        assert (header.channels, header.dtype, reader.pages) == (3, "uint16", 1)
        assert reader.notes == ["developed from camera raw, with the camera's white balance"]
        pixels = np.concatenate(list(reader.bands(10)))
    light = pixels[20:-20, 20:-20].astype(float) / 65535
    expected = srgb(scene)[20:-20, 20:-20]
    # LibRaw brightens by a factor of its own; colours are what the camera's balance makes them.
    ratio = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    ratio = ratio / scene[20:-20, 20:-20]
    middle = np.median(ratio, axis=(0, 1))
    assert np.ptp(middle) / middle.mean() < 0.02
    assert np.corrcoef(light.ravel(), expected.ravel())[0, 1] > 0.999


@needs_rawpy
def test_a_dng_is_turned_upright(tmp_path: Path) -> None:
    scene = smooth(96, 128, 3, "uint16") / 65535
    upright = read_image(dng(tmp_path / "a.dng", scene))
    turned = read_image(dng(tmp_path / "b.dng", scene, orientation=6).read_bytes())
    assert (turned.width, turned.height) == (96, 128)
    np.testing.assert_array_equal(turned.pixels, np.rot90(upright.pixels, -1))


@needs_rawpy
def test_what_libraw_does_not_know_is_told_in_one_line(tmp_path: Path) -> None:
    path = dng(tmp_path / "a.dng", smooth(96, 128, 3, "uint16") / 65535)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"a\.dng: .*") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    (tmp_path / "b.raf").write_bytes(b"FUJIFILMCCD-RAW 0201" + bytes(500))
    with pytest.raises(InputError, match=r"camera raw file is not read: .*; export it as 16-bit"):
        read_image(tmp_path / "b.raf")


@needs_rawpy
def test_size_is_checked_before_developing(tmp_path: Path) -> None:
    path = dng(tmp_path / "a.dng", smooth(96, 128, 3, "uint16") / 65535)
    with pytest.raises(InputError, match="128x96 are 0 megapixels, more than the limit"):
        open_image(path, max_pixels=1000)


def test_what_to_install_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(format_choice, "_is_there", lambda package: package != "rawpy")
    path = dng(tmp_path / "a.dng", smooth(96, 128, 3, "uint16") / 65535)
    cr2 = tmp_path / "b.cr2"
    cr2.write_bytes(b"II*\0\x10\0\0\0CR\x02\0" + bytes(100))
    for file in (path, cr2):
        with pytest.raises(MissingExtra, match=r"a camera raw file; .* 'crispen\[raw\]'"):
            open_image(file)
    assert not is_image_name("a.NEF")
    assert is_image_name("a.tif")


def preview_first(path: Path, pixels: np.ndarray, *, sub: bool, orientation: int = 1) -> Path:
    small = np.zeros((8, 8, 3), np.uint8)
    middle = np.full((16, 16, 3), 99, np.uint8)
    with tifffile.TiffWriter(path) as writer:
        turned = [(274, 3, 1, orientation, True)]
        writer.write(
            small, photometric="rgb", subfiletype=1, subifds=2 if sub else 0, extratags=turned
        )
        writer.write(middle, photometric="rgb", subfiletype=1)
        writer.write(pixels, photometric="rgb", subfiletype=0)
    return path


@pytest.mark.parametrize("sub", [True, False])
@pytest.mark.parametrize("orientation", [1, 8])
def test_the_largest_picture_is_read_where_the_first_is_a_preview(
    tmp_path: Path, sub: bool, orientation: int
) -> None:
    pixels = smooth(64, 96, 3)
    path = preview_first(tmp_path / "a.tif", pixels, sub=sub, orientation=orientation)
    with open_image(path) as reader:
        assert reader.pages == 1
        assert reader.notes == ["its first picture is a preview; the largest one was used"]
        found = reader.read()
    np.testing.assert_array_equal(found, pixels if orientation == 1 else np.rot90(pixels))


def test_smaller_copies_of_a_picture_are_no_pages(tmp_path: Path) -> None:
    pixels = smooth(64, 96, 3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(pixels, photometric="rgb")
        writer.write(np.ascontiguousarray(pixels[::2, ::2]), photometric="rgb", subfiletype=1)
    with open_image(tmp_path / "a.tif") as reader:
        assert (reader.pages, reader.notes) == (1, [])
        np.testing.assert_array_equal(reader.read(), pixels)


def test_the_first_of_several_pages_stays_the_first(tmp_path: Path) -> None:
    pixels = smooth(20, 30, 3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for page in (pixels, smooth(64, 96, 3), smooth(64, 96, 1)):
            writer.write(page, photometric="rgb" if page.shape[2] == 3 else "minisblack")
    with open_image(tmp_path / "a.tif") as reader:
        assert (reader.pages, reader.notes) == (3, [])
        np.testing.assert_array_equal(reader.read(), pixels)


def test_a_directory_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, smooth(8, 9, 3), photometric="rgb")
    data = bytearray(path.read_bytes())
    start = int.from_bytes(data[4:8], "little")
    link = start + 2 + 12 * int.from_bytes(data[start : start + 2], "little")
    data[link : link + 4] = data[4:8]
    with open_image(bytes(data)) as reader:
        assert reader.pages == 1
