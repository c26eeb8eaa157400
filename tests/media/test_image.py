"""Pictures in memory and on the way to a file.

What was written is read back with Pillow, tifffile or OpenCV, never only with our own reader.
"""

from __future__ import annotations

import errno
import io
import os
import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.errors import InputError, MissingInput, OutputError, UsageError
from crispen.media.image import (
    Header,
    Image,
    ImageWriter,
    Metadata,
    as_image,
    is_image_name,
    open_image,
    read_image,
    write_image,
)

ICC = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>caption</a></x:xmpmeta>'


def exif(orientation: int = 1) -> bytes:
    tags = PIL.Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "A camera"
    data = tags.tobytes()
    return data if data.startswith(b"Exif") else b"Exif\0\0" + data


def smooth(height: int, width: int, channels: int, dtype: str = "uint8") -> np.ndarray:
    """Gradients, which lossy formats keep well."""
    y, x = np.mgrid[:height, :width]
    top = np.iinfo(dtype).max
    planes = [x / width, y / height, (x + y) / (width + height), (width - x) / width]
    return np.dstack([(p * top).astype(dtype) for p in planes[:channels]])


def full_metadata() -> Metadata:
    return Metadata(icc=ICC, exif=exif(), xmp=XMP, dpi=(300.0, 300.0))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_metadata_reaches_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image(smooth(40, 60, 3), metadata=full_metadata()).save(path)
    with PIL.Image.open(path) as picture:
        assert picture.info["icc_profile"] == ICC
        if suffix != ".tif":  # libvips writes no EXIF into TIFF
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
    ("name", "tolerance"), [("jpeg", 3), ("webp", 8), ("avif", 5), ("gif", 24)]
)
def test_lossy_formats_stay_near(name: str, tolerance: int) -> None:
    pixels = smooth(48, 64, 3)
    out = io.BytesIO()
    write_image(Image(pixels), out, format=name)
    decoded = np.asarray(PIL.Image.open(io.BytesIO(out.getvalue())).convert("RGB"))
    assert np.abs(decoded.astype(int) - pixels).max() <= tolerance


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_quality_100_is_lossless(name: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    out = io.BytesIO()
    write_image(Image(pixels), out, format=name, quality=100)
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(out)), pixels)


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


@pytest.mark.parametrize("name", ["gif", "webp"])
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


def test_what_does_not_fit_is_said_before_work(tmp_path: Path) -> None:
    cases = [
        ("a.webp", Header(16384, 2, 3), {}, "at most 16383"),
        ("a.jpg", Header(2, 65501, 3), {}, "at most 65500"),
        ("a.png", Header(2, 2, 3, frames=2), {}, "GIF or WebP"),
        ("a.png", Header(2, 2, 3), {"quality": 0}, "from 1 to 100"),
        ("a.xyz", Header(2, 2, 3), {}, "'xyz' is not"),
        ("a", Header(2, 2, 3), {}, "no suffix"),
        ("a.bmp", Header(2, 2, 3), {}, "'bmp' is not a picture format that is written"),
        ("a.png", Header(0, 2, 3), {}, "at least 1x1"),
    ]
    for name, header, options, message in cases:
        with pytest.raises(UsageError, match=message):
            ImageWriter(tmp_path / name, header, **options)
    assert not list(tmp_path.iterdir())


def test_a_target_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    path.chmod(0o640)
    image = Image(smooth(4, 4, 3))
    with pytest.raises(OutputError, match="--overwrite"):
        image.save(path)
    assert path.read_bytes() == b"mine"
    image.save(path, overwrite=True)
    assert np.array_equal(cv2.imread(str(path))[..., ::-1], image.pixels)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def write_half(path: Path, then: type[BaseException] | None) -> None:
    with ImageWriter(path, Header(64, 64, 3)) as writer:
        writer.write(smooth(32, 64, 3))
        if then is not None:
            raise then


def write_while_another_does(path: Path) -> None:
    with ImageWriter(path, Header(4, 4, 3)) as writer:
        writer.write(smooth(4, 4, 3))
        path.write_bytes(b"mine")


def test_a_target_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(OutputError, match="meanwhile"):
        write_while_another_does(path)
    assert path.read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif", ".gif"])
def test_an_error_on_the_way_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / f"a{suffix}", KeyboardInterrupt)
    with pytest.raises(OutputError, match="only 32 of 64 rows"):
        write_half(tmp_path / f"a{suffix}", None)
    assert not list(tmp_path.iterdir())


