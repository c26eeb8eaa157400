"""Colours that a file tells without a profile: kept, turned into one, or refused.

What is right is computed from the standards' formulas, and read back by LittleCMS (through Pillow)
and avifdec.
"""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile

from crispen.errors import InputError, UsageError
from crispen.media.image import Image, open_image, read_image, write_image

from ..pictures import ICC, XMP, exif, smooth, srgb

HOLDERS = ["png", "jpeg", "webp", "tiff", "avif"]
# ITU-T H.273: Display P3 (SMPTE EG 432-1) to linear sRGB, as in CSS Color 4, 10.9.
P3_TO_SRGB = np.array(
    [
        [1.2249401763, -0.2249401763, 0.0],
        [-0.0420569547, 1.0420569547, 0.0],
        [-0.0196375546, -0.0786360456, 1.0982736002],
    ]
)


def png(pixels: np.ndarray, **chunks: bytes) -> bytes:
    """A PNG with chunks before its pixels, in the order given."""
    out = io.BytesIO()
    write_image(Image(pixels), out, format="png")
    data = out.getvalue()
    more = b""
    for kind, content in chunks.items():
        tagged = kind.encode() + content
        more += struct.pack(">I", len(content)) + tagged + struct.pack(">I", zlib.crc32(tagged))
    return data[:33] + more + data[33:]


def gamma(exponent: float) -> bytes:
    return struct.pack(">I", round(exponent * 100_000))


def chromaticities(*numbers: float) -> bytes:
    """White, red, green, blue."""
    return struct.pack(">8I", *(round(n * 100_000) for n in numbers))


