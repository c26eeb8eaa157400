"""Metadata from every format to every other, judged by exiftool: kept, or named by a note."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from crispen.errors import InputError
from crispen.media.formats import PICTURES
from crispen.media.image import ImageWriter, open_image, read_image, write_image

from ..pictures import smooth

NEEDS_EXIFTOOL = pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="exiftool is not installed"
)
SOURCES = ("jpg", "png", "webp", "tif", "avif", "jxl")
WORDS = (
    *(
        "-EXIF:Make=Example",
        "-EXIF:Artist=Ann",
        "-EXIF:DateTimeOriginal=2024:05:06 07:08:09",
        "-FNumber=2.8",
    ),
    *("-GPSLatitude=47.5", "-GPSLatitudeRef=N", "-XPTitle=Bike", "-UserComment=noted"),
    *("-XMP-dc:Title=Bike", "-XMP-dc:Subject=street", "-XMP-xmp:Label=Red"),
)
GROUPS = ("IFD0:", "ExifIFD:", "GPS:", "XMP-dc:", "XMP-xmp:")
OF_THE_PIXELS = {
    *("BitsPerSample", "Compression", "ImageWidth", "ImageHeight", "PhotometricInterpretation"),
    *("PlanarConfiguration", "Predictor", "ResolutionUnit", "RowsPerStrip", "SampleFormat"),
    *("SamplesPerPixel", "StripByteCounts", "StripOffsets", "XResolution", "YResolution"),
    *("YCbCrPositioning", "SubfileType", "Orientation"),
}


def exiftool(*words: str) -> str:
    command = ["exiftool", "-q", "-q", "-m", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def tags(paths: list[Path]) -> dict[str, dict[str, str]]:
    """What stands in each file, by its name."""
    told = json.loads(exiftool("-j", "-a", "-G1", *map(str, paths)))
    return {
        Path(one["SourceFile"]).name: {
            key: str(value)
            for key, value in one.items()
            if key.startswith(GROUPS) and key.split(":")[1] not in OF_THE_PIXELS
        }
        for one in told
    }


def copied(source: Path, result: Path) -> list[str]:
    """The notes of writing a picture into another format."""
    with open_image(source) as reader:
        pixels = reader.read()
        with ImageWriter(result, reader.header) as writer:
            writer.write(pixels)
        return [*reader.notes, *writer.notes]


@NEEDS_EXIFTOOL
def test_exif_and_xmp_from_every_format_to_every_other(tmp_path: Path) -> None:
    """PNG and WebP hold EXIF without the word that JPEG wants before it, for one."""
    sources = []
    for suffix in SOURCES:
        sources.append(tmp_path / f"a.{suffix}")
        write_image(read_image(_png()), sources[-1])
    exiftool("-overwrite_original", *WORDS, *map(str, sources))
    notes, results = {}, []
    for source in sources:
        for kind in PICTURES.values():
            if kind.writable:
                result = tmp_path / f"{source.suffix[1:]}-to{kind.suffixes[0]}"
                notes[result.name] = copied(source, result)
                results.append(result)
    found = tags([*sources, *results])
    for source in sources:
        before = found[source.name]
        assert len(before) >= 11, source
        for result in results:
            if result.name.startswith(f"{source.suffix[1:]}-to"):
                missing = {k: v for k, v in before.items() if found[result.name].get(k) != v}
                if result.suffix == ".gif":
                    assert "left out, since GIF cannot hold it: EXIF, XMP" in notes[result.name]
                else:
                    assert (result.name, missing, notes[result.name]) == (result.name, {}, [])


def _png() -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(smooth(24, 32, 3)).save(file, "PNG")
    return file.getvalue()


def with_makers_notes() -> bytes:
    """EXIF whose makers' notes lie behind all else, as Olympus' do, with an offset of their own."""
    notes = b"OLYMP\0\1\0" + struct.pack("<I", 0x1234) + bytes(range(40))
    make = b"Example\0"
    first = struct.pack("<HHHIIHHIII", 2, 0x10F, 2, 8, 38, 0x8769, 4, 1, 46, 0)
    inner = struct.pack("<HHHII", 1, 0x927C, 7, len(notes), 64) + bytes(4)
    return b"Exif\0\0II*\0\x08\0\0\0" + first + make + inner + notes


@pytest.mark.parametrize("format", ["avif", "jpeg", "png", "webp"])
def test_exif_goes_byte_for_byte_wherever_it_can(format: str) -> None:
    """Inside it makers count from its start, and only they know where."""
    image = read_image(_png())
    raw = with_makers_notes()
    object.__setattr__(image.metadata, "exif", raw)
    file = io.BytesIO()
    write_image(image, file, format=format)
    again = read_image(file.getvalue())
    assert again.metadata.exif is not None
    assert again.metadata.exif.removeprefix(b"Exif\0\0") == raw.removeprefix(b"Exif\0\0")
    assert np.abs(again.pixels.astype(int) - image.pixels).max() <= 12
    if format == "avif":  # Pillow finds it where the boxes say
        assert PIL.Image.open(file).getexif()[0x10F] == "Example"


def test_makers_notes_that_a_tiff_cannot_hold_are_told(tmp_path: Path) -> None:
    image = read_image(_png())
    object.__setattr__(image.metadata, "exif", with_makers_notes())
    image.save(tmp_path / "a.jpg")
    (note,) = copied(tmp_path / "a.jpg", tmp_path / "a.tif")
    assert note.startswith("makers' notes were left out")
    assert copied(tmp_path / "a.jpg", tmp_path / "b.jpg") == []


@NEEDS_EXIFTOOL
def test_photoshops_copyright_address_and_paths_stay(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    write_image(read_image(_png()), source)
    exiftool(
        *("-overwrite_original", "-IPTC:City=Bern"),
        *("-Photoshop:URL=https://example.org/odd", "-Photoshop:IPTCDigest=new", str(source)),
    )
    for name in ("b.jpg", "c.tif", "d.jpg"):
        origin = tmp_path / "c.tif" if name == "d.jpg" else source
        assert copied(origin, tmp_path / name) == []
        (told,) = json.loads(exiftool("-j", "-G1", str(tmp_path / name)))
        assert told["Photoshop:URL"] == "https://example.org/odd"
        assert told["IPTC:City"] == "Bern"
        assert "Photoshop:IPTCDigest" not in told
        assert "ExifTool:Warning" not in told
    (note,) = copied(source, tmp_path / "b.png")
    assert note == (
        "left out, since PNG cannot hold it: IPTC, Photoshop's copyright flag, address or paths"
    )


def test_iptc_too_long_for_a_jpeg_is_told(tmp_path: Path) -> None:
    image = read_image(_png())
    object.__setattr__(image.metadata, "iptc", b"\x1c\2\x78" + bytes(70_000))
    with ImageWriter(tmp_path / "a.jpg", image.header()) as writer:
        writer.write(image.pixels)
    assert writer.notes == ["left out, since JPEG cannot hold it: IPTC"]


def test_a_gifs_comment_reaches_a_jpeg(tmp_path: Path) -> None:
    PIL.Image.fromarray(smooth(24, 32, 1)[..., 0]).save(tmp_path / "a.gif", comment=b"by hand")
    copied(tmp_path / "a.gif", tmp_path / "b.jpg")
    assert read_image(tmp_path / "b.jpg").metadata.comment == b"by hand"
    assert "left out, since PNG cannot hold it: comment" in copied(
        tmp_path / "a.gif", tmp_path / "b.png"
    )


@pytest.mark.parametrize(
    ("xmp", "note"),
    [
        (
            b'<d xmlns:g="http://ns.adobe.com/hdr-gain-map/1.0/" g:Version="1.0"/>',
            ["left out: the gain map that makes it HDR"],
        ),
        (
            b'<d xmlns:C="http://ns.google.com/photos/1.0/camera/" C:MotionPhoto="1"/>',
            ["left out: the video of its motion photo"],
        ),
        (b'<d xmlns:C="http://ns.google.com/photos/1.0/camera/" C:Burst="1"/>', []),
    ],
)
def test_what_a_phone_put_beside_the_picture_is_told(
    tmp_path: Path, xmp: bytes, note: list[str]
) -> None:
    image = read_image(_png())
    object.__setattr__(image.metadata, "xmp", xmp)
    with ImageWriter(tmp_path / "a.jpg", image.header()) as writer:
        writer.write(image.pixels)
    assert writer.notes == note


@pytest.mark.parametrize(
    ("mode", "suffix", "note"),
    [
        ("CMYK", "jpg", ["its CMYK was converted to RGB"]),
        ("CMYK", "tif", ["its CMYK was converted to RGB"]),
        ("1", "png", ["its 1 bit a pixel became 8 bits of grey"]),
        ("1", "tif", ["its 1 bit a pixel became 8 bits of grey"]),
        ("L", "png", []),
        ("RGB", "jpg", []),
    ],
)
def test_what_is_converted_on_reading_is_told(
    tmp_path: Path, mode: str, suffix: str, note: list[str]
) -> None:
    PIL.Image.new(mode, (24, 16)).save(tmp_path / f"a.{suffix}")
    assert copied(tmp_path / f"a.{suffix}", tmp_path / "b.png") == note


def test_lab_is_converted_or_called_by_its_name(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    grey = np.full((16, 24, 3), (128, 0, 0), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="cielab")
    with pytest.raises(InputError, match="its Lab colours are stored in an unsupported way"):
        read_image(tmp_path / "a.tif")


def test_a_position_on_earth_is_told(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    scale = (33550, "d", 3, (10.0, 10.0, 0.0))
    tifffile.imwrite(tmp_path / "a.tif", smooth(16, 16, 3), extratags=[(*scale, True)])
    (note,) = copied(tmp_path / "a.tif", tmp_path / "b.tif")
    assert note.startswith("its GeoTIFF position was left out")


def test_grey_in_sixteen_bits_stays_so_in_jpeg_xl() -> None:
    deep = np.arange(64 * 32, dtype=np.uint16).reshape(32, 64, 1) * 31 + 7
    file = io.BytesIO()
    image = read_image(_png())
    write_image(type(image)(deep), file, format="jxl", quality=100)
    found = read_image(file.getvalue())
    assert found.pixels.dtype == np.uint16
    np.testing.assert_array_equal(found.pixels, deep)
    with ImageWriter(io.BytesIO(), type(image)(smooth(8, 8, 3, "uint16")).header("jxl")) as writer:
        writer.write(smooth(8, 8, 3, "uint16"))
    assert writer.notes == ["its 16 bits were rounded to 8: Crispen writes no more of this"]


def test_texts_of_an_animated_png_stay(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a bike, Steps: 20")
    first, second = (PIL.Image.new("RGB", (24, 16), (80 * i, 0, 200)) for i in range(2))
    first.save(tmp_path / "a.png", save_all=True, append_images=[second], pnginfo=info)
    assert copied(tmp_path / "a.png", tmp_path / "b.png") == []
    with PIL.Image.open(tmp_path / "b.png") as picture:
        assert (picture.n_frames, picture.info["parameters"]) == (2, "a bike, Steps: 20")
