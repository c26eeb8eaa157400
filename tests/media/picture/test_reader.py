"""Every file of the collection of awkward pictures: read right, or refused in one line.

Expected pixels come from Pillow, or from the reference picture that the manifest names.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile

from crispen.errors import InputError
from crispen.media.image import Image, open_image, read_image

from ..pictures import srgb

# Lossless, or the same libjpeg-turbo on both sides: at most one grey level of difference.
EXACT = {
    "png": 0,
    "gif": 0,
    "tiff": 0,
    "bmp": 0,
    "webp": 2,
    "jpeg": 2,
}
# Read in full depth here, while Pillow reduces or reinterprets; checked in tests of their own.
DEEP = {"rgb_16bit.png", "rgb_16bit.tiff", "rgba_16bit.png", "real_rgb16.png", "real_rgb16.tiff"}
DEEP |= {"real_rgba16.png"}
VALID = 73
# 4:2:0 AVIF, whose chroma libvips and Pillow enlarge differently; and a transparent grey value that
# Pillow compares before it has scaled 4 bits to 8.
BEYOND_PILLOW = {"photo.avif", "real_grey4_trns.png"}
# Whole pictures to every viewer, Pillow too: their frames reach beyond the canvas and are cropped.
READABLE_BROKEN = {"real_frame_out_of_bounds.gif", "real_frame_oversized.gif"}


def pillow(path: Path) -> np.ndarray:
    """The first frame as 8-bit RGBA, upright."""
    from PIL import ImageOps

    with PIL.Image.open(path) as picture:
        picture.load()
        linear = picture.info.get("gamma") == 1  # which Pillow reads and does not apply
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I;16"):
            grey = np.asarray(upright) / 65535
            grey = np.rint((srgb(grey) if linear else grey) * 255).astype(np.uint8)
            return np.dstack([grey] * 3 + [np.full_like(grey, 255)])
        pixels = np.array(upright.convert("RGBA"))
        if linear:
            pixels[..., :3] = np.rint(srgb(pixels[..., :3] / 255) * 255)
        return pixels


def rgba8(image: Image) -> np.ndarray:
    """The same of ours."""
    pixels = image.frame(0)
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257).astype(np.uint8)
    if image.channels < 3:
        grey, rest = pixels[..., :1], pixels[..., 1:]
        pixels = np.dstack([grey, grey, grey, rest])
    if pixels.shape[2] == 3:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return pixels


def difference(a: np.ndarray, b: np.ndarray) -> int:
    """Largest difference; colour counts only where something is to be seen."""
    assert a.shape == b.shape
    seen = (a[..., 3:] > 0) | (b[..., 3:] > 0)
    return int(np.abs(a.astype(int) - b.astype(int))[np.broadcast_to(seen, a.shape)].max())


def test_every_valid_file_looks_as_in_pillow(shared_data: Path) -> None:
    files = sorted((shared_data / "odd/valid").iterdir())
    assert len(files) == VALID
    wrong = {}
    for file in files:
        if file.name in DEEP | BEYOND_PILLOW:
            continue
        image = read_image(file)
        with open_image(file) as reader:
            found = difference(rgba8(image), pillow(file))
            if found > EXACT[reader.header.format]:
                wrong[file.name] = found
    assert not wrong


def test_where_pillow_differs(shared_data: Path) -> None:
    folder = shared_data / "odd/valid"
    photo = read_image(folder / "photo_rgb.png").pixels.astype(int)
    assert np.abs(read_image(folder / "photo.avif").pixels - photo).mean() < 6
    # PNG, 11.3.2.1: tRNS names sample 15 of 15, white.
    grey, alpha = read_image(folder / "real_grey4_trns.png").pixels.transpose(2, 0, 1)
    np.testing.assert_array_equal(alpha == 0, grey == 65535)  # 16 bits, since its gAMA is 1
    assert set(np.unique(alpha)) == {0, 65535}


def test_sixteen_bits_are_kept(shared_data: Path) -> None:
    import cv2

    for name in sorted(DEEP):
        file = shared_data / "odd/valid" / name
        expected = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        order = [2, 1, 0, 3][: expected.shape[2]]
        expected = expected[..., order].astype(float)
        with PIL.Image.open(file) as picture:
            if linear := picture.info.get("gamma") == 1:
                expected[..., :3] = srgb(expected[..., :3] / 65535) * 65535
        found = read_image(file).pixels
        assert found.dtype == np.uint16
        assert np.abs(found - expected).max() <= (1 if linear else 0), name


@pytest.mark.parametrize("n", range(1, 9))
def test_every_orientation_comes_out_upright(shared_data: Path, n: int) -> None:
    folder = shared_data / "odd/valid"
    upright = read_image(folder / "exif_upright.png").pixels.astype(int)
    for file in folder.glob(f"exif_orient_{n}.*"):
        image = read_image(file)
        assert np.abs(image.pixels - upright).mean() < 6
        exif = PIL.Image.Exif()
        exif.load(image.metadata.exif)
        assert exif[0x0112] == 1
        with open_image(file) as reader:
            np.testing.assert_array_equal(np.concatenate(list(reader.bands(7))), image.pixels)


@pytest.mark.parametrize("name", ["icc_adobe_rgb", "icc_display_p3"])
@pytest.mark.parametrize(("suffix", "tolerance"), [("png", 0.6), ("jpg", 4)])
def test_pixels_stay_in_their_profile(
    shared_data: Path, name: str, suffix: str, tolerance: float
) -> None:
    image = read_image(shared_data / f"odd/valid/{name}.{suffix}")
    source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(image.metadata.icc or b""))
    picture = PIL.Image.fromarray(image.pixels)
    srgb = PIL.ImageCms.profileToProfile(picture, source, PIL.ImageCms.createProfile("sRGB"))
    reference = read_image(shared_data / "odd/valid/icc_reference_srgb.png").pixels
    assert np.abs(np.asarray(srgb).astype(int) - reference).mean() < tolerance


@pytest.mark.parametrize("name", ["animated.gif", "animated.webp", "real_mixed_disposal.gif"])
def test_every_frame_of_an_animation(shared_data: Path, name: str) -> None:
    file = shared_data / "odd/valid" / name
    image = read_image(file)
    with PIL.Image.open(file) as picture:
        assert image.frames == picture.n_frames
        for i in range(image.frames):
            picture.seek(i)
            one = Image(np.ascontiguousarray(image.frame(i)))
            assert difference(rgba8(one), np.asarray(picture.convert("RGBA"))) <= 2
            assert image.metadata.delays_ms[i] == picture.info["duration"]


def test_broken_files_are_refused_in_one_line(shared_data: Path) -> None:
    files = [f for f in (shared_data / "odd/broken").iterdir() if not f.name.startswith("bomb")]
    assert len(files) == 28
    for file in files:
        if file.name in READABLE_BROKEN:
            assert difference(rgba8(read_image(file)), pillow(file)) == 0
            continue
        with pytest.raises(InputError) as caught:
            read_image(file)
        assert str(file) in str(caught.value), file.name
        assert "\n" not in str(caught.value)
        with pytest.raises(InputError), open_image(file) as reader:
            list(reader.bands(8))


def test_bombs_are_refused_by_their_header(shared_data: Path) -> None:
    bombs = sorted((shared_data / "odd/broken").glob("bomb*"))
    assert len(bombs) == 4
    for bomb in bombs:
        with pytest.raises(InputError, match=r"limit of 100; .*--max-pixels \d+"):
            open_image(bomb, max_pixels=100_000_000)
        if "12000x12000" not in bomb.name:  # 144 megapixels: below the default limit
            with pytest.raises(InputError, match="limit of 300"):
                open_image(bomb)


def test_valid_files_beyond_pillow(shared_data: Path) -> None:
    folder = shared_data / "odd/unsupported"
    with pytest.raises(InputError, match=r"12 bits a channel.*16-bit TIFF or PNG"):
        read_image(folder / "jpeg_12bit.jpg")
    # No tag says that they are anything but sRGB, as with samples of any other type.
    samples = tifffile.imread(folder / "real_rgb_float32.tiff").clip(0, 1)
    pixels = read_image(folder / "real_rgb_float32.tiff").pixels
    assert np.abs(pixels / 65535 - samples).max() < 1e-5
    cmyk = read_image(folder / "real_cmyk.tiff")
    assert (cmyk.channels, cmyk.pixels.dtype) == (4, np.uint8)


@pytest.mark.parametrize("white", [255, 65535])
def test_inks_without_a_profile_by_hand(tmp_path: Path, white: int) -> None:
    none, half, full = 0, white // 2, white
    inks = [
        [none] * 4,
        [full, none, none, none],
        [none, none, none, full],
        [none, half, full, half],
    ]
    dtype = np.uint8 if white == 255 else np.uint16
    tifffile.imwrite(tmp_path / "a.tif", np.array([inks], dtype), photometric="separated")
    pixels = read_image(tmp_path / "a.tif").pixels
    grey = (white - half) / white
    expected = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 0], [grey, grey * grey, 0]]) * white
    assert pixels.dtype == dtype
    assert np.abs(pixels[0] - expected).max() <= 1


def test_a_name_is_not_believed(shared_data: Path) -> None:
    with open_image(shared_data / "odd/valid/png_named.jpg") as reader:
        assert reader.header.format == "png"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("truncated.png", "the data in it is damaged"),
        ("truncated.tiff", "it ends in the middle"),
        ("zero_bytes.png", "the file is empty; fetch it again"),
        ("fuzz_0.jpg", "as JPEG: the data in it is damaged .*; get a fresh copy"),
        ("fuzz_476.jpg", "damaged .premature end of data segment.; get a fresh copy"),
        ("fuzz_952.jpg", "as JPEG: it ends in the middle; get a fresh copy"),
        ("truncated.jpg", "as JPEG: it ends in the middle; get a fresh copy"),
        ("truncated_header.jpg", "as JPEG: it ends in the middle; get a fresh copy"),
    ],
)
def test_damage_is_told_in_plain_words(shared_data: Path, name: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_image(shared_data / "odd" / "broken" / name)


def test_a_rare_kind_of_jpeg_is_called_so(shared_data: Path) -> None:
    baseline = bytearray((shared_data / "odd/valid/jpeg_420_odd_size.jpg").read_bytes())
    # ITU-T T.81, table B.1: SOF0 is baseline, SOF5 differential, which libjpeg does not read.
    baseline[baseline.index(b"\xff\xc0") + 1] = 0xC5
    with pytest.raises(InputError, match="rare kind of JPEG; save it as PNG"):
        read_image(bytes(baseline))


def test_damage_is_not_told_of_the_next_file(shared_data: Path) -> None:
    broken = shared_data / "odd" / "broken"
    with open_image(broken / "fuzz_476.jpg") as reader:
        assert reader.header.width == 32  # its pixels were not asked for, only noted as damaged
    with pytest.raises(InputError) as caught:
        read_image(broken / "pngsuite_xc9n2c08.png")
    assert "JPEG" not in str(caught.value)


def test_a_broken_file_costs_one_line_in_a_process_of_its_own(
    shared_data: Path, tmp_path: Path
) -> None:
    # What libvips has to say comes as late as when Python ends.
    file = shared_data / "odd/broken/fuzz_476.jpg"
    command = [sys.executable, "-m", "crispen", "enhance", str(file), "-o", str(tmp_path / "x.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_message_with_bytes_of_the_file_is_a_message() -> None:
    from crispen.media.picture.vips import vips

    # pyvips would raise a UnicodeDecodeError, or print one, amid libvips' callback.
    for text, expected in ((b"caf\xe9", "caf\ufffd"), ("café".encode(), "café")):
        pointer = vips().ffi.new("char[]", text)
        assert vips().error._to_string(pointer) == expected
        assert vips()._to_string(pointer) == expected
