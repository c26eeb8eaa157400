"""HEIC pictures, and that what phones put beside the primary one is named when it goes."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import pillow_heif
import pytest

from crispen.errors import InputError, UsageError
from crispen.media.format_choice import output_format
from crispen.media.image import open_image, read_image, write_image
from crispen.media.picture.heif import left_out

from ..pictures import ICC, XMP, exif, smooth


def heic(pixels: np.ndarray, **options: object) -> bytes:
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[pixels.shape[2]] + (
        ";16" if pixels.dtype == np.uint16 else ""
    )
    size = (pixels.shape[1], pixels.shape[0])
    file = pillow_heif.from_bytes(mode=mode, size=size, data=pixels.tobytes())
    out = io.BytesIO()
    file.save(out, quality=-1, chroma=444, matrix_coefficients=0, **options)
    return out.getvalue()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_heic(channels: int, dtype: str) -> None:
    pixels = smooth(64, 96, channels, dtype)
    with open_image(heic(pixels)) as reader:
        header = reader.header
        assert (header.format, header.width, header.height) == ("heif", 96, 64)
        assert (header.channels, header.dtype, reader.pages) == (channels, dtype, 1)
        found = np.concatenate(list(reader.bands(7)))
    tolerance = 0 if dtype == "uint8" else 65  # 10 bits, to which pillow-heif cuts
    assert np.abs(found.astype(int) - pixels).max() <= tolerance
    if channels == 4 or dtype == "uint8":
        assert found.max() == pixels.max()  # white is white, as in the alpha channel


def test_heic_of_an_iphone_has_everything() -> None:
    # Display P3, EXIF with an orientation that the container's rotation replaces.
    pixels = smooth(64, 96, 3)
    picture = PIL.Image.fromarray(pixels)
    pillow_heif.register_heif_opener()
    out = io.BytesIO()
    picture.save(
        out, "heif", quality=-1, chroma=444, exif=exif(6), icc_profile=ICC, xmp=XMP,
        matrix_coefficients=0,
    )  # fmt: skip
    image = read_image(out.getvalue())
    with PIL.Image.open(io.BytesIO(out.getvalue())) as shown:
        np.testing.assert_array_equal(image.pixels, np.asarray(shown))
    assert (image.width, image.height) == (64, 96)
    assert (image.metadata.icc, image.metadata.xmp) == (ICC, XMP)
    result = io.BytesIO()
    write_image(image, result, format="jpeg")
    with PIL.Image.open(result) as shown:
        assert shown.getexif()[0x010F] == "A camera"
        assert shown.getexif().get(0x0112, 1) == 1
        assert shown.info["icc_profile"] == ICC


def test_heic_tells_its_colours_in_code_points() -> None:
    data = bytearray(heic(smooth(64, 96, 3, "uint16")))
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">HH", 9, 16)
    image = read_image(bytes(data))
    assert image.metadata.cicp == (9, 16)
    with pytest.raises(UsageError, match="HDR"):
        write_image(image, io.BytesIO(), format="jpeg")


def test_heic_results_are_written_as_png_unless_told_otherwise() -> None:
    assert output_format(None, None, "heif").name == "png"
    with pytest.raises(UsageError, match="'heic' is not a picture format that is written"):
        output_format(None, Path("a.heic"), "heif")


def test_damaged_heic_is_one_line() -> None:
    data = heic(smooth(64, 96, 3))
    for cut in (40, len(data) // 2, len(data) - 20):
        with pytest.raises(InputError, match="cannot be read as HEIC"):
            read_image(data[:cut])


def test_heic_of_unknown_brands_is_one_line() -> None:
    data = bytearray(heic(smooth(64, 96, 3)))
    data[8:28] = b"heif\0\0\0\0abcdabcdabcd"
    with pytest.raises(InputError) as caught:
        read_image(bytes(data))
    assert "\n" not in str(caught.value)


GAIN_MAP = "urn:com:apple:photo:2020:aux:hdrgainmap"
MATTE = "urn:com:apple:photo:2018:aux:portraiteffectsmatte"
SKIN = "urn:com:apple:photo:2019:aux:semanticskinmatte"
DISPARITY = "urn:com:apple:photo:2017:aux:disparity"


@pytest.mark.parametrize(
    ("info", "named"),
    [
        ({}, None),
        ({"depth_images": [], "aux": {}}, None),
        ({"depth_images": [object()], "aux": {}}, "its depth map went"),
        ({"aux": {GAIN_MAP: [2]}}, "its HDR gain map went"),
        ({"aux": {GAIN_MAP: [2], MATTE: [3], SKIN: [4]}}, "its HDR gain map and mattes went"),
        (
            {"depth_images": [object()], "aux": {GAIN_MAP: [2], MATTE: [3]}},
            "its depth map, HDR gain map and mattes went",
        ),
        ({"depth_images": [object()], "aux": {DISPARITY: [2]}}, "its depth map went"),
        ({"aux": {DISPARITY: [2]}}, "its depth map went"),
        ({"aux": {"urn:somebody:else": [2]}}, "its auxiliary pictures went"),
    ],
)
def test_what_goes_is_named(info: dict[str, object], named: str | None) -> None:
    found = left_out(info)
    assert found == (() if named is None else (f"{named}: they belong to the picture as it was",))