ADOBE_RGB = chromaticities(0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
DISPLAY_P3 = bytes((12, 13, 0, 1))
PQ = bytes((9, 16, 0, 1))


def chunk(data: bytes, kind: bytes) -> bytes | None:
    at = 8
    while at < len(data):
        size, found = struct.unpack_from(">I4s", data, at)
        if found == kind:
            return data[at + 8 : at + 8 + size]
        at += 12 + size
    return None


def written(source: bytes, format: str) -> bytes:
    image = read_image(source)
    out = io.BytesIO()
    write_image(image, out, format=format, quality=100 if format in ("jpeg", "webp") else None)
    return out.getvalue()


def as_srgb(data: bytes) -> np.ndarray:
    """What LittleCMS shows of a file by its profile: ``(height, width, 3)`` 8-bit sRGB."""
    with PIL.Image.open(io.BytesIO(data)) as picture:
        profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
        mode = "L" if profile.profile.xcolor_space.strip() == "GRAY" else "RGB"
        shown = PIL.ImageCms.profileToProfile(
            picture.convert(mode),
            profile,
            PIL.ImageCms.createProfile("sRGB"),
            renderingIntent=PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    return np.asarray(shown).astype(int)


@pytest.mark.parametrize("format", HOLDERS)
@pytest.mark.parametrize("exponent", [1 / 1.8, 0.35])
def test_a_gamma_is_turned_into_a_profile(format: str, exponent: float) -> None:
    pixels = smooth(48, 64, 3)
    found = as_srgb(written(png(pixels, gAMA=gamma(exponent)), format))
    expected = 255 * srgb((pixels / 255) ** (1 / exponent))
    # Without a profile the colours would be off by 15 levels and more.
    assert np.abs(found - expected).mean() < (0.6 if format in ("png", "tiff") else 1.5)
    assert np.abs(pixels - expected).max() > 15


def test_a_grey_gamma_is_turned_into_a_grey_profile() -> None:
    pixels = smooth(48, 64, 1)
    data = written(png(pixels, gAMA=gamma(1 / 1.8)), "png")
    with PIL.Image.open(io.BytesIO(data)) as picture:
        assert picture.mode == "L"
        assert picture.info["icc_profile"][16:20] == b"GRAY"
    expected = 255 * srgb((pixels / 255) ** 1.8)
    assert np.abs(as_srgb(data) - expected).max() <= 2


def test_primaries_are_turned_into_a_profile(shared_data: Path) -> None:
    # The same picture in Adobe RGB, whose profile is replaced by what it says in chunks.
    image = read_image(shared_data / "odd/valid/icc_adobe_rgb.png")
    reference = read_image(shared_data / "odd/valid/icc_reference_srgb.png").pixels
    source = png(image.pixels, gAMA=gamma(1 / 2.2), cHRM=ADOBE_RGB)
    assert np.abs(as_srgb(written(source, "png")) - reference).mean() < 0.6
    assert np.abs(image.pixels.astype(int) - reference).mean() > 3


@pytest.mark.parametrize("format", HOLDERS)
def test_code_points_are_kept_or_turned_into_a_profile(format: str) -> None:
    pixels = smooth(48, 64, 3)
    data = written(png(pixels, cICP=DISPLAY_P3), format)
    with PIL.Image.open(io.BytesIO(data)) as picture:
        stored = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(stored - pixels).max() <= (0 if format in ("png", "tiff") else 6)
    if format == "avif":
        assert read_image(data).metadata.cicp == (12, 13)
        return
    light = pixels / 255
    light = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    expected = 255 * srgb((light @ P3_TO_SRGB.T).clip(0, 1))
    assert np.abs(as_srgb(data) - expected).mean() < (0.6 if format in ("png", "tiff") else 1.5)
    if format == "png":
        assert chunk(data, b"cICP") == DISPLAY_P3


def test_srgb_stays_without_a_profile() -> None:
    pixels = smooth(8, 12, 3)
    usual = chromaticities(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
    for source, stays in (
        (png(pixels, sRGB=b"\0", gAMA=gamma(0.5)), b"\0"),
        (png(pixels, gAMA=gamma(0.45455), cHRM=usual), None),
        (png(pixels, gAMA=gamma(0)), None),
        (png(pixels, cHRM=bytes(32)), None),
    ):
        image = read_image(source)
        assert image.metadata.icc is None
        data = written(source, "png")
        assert (chunk(data, b"sRGB"), chunk(data, b"iCCP")) == (stays, None)
        np.testing.assert_array_equal(image.pixels, pixels)


def test_which_chunk_counts() -> None:
    profile = b"p\0\0" + zlib.compress(ICC)
    pixels = smooth(8, 12, 3)
    first = read_image(png(pixels, iCCP=profile, gAMA=gamma(1)))
    assert (first.metadata.icc, first.metadata.cicp) == (ICC, None)
    np.testing.assert_array_equal(first.pixels, pixels)  # a gamma of 1 does not count
    second = read_image(png(pixels, iCCP=profile, cICP=DISPLAY_P3)).metadata
    assert second.cicp == (12, 13)
    assert second.icc not in (None, ICC)
    with pytest.raises(InputError, match="video samples"):
        read_image(png(pixels, cICP=bytes((9, 16, 9, 0))))


@pytest.mark.parametrize("chunks", [{"gAMA": gamma(1)}, {"cICP": bytes((1, 8, 0, 1))}])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_linear_light_gets_the_usual_curve(
    chunks: dict[str, bytes], channels: int, dtype: str
) -> None:
    pixels = smooth(24, 32, channels, dtype)
    with open_image(png(pixels, **chunks)) as reader:
        assert reader.notes == ["its linear light was given sRGB's curve, and 16 bits"]
        assert reader.header.metadata.icc is None
        found = np.concatenate(list(reader.bands(5)))
    expected = pixels / np.iinfo(dtype).max
    colours = channels - 1 + channels % 2
    expected[..., :colours] = srgb(expected[..., :colours])
    assert found.dtype == np.uint16
    assert np.abs(found - 65535 * expected).max() <= 1


def test_hdr_goes_where_it_can_be_told() -> None:
    source = png(smooth(32, 48, 3, "uint16"), cICP=PQ)
    image = read_image(source)
    assert (image.metadata.icc, image.metadata.cicp) == (None, (9, 16))
    assert chunk(written(source, "png"), b"cICP") == PQ
    for format in ("jpeg", "webp", "tiff", "gif"):
        with pytest.raises(UsageError, match=r"HDR \(PQ\), which .* cannot hold; use PNG or AVIF"):
            written(source, format)
    again = read_image(written(source, "avif"))
    assert again.metadata.cicp == (9, 16)
    assert np.abs(again.pixels.astype(int) - image.pixels).max() < 65535 * 0.04


@pytest.mark.skipif(shutil.which("avifdec") is None, reason="libavif's programs are not installed")
@pytest.mark.parametrize(
    ("codes", "depth"), [("12/13/6", 8), ("9/16/9", 10), ("9/18/9", 12), ("1/13/6", 8)]
)
@pytest.mark.parametrize("quality", [None, 100])
def test_avif_by_libavif(tmp_path: Path, codes: str, depth: int, quality: int | None) -> None:
    pixels = smooth(48, 64, 3, "uint16")
    Image(pixels).save(tmp_path / "a.png")
    command = ["avifenc", "--min", "0", "--max", "0", "-y", "444", "-d", str(depth)]
    command += ["--cicp", codes, str(tmp_path / "a.png"), str(tmp_path / "a.avif")]
    subprocess.run(command, check=True, capture_output=True)
    image = read_image(tmp_path / "a.avif")
    primaries, transfer, _ = (int(n) for n in codes.split("/"))
    assert image.metadata.cicp == (primaries, transfer)
    assert image.pixels[:, -1, 0].max() >= 64510 / 65535 * np.iinfo(image.pixels.dtype).max
    image.save(tmp_path / "b.avif", quality=quality)
    info = subprocess.run(
        ["avifdec", "--info", str(tmp_path / "b.avif")], check=True, capture_output=True, text=True
    ).stdout
    assert f"Color Primaries: {primaries}\n" in info
    assert f"Transfer Char. : {transfer}\n" in info
    subprocess.run(
        ["avifdec", "-d", "16", str(tmp_path / "b.avif"), str(tmp_path / "b.png")],
        check=True,
        capture_output=True,
    )
    decoded = read_image(tmp_path / "b.png").pixels / 65535
    assert np.abs(decoded - pixels / 65535).max() < (0.01 if quality else 0.04)
    image.save(tmp_path / "c.png")
    stored = (tmp_path / "c.png").read_bytes()
    if codes == "1/13/6":
        assert chunk(stored, b"sRGB") == b"\0"
    else:
        assert chunk(stored, b"cICP") == bytes((primaries, transfer, 0, 1))


def test_avif_white_is_white() -> None:
    pixels = np.full((16, 16, 3), 65535, np.uint16)
    out = io.BytesIO()
    write_image(Image(pixels), out, format="avif", quality=100)
    np.testing.assert_array_equal(read_image(out.getvalue()).pixels, pixels)


def floats(path: Path, samples: np.ndarray, **tags: object) -> Path:
    tifffile.imwrite(path, samples, photometric="rgb", **tags)
    return path


def test_floats_are_what_their_tags_say(tmp_path: Path) -> None:
    share = (smooth(20, 30, 3, "uint16") / 65535).astype(np.float32)
    plain = floats(tmp_path / "a.tif", share)
    of_255 = floats(tmp_path / "b.tif", share * 255, extratags=[(341, "f", 3, [255.0] * 3, True)])
    profiled = floats(tmp_path / "c.tif", share, iccprofile=ICC)
    for path, white, where in (
        (plain, 1, "sRGB, since it holds no profile"),
        (of_255, 255, "sRGB, since it holds no profile"),
        (profiled, 1, "its own profile"),
    ):
        with open_image(path) as reader:
            found = reader.read()
            assert np.abs(found / 65535 - share).max() < 2e-5
            assert reader.notes == [
                f"its floating-point samples were treated as 0 to {white} of {where}"
            ]
            assert reader.header.metadata.icc == (ICC if path == profiled else None)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (255.0, "samples go up to 255, but it does not say which value is white; save"),
        (np.nan, "no numbers"),
        (np.inf, "no numbers"),
    ],
)
def test_floats_that_cannot_be_decided_are_refused(tmp_path: Path, value: float, told: str) -> None:
    samples = np.zeros((20, 30, 3), np.float32)
    samples[17, 3, 1] = value
    path = floats(tmp_path / "a.tif", samples)
    with pytest.raises(InputError, match=told):
        read_image(path)
    with open_image(path) as reader, pytest.raises(InputError, match=told):
        list(reader.bands(4))


def test_overshoot_is_cut_off_with_a_note(tmp_path: Path) -> None:
    samples = np.array([[[-0.1, 0.5, 1.05]]], np.float32)
    with open_image(floats(tmp_path / "a.tif", samples)) as reader:
        assert reader.read().tolist() == [[[0, 32768, 65535]]]
        assert reader.notes[-1] == "samples darker than 0 or brighter than 1 were cut off"


@pytest.mark.parametrize(
    ("dtype", "told"),
    [
        ("uint32", "32-bit whole numbers"),
        ("int16", "16-bit numbers with a sign"),
        ("float64", "floating-point samples of 64 bits"),
    ],
)
def test_other_samples_are_called_by_their_name(tmp_path: Path, dtype: str, told: str) -> None:
    path = floats(tmp_path / "a.tif", np.zeros((4, 4, 3), dtype))
    with pytest.raises(InputError, match=rf"it stores {told}, .*; save it in 16 bits"):
        read_image(path)


@pytest.mark.parametrize(("index", "space", "adobe"), [("R03", 0xFFFF, True), ("R98", 1, False)])
def test_adobe_rgb_of_cameras(shared_data: Path, index: str, space: int, adobe: bool) -> None:
    image = read_image(shared_data / "odd/valid/icc_adobe_rgb.png")
    tags = PIL.Image.Exif()
    tags[0x010F] = "A camera"
    inner = tags.get_ifd(0x8769)
    inner[0xA001], inner[0xA005] = space, {1: index}
    out = io.BytesIO()
    PIL.Image.fromarray(image.pixels).save(out, "jpeg", exif=tags, quality=98, subsampling=0)
    data = out.getvalue()
    if not adobe:
        assert read_image(data).metadata.icc is None
        return
    reference = read_image(shared_data / "odd/valid/icc_reference_srgb.png").pixels
    assert np.abs(as_srgb(written(data, "png")) - reference).mean() < 1.5


def test_code_points_beside_alpha_and_notes() -> None:
    image = read_image(png(smooth(32, 48, 4), cICP=DISPLAY_P3))
    image = Image(image.pixels, metadata=replace(image.metadata, exif=exif(), xmp=XMP))
    out = io.BytesIO()
    write_image(image, out, format="avif", quality=100)
    again = read_image(out.getvalue())
    assert (again.metadata.cicp, again.metadata.xmp) == ((12, 13), XMP)
    np.testing.assert_array_equal(again.pixels, image.pixels)
    with PIL.Image.open(out) as picture:
        assert picture.getexif()[0x010F] == "A camera"
        np.testing.assert_array_equal(np.asarray(picture), image.pixels)
