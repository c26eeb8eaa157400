"""What each picture format holds, read back with Pillow, tifffile or OpenCV."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.media.image import (
    Header,
    Image,
    ImageWriter,
    Metadata,
    open_image,
    read_image,
    write_image,
)

from ..pictures import ICC, XMP, full_metadata, linear_grey_profile, smooth


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_metadata_reaches_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image(smooth(40, 60, 3), metadata=full_metadata()).save(path)
    with PIL.Image.open(path) as picture:
        assert picture.info["icc_profile"] == ICC
        assert picture.getexif()[0x010F] == "A camera"
        assert picture.getexif().get(0x0112, 1) == 1
        if suffix in (".jpg", ".png", ".tif"):
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.02)
    again = read_image(path).metadata
    assert (again.icc, again.xmp) == (ICC, XMP)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_stripping_leaves_the_profile_alone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_image(Image(smooth(8, 8, 3), metadata=full_metadata()), path, strip_metadata=True)
    with PIL.Image.open(path) as picture:
        assert picture.info["icc_profile"] == ICC
        assert 0x010F not in picture.getexif()
    assert XMP not in path.read_bytes()
    assert b"A camera" not in path.read_bytes()


def test_no_exif_is_made_up(tmp_path: Path) -> None:
    for suffix in (".jpg", ".png", ".webp"):
        Image(smooth(8, 8, 3)).save(tmp_path / f"a{suffix}")
        with PIL.Image.open(tmp_path / f"a{suffix}") as picture:
            assert not picture.getexif()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_resolution_needs_no_exif(tmp_path: Path, suffix: str) -> None:
    image = Image(smooth(40, 60, 3), metadata=Metadata(xmp=XMP, dpi=(300.0, 150.0)))
    for strip, expected in ((False, (300, 150)), (True, (72, 72))):
        path = tmp_path / f"{strip}{suffix}"
        write_image(image, path, strip_metadata=strip)
        with PIL.Image.open(path) as picture:
            assert picture.info.get("dpi", (72, 72)) == pytest.approx(expected, abs=0.02)
            assert 0x011A not in picture.getexif() or suffix == ".tif"
            decoded = np.asarray(picture)
        again = read_image(path)
        assert again.metadata.xmp == (None if strip else XMP)
        np.testing.assert_array_equal(again.pixels, decoded)
        assert np.abs(decoded.astype(int) - image.pixels).max() <= 3


def test_a_colour_profile_is_not_put_on_a_grey_picture(tmp_path: Path) -> None:
    Image(smooth(8, 8, 1), metadata=Metadata(icc=ICC)).save(tmp_path / "a.png")
    with PIL.Image.open(tmp_path / "a.png") as picture:
        assert (picture.mode, "icc_profile" in picture.info) == ("L", False)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 4), st.booleans(), st.integers(1, 80))
def test_lossless_formats_return_every_sample(
    height: int, width: int, channels: int, deep: bool, rows: int
) -> None:
    dtype = "uint16" if deep else "uint8"
    rng = np.random.default_rng(height * 100 + width)
    pixels = rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)
    for name in ("png", "tiff"):
        out = io.BytesIO()
        with ImageWriter(out, Header(width, height, channels, dtype), format=name) as writer:
            for y in range(0, height, rows):
                writer.write(pixels[y : y + rows])
        flag = cv2.IMREAD_UNCHANGED
        if channels == 2 or (channels == 4 and not deep):
            # OpenCV has no grey with alpha, and multiplies a TIFF's colours by alpha.
            found = read_image(out.getvalue()).pixels if deep else np.asarray(PIL.Image.open(out))
        else:
            decoded = cv2.imdecode(np.frombuffer(out.getvalue(), np.uint8), flag)
            found = decoded.reshape(height, width, channels)
            found = found[..., [2, 1, 0, 3][:channels]] if channels > 2 else found
        np.testing.assert_array_equal(found, pixels)
        with open_image(out.getvalue()) as reader:
            bands = list(reader.bands(rows))
            assert all(len(band) <= rows for band in bands)
            np.testing.assert_array_equal(np.concatenate(bands), pixels)


@pytest.mark.parametrize(
    ("name", "tolerance"), [("jpeg", 3), ("webp", 8), ("avif", 5), ("gif", 24), ("jxl", 30)]
)
def test_lossy_formats_stay_near(name: str, tolerance: int) -> None:
    pixels = smooth(48, 64, 3)
    out = io.BytesIO()
    write_image(Image(pixels), out, format=name)
    import pillow_jxl  # noqa: F401, so that Pillow knows it

    decoded = np.asarray(PIL.Image.open(io.BytesIO(out.getvalue())).convert("RGB"))
    assert np.abs(decoded.astype(int) - pixels).max() <= tolerance


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_quality_100_is_lossless(name: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    out = io.BytesIO()
    write_image(Image(pixels), out, format=name, quality=100)
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(out)), pixels)


@pytest.mark.parametrize("frames", [1, 2])
def test_lossless_webp_stays_lossless(frames: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (20 * frames, 30, 3), np.uint8)
    for quality, lossless in ((100, True), (90, False)):
        path = tmp_path / f"{quality}.webp"
        write_image(Image(pixels, frames, full_metadata()), path, quality=quality)
        for source in (path, path.read_bytes()):
            with open_image(source) as reader:
                assert reader.header.lossless == lossless
        for format, same in (("webp", lossless), ("avif", False)):
            if frames > 1 and format == "avif":
                continue
            out = io.BytesIO()
            with ImageWriter(out, reader.header, format=format) as writer:
                writer.write(pixels)
            assert np.array_equal(read_image(out.getvalue()).pixels, pixels) == same


def test_jpeg_keeps_full_colour_from_quality_90() -> None:
    for quality, sampling in ((None, (1, 1)), (90, (1, 1)), (89, (2, 2))):
        out = io.BytesIO()
        write_image(Image(smooth(32, 32, 3)), out, format="jpg", quality=quality)
        with PIL.Image.open(out) as picture:
            assert picture.layer[0][1:3] == sampling


def test_jpeg_lays_alpha_on_white_and_rounds_sixteen_bits() -> None:
    pixels = np.zeros((16, 16, 4), np.uint16)
    pixels[:8, :, 3] = 65535  # black above, nothing below
    out = io.BytesIO()
    write_image(Image(pixels), out, format="jpeg")
    decoded = np.asarray(PIL.Image.open(out))
    assert decoded.shape == (16, 16, 3)
    assert decoded[:8].max() <= 2
    assert decoded[8:].min() >= 253


def test_avif_holds_twelve_bits() -> None:
    pixels = smooth(32, 48, 3, "uint16")
    out = io.BytesIO()
    write_image(Image(pixels), out, format="avif", quality=100)
    image = read_image(out.getvalue())
    assert image.pixels.dtype == np.uint16
    assert np.abs(image.pixels.astype(int) - pixels).max() <= 16


@pytest.mark.parametrize("name", ["gif", "webp", "png"])
def test_animations_keep_frames_delays_and_loops(name: str) -> None:
    pixels = np.concatenate([np.full((9, 12, 3), v, np.uint8) for v in (0, 120, 255)])
    image = Image(pixels, 3, Metadata(delays_ms=(100, 250, 70), loop=4))
    out = io.BytesIO()
    write_image(image, out, format=name, strip_metadata=name == "gif")
    with PIL.Image.open(io.BytesIO(out.getvalue())) as picture:
        assert picture.n_frames == 3
        for i, (value, delay) in enumerate(((0, 100), (120, 250), (255, 70))):
            picture.seek(i)
            assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - value).max() <= 2
            assert picture.info["duration"] == delay
    again = read_image(out.getvalue())
    assert (again.frames, again.metadata.delays_ms, again.metadata.loop) == (3, (100, 250, 70), 4)
    with open_image(out.getvalue()) as reader:
        assert [len(band) for band in reader.bands(5)] == [5, 4, 5, 4, 5, 4]


@pytest.mark.parametrize("frames", [1, 5])
def test_pages_that_are_not_read_are_counted(tmp_path: Path, frames: int) -> None:
    path = tmp_path / "a.tif"
    first, *rest = (PIL.Image.new("RGB", (24, 16), (40 * i, 0, 200)) for i in range(frames))
    first.save(path, save_all=frames > 1, append_images=rest)
    for source in (path, path.read_bytes()):
        with open_image(source) as reader:
            assert (reader.pages, reader.header.frames) == (frames, 1)
            assert np.abs(reader.read()[0, 0].astype(int) - (0, 0, 200)).max() <= 3


@pytest.mark.parametrize("name", ["gif", "webp", "png", "avif"])
def test_nothing_is_left_out_of_animations_that_are_read_whole(name: str) -> None:
    out = io.BytesIO()
    pixels = np.concatenate([np.full((9, 12, 3), v, np.uint8) for v in (0, 120, 255)])
    write_image(Image(pixels, 3), out, format=name)
    with open_image(out.getvalue()) as reader:
        assert (reader.pages, reader.header.frames) == (1, 3)


def test_gif_is_srgb_whatever_the_profile(shared_data: Path) -> None:
    odd = shared_data / "odd" / "valid"
    wide, reference = (read_image(odd / f"icc_{n}.png") for n in ("display_p3", "reference_srgb"))
    frames = np.concatenate([wide.pixels, wide.pixels[::-1]])
    out = io.BytesIO()
    write_image(Image(frames, 2, wide.metadata), out, format="gif")
    found = read_image(out.getvalue())
    for frame, expected in ((0, reference.pixels), (1, reference.pixels[::-1])):
        # The palette alone costs 2.2 levels; without a conversion it would be 6.
        error = found.frame(frame)[..., :3].astype(float) - expected
        assert np.abs(error).mean() < 2.6
        assert np.abs(error.mean((0, 1))).max() < 0.5


@pytest.mark.parametrize("name", ["webp", "avif", "gif"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_grey_that_becomes_rgb_is_srgb(name: str, dtype: str) -> None:
    light = np.tile(np.arange(256, dtype=dtype), (16, 1))[..., np.newaxis]
    pixels = light * light.dtype.type(np.iinfo(dtype).max // 255)
    out = io.BytesIO()
    write_image(Image(pixels, metadata=Metadata(icc=linear_grey_profile())), out, format=name)
    found = read_image(out.getvalue())
    scale = np.iinfo(found.pixels.dtype).max / 255
    # IEC 61966-2-1.
    expected = 255 * (1.055 * (light / 255) ** (1 / 2.4) - 0.055)
    error = np.abs(found.pixels[..., :3] / scale - expected)[:, 1:]
    assert error.mean() < 1
    profile = found.metadata.icc
    assert profile is None if name == "gif" else profile is not None and profile[16:20] == b"RGB "


@pytest.mark.parametrize("format", ["gif", "jxl"])
@pytest.mark.parametrize("damage", ["all", "curve"])
def test_a_damaged_profile_does_not_keep_a_picture_from_being_written(
    format: str, damage: str
) -> None:
    damaged = b"x" * 16 + b"RGB " + b"x" * 200
    if damage == "curve":
        damaged = ICC.replace(b"para", b"\xffara")
    out = io.BytesIO()
    image = Image(smooth(9, 12, 3), metadata=Metadata(icc=damaged))
    write_image(image, out, format=format, quality=100)
    decoded = read_image(out.getvalue()).frame(0)[..., :3]
    assert np.abs(decoded.astype(int) - smooth(9, 12, 3)).max() <= 24


def test_tiff_read_by_tifffile(tmp_path: Path) -> None:
    pixels = smooth(30, 20, 4, "uint16")
    write_image(Image(pixels), tmp_path / "a.tiff")
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        page = file.pages[0]
        assert page.shape == (30, 20, 4)
        assert page.tags["ExtraSamples"].value[0] == 2  # not multiplied with alpha
        assert page.tags["XResolution"].value[0] / page.tags["XResolution"].value[1] == 72
