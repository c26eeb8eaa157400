"""Pictures in memory: what becomes one, how it is read, what it says of itself."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from crispen.errors import InputError, OutputError, UsageError
from crispen.media.image import (
    Image,
    as_image,
    is_image_name,
    open_image,
    read_image,
    write_image,
)

from .pictures import exif, smooth


def test_streams_both_ways() -> None:
    pixels = smooth(12, 10, 3)
    out = io.BytesIO()
    write_image(Image(pixels), out, format="png")
    np.testing.assert_array_equal(read_image(io.BytesIO(out.getvalue())).pixels, pixels)
    with pytest.raises(UsageError, match="binary mode"):
        read_image(io.StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="empty"):
        read_image(io.BytesIO())

    class Broken(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(OutputError, match="Broken pipe"):
        write_image(Image(pixels), Broken(), format="png")


def test_orientation_is_turned_and_then_forgotten(tmp_path: Path) -> None:
    pixels = smooth(24, 40, 3)
    from PIL import ImageOps

    for n in range(1, 9):
        path = tmp_path / f"{n}.png"
        PIL.Image.fromarray(pixels).save(path, exif=exif(n))
        with PIL.Image.open(path) as picture:
            upright = np.asarray(ImageOps.exif_transpose(picture))
        np.testing.assert_array_equal(read_image(path).pixels, upright)
        with PIL.Image.open(path) as picture:
            np.testing.assert_array_equal(as_image(picture).pixels, upright)


def test_xmp_forgets_the_orientation_too(tmp_path: Path) -> None:
    for said, left in (
        (b'<a tiff:Orientation="6"/>', b'<a tiff:Orientation="1"/>'),
        (b"<tiff:Orientation>8</tiff:Orientation>", b"<tiff:Orientation>1</tiff:Orientation>"),
    ):
        picture = PIL.Image.fromarray(smooth(6, 9, 3))
        picture.save(tmp_path / "a.jpg", exif=exif(6), xmp=said)
        image = read_image(tmp_path / "a.jpg")
        assert (image.width, image.metadata.xmp) == (6, left)


@pytest.mark.parametrize(("suffix", "before"), [("png", 1), ("jpg", 0)])
def test_damage_in_the_last_rows_is_still_found(tmp_path: Path, suffix: str, before: int) -> None:
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8)
    PIL.Image.fromarray(noise).save(path, quality=90)
    path.write_bytes(path.read_bytes()[:-3000])
    with open_image(path) as reader:
        bands = reader.bands(16)
        for _ in range(before):  # a JPEG is looked through before its first row is given
            assert len(next(bands)) == 16
        with pytest.raises(InputError, match=r"it ends in the middle|data in it is damaged"):
            list(bands)


def test_arrays_and_pillow_pictures() -> None:
    grey = np.array([[0.0, 0.5, 1.0]])
    np.testing.assert_array_equal(as_image(grey).pixels.ravel(), [0, 128, 255])
    assert as_image(np.zeros((2, 3, 4), np.uint16)).pixels.dtype == np.uint16
    assert as_image(np.array([[True, False]])).pixels.ravel().tolist() == [255, 0]
    for bad in (np.zeros((2, 3, 5)), np.full((2, 2), 200.0), np.full((2, 2), np.nan)):
        with pytest.raises(InputError):
            as_image(bad)
    with pytest.raises(InputError, match="int64"):
        as_image(np.zeros((2, 2), np.int64))
    with pytest.raises(InputError, match="a int"):
        as_image(3)  # type: ignore[arg-type]
    base = PIL.Image.fromarray(smooth(6, 7, 3))
    for mode, channels in (("1", 1), ("L", 1), ("LA", 2), ("P", 3), ("RGBA", 4), ("CMYK", 3)):
        assert as_image(base.convert(mode)).channels == channels
    # Pillow reads "La" (premultiplied) from TIFFs, and converts it to nothing but "LA".
    premultiplied = base.convert("LA").convert("La")
    assert np.array_equal(as_image(premultiplied).pixels, np.asarray(premultiplied.convert("LA")))
    deep = smooth(5, 6, 1, "uint16")
    np.testing.assert_array_equal(as_image(PIL.Image.fromarray(deep[..., 0])).pixels, deep)
    with pytest.raises(InputError, match="mode F"):
        as_image(base.convert("F"))


def test_numpy_takes_an_image_for_an_array() -> None:
    image = Image(smooth(6, 5, 3))
    assert np.shares_memory(np.asarray(image), image.pixels)
    assert not np.shares_memory(np.array(image, copy=True), image.pixels)
    np.testing.assert_array_equal(np.asarray(image, np.float64), image.pixels)
    assert np.asarray(Image(smooth(6, 5, 3), frames=3)).shape == (3, 2, 5, 3)
    assert float(np.mean(image)) == image.pixels.mean()


def test_what_numpy_takes_for_an_array_is_a_picture() -> None:
    pixels = smooth(6, 5, 3)

    class Other:
        __array_interface__ = pixels.__array_interface__

    class Another:
        def __array__(self, dtype: object = None, copy: object = None) -> object:
            return pixels

    for other in (Other(), Another()):
        np.testing.assert_array_equal(as_image(other).pixels, pixels)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a list, where"):
        as_image([[1, 2]])  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_notebook_shows_an_image(channels: int, dtype: str) -> None:
    small = Image(smooth(6, 5, channels, dtype))
    with PIL.Image.open(io.BytesIO(small._repr_png_())) as shown:
        assert (shown.format, shown.size) == ("PNG", (5, 6))
        np.testing.assert_array_equal(np.asarray(shown), np.asarray(small.to_pil()))
    large = Image(np.zeros((20, 3200, channels), dtype), frames=2)
    with PIL.Image.open(io.BytesIO(large._repr_png_())) as shown:
        assert shown.size == (1600, 5)


def test_views_of_an_image() -> None:
    pixels = np.zeros((4, 3, 2), np.uint16)
    pixels[2:] = 65535
    image = Image(pixels, frames=2)
    assert (image.width, image.height, image.channels, image.has_alpha) == (3, 2, 2, True)
    assert image.frame(1).min() == 65535
    assert image.as_rgb8().shape == (2, 3, 3)
    assert image.as_rgb8().min() == 255  # nothing but white paper
    assert image.to_pil().mode == "LA"
    assert Image(smooth(3, 3, 1, "uint16")).to_pil().mode == "I;16"
    with pytest.raises(IndexError):
        image.frame(2)
    for wrong in (np.zeros((3, 3), np.uint8), np.zeros((3, 3, 3), np.float32)):
        with pytest.raises(UsageError):
            Image(wrong)
    with pytest.raises(UsageError):
        Image(np.zeros((3, 3, 3), np.uint8), frames=2)


def test_names() -> None:
    assert is_image_name("A.JPEG")
    assert is_image_name(Path("x/y.tiff"))
    assert not is_image_name("clip.mp4")


def test_strangers_are_named() -> None:
    for data, what in (
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns=", "SVG"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"BMxx", "BMP"),
        (b"GIF89a", "ends in the middle"),
        (b"\0\0\0\x18ftypmp42", "video"),
    ):
        with pytest.raises(InputError, match=what):
            read_image(data)