def test_bands_that_do_not_fit_the_header(tmp_path: Path) -> None:
    for band in (smooth(4, 5, 3), smooth(4, 4, 4), smooth(5, 4, 3), smooth(4, 4, 3, "uint16")):
        with pytest.raises(UsageError), ImageWriter(tmp_path / "a.png", Header(4, 4, 3)) as writer:
            writer.write(band)
    assert not list(tmp_path.iterdir())


def test_folders_and_permissions(tmp_path: Path) -> None:
    image = Image(smooth(4, 4, 3))
    with pytest.raises(OutputError, match="a folder"):
        write_image(image, tmp_path, format="png")
    with pytest.raises(OutputError, match="no folder"):
        image.save(tmp_path / "none" / "a.png")
    with pytest.raises(OutputError, match="not a regular file"):
        write_image(image, "/dev/null", format="png", overwrite=True)
    with pytest.raises(InputError, match="a folder"):
        read_image(tmp_path)
    with pytest.raises(MissingInput, match="no such file"):
        read_image(tmp_path / "none.png")


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX users")
def test_without_permission(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("locked")
    Image(smooth(4, 4, 3)).save(folder / "a.png")
    (folder / "a.png").chmod(0)
    folder.chmod(0o555)
    parents = [folder.parent, folder.parent.parent]
    modes = [p.stat().st_mode for p in parents]
    was = os.geteuid()
    try:
        if was == 0:
            for parent in parents:
                parent.chmod(0o755)
            os.seteuid(65534)
        with pytest.raises(InputError, match="no permission to read"):
            read_image(folder / "a.png")
        with pytest.raises(OutputError, match=r"no permission|Permission denied"):
            Image(smooth(4, 4, 3)).save(folder / "b.png")
    finally:
        os.seteuid(was)
        folder.chmod(0o755)
        for parent, mode in zip(parents, modes, strict=True):
            parent.chmod(mode & 0o7777)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_a_full_disk(tmp_path: Path, suffix: str) -> None:
    """A limit on file size stands for a full disk; both fail in ``write``, while streaming."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    try:
        with pytest.raises(OutputError, match=r"a\.\w+: cannot be written: .*free some space"):
            write_image(Image(noise), tmp_path / f"a{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_a_really_full_disk(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("may not mount a file system here")
    try:
        noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
        with pytest.raises(OutputError, match=os.strerror(errno.ENOSPC)):
            write_image(Image(noise), tmp_path / "a.png")
        assert not list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


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


def test_damage_in_the_last_rows_is_still_found(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8)
    PIL.Image.fromarray(noise).save(path, quality=90)
    path.write_bytes(path.read_bytes()[:-3000])
    with open_image(path) as reader:
        bands = reader.bands(16)
        assert len(next(bands)) == 16
        with pytest.raises(InputError, match="premature end"):
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
    deep = smooth(5, 6, 1, "uint16")
    np.testing.assert_array_equal(as_image(PIL.Image.fromarray(deep[..., 0])).pixels, deep)
    with pytest.raises(InputError, match="mode F"):
        as_image(base.convert("F"))


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


def test_memory_stays_bounded(tmp_path: Path) -> None:
    """48 megapixels, 144 MB: written and read in bands in far less than that beyond the start."""
    code = """
import resource, sys
import numpy as np
from crispen.media.image import Header, ImageWriter, open_image
path = sys.argv[1]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
band = np.arange(8000 * 50 * 3, dtype=np.uint32).reshape(50, 8000, 3).astype(np.uint8)
with ImageWriter(path + "/warm.png", Header(8000, 50, 3)) as writer:
    writer.write(band)
with open_image(path + "/warm.png") as reader:
    list(reader.bands(50))
start = peak()
with ImageWriter(path + "/a.png", Header(8000, 6000, 3)) as writer:
    for _ in range(120):
        writer.write(band)
with open_image(path + "/a.png") as reader:
    assert sum(len(b) for b in reader.bands(50)) == 6000
print(peak() - start)
"""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 110


def test_tiff_read_by_tifffile(tmp_path: Path) -> None:
    pixels = smooth(30, 20, 4, "uint16")
    write_image(Image(pixels), tmp_path / "a.tiff")
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        page = file.pages[0]
        assert page.shape == (30, 20, 4)
        assert page.tags["ExtraSamples"].value[0] == 2  # not multiplied with alpha
        assert page.tags["XResolution"].value[0] / page.tags["XResolution"].value[1] == 72
