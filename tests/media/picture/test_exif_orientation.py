"""Every form in which files say how they are stored: turned once, and never again.

exiftool and Pillow read the results, for they accept more forms than most viewers.
"""

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
import tifffile

from crispen.media.image import Image, open_image, read_image
from crispen.media.picture import exif_orientation

from ..pictures import smooth

# Type of the tag and its values, the first of which counts: BYTE, SHORT, LONG, SSHORT, SLONG.
FORMS = [(1, [6]), (3, [6]), (4, [6]), (8, [6]), (9, [6]), (3, [6, 6]), (3, [6, 0]), (4, [6, 6])]
CODES = {1: "B", 2: "B", 3: "H", 4: "I", 8: "h", 9: "i"}
XMP = """<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF
 xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>{}</rdf:RDF></x:xmpmeta>"""


def exif(order: str, kind: int, values: list[int]) -> bytes:
    """EXIF with a maker, the orientation in a form of choice, and what follows it."""
    packed = struct.pack(f"{order}{len(values)}{CODES[kind]}", *values)
    make = b"A camera\0"
    at = 8 + 2 + 2 * 12 + 4
    where = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(f"{order}I", at)
    later = packed if len(packed) > 4 else b""
    first = struct.pack(f"{order}HHII", 0x010F, 2, len(make), at + len(later))
    second = struct.pack(f"{order}HHI", 0x0112, kind, len(values)) + where
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8)
    table = struct.pack(f"{order}H", 2) + first + second + bytes(4)
    return b"Exif\0\0" + head + table + later + make


def told(path: Path) -> set[str]:
    """Every orientation that exiftool finds in a file, as numbers."""
    command = ["exiftool", "-json", "-n", "-a", "-G1", "-Orientation", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {str(v) for k, v in json.loads(done.stdout)[0].items() if k.endswith(":Orientation")}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "values"), FORMS)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_every_form_is_turned_once(
    tmp_path: Path, order: str, kind: int, values: list[int], suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {}
    stored = PIL.Image.fromarray(smooth(24, 40, 3))
    stored.save(path, exif=exif(order, kind, values), **options)
    with PIL.Image.open(path) as picture:
        expected = np.asarray(picture.transpose(PIL.Image.Transpose.ROTATE_270))
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels, expected)
    assert exif_orientation.orientation(image.metadata.exif or b"") == 1
    result = tmp_path / f"b{suffix}"
    image.save(result, quality=100)
    assert np.abs(read_image(result).pixels.astype(int) - expected).max() <= 3
    if shutil.which("exiftool"):
        assert {number for said in told(result) for number in said.split()} <= {"1"}
        assert "6" in " ".join(told(path))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["B", "H", "I"])
def test_every_form_in_tiff(tmp_path: Path, order: str, dtype: str) -> None:
    pixels = smooth(24, 40, 3)
    path = tmp_path / "a.tif"
    kind = {"B": 1, "H": 3, "I": 4}[dtype]
    tifffile.imwrite(
        path, pixels, byteorder=order, photometric="rgb", extratags=[(274, kind, 1, 6, True)]
    )
    np.testing.assert_array_equal(read_image(path).pixels, np.rot90(pixels, -1))
    read_image(path).save(tmp_path / "b.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif").pixels, np.rot90(pixels, -1))


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (
            "<rdf:Description xmlns:t='http://ns.adobe.com/tiff/1.0/' t:Orientation='6'/>",
            "t:Orientation='1'",
        ),
        (
            '<rdf:Description xmlns:ns1="http://ns.adobe.com/tiff/1.0/">'
            "<ns1:Orientation> 6</ns1:Orientation></rdf:Description>",
            "<ns1:Orientation> 1<",
        ),
        (
            "<rdf:Description xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation = '8'/>",
            "tiff:Orientation = '1'",
        ),
        # Another namespace means something else.
        ("<rdf:Description xmlns:z='urn:z' z:Orientation='6'/>", "z:Orientation='6'"),
    ],
)
def test_xmp_under_any_prefix(tmp_path: Path, said: str, left: str) -> None:
    path = tmp_path / "a.jpg"
    xmp = XMP.format(said).encode()
    PIL.Image.fromarray(smooth(6, 9, 3)).save(path, exif=exif("<", 4, [6]), xmp=xmp)
    image = read_image(path)
    assert (image.width, image.height) == (6, 9)
    assert left.encode() in (image.metadata.xmp or b"")


def test_xmp_alone_neither_turns_nor_is_changed(tmp_path: Path) -> None:
    # As browsers see it; whoever reads it turns the result as they turned the source.
    path = tmp_path / "a.jpg"
    xmp = XMP.format(
        "<rdf:Description xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='6'/>"
    ).encode()
    PIL.Image.fromarray(smooth(6, 9, 3)).save(path, xmp=xmp)
    image = read_image(path)
    assert (image.width, image.metadata.xmp) == (9, xmp)


@pytest.mark.parametrize(
    ("kind", "values"), [(2, [6]), (3, []), (3, [0]), (3, [9]), (4, [1 << 20])]
)
def test_nonsense_turns_nothing(kind: int, values: list[int]) -> None:
    out = io.BytesIO()
    PIL.Image.fromarray(smooth(6, 9, 3)).save(out, "jpeg", exif=exif("<", kind, values))
    assert read_image(out.getvalue()).width == 9


@pytest.mark.parametrize("cut", range(0, 61, 3))
def test_damaged_exif_stops_nothing(cut: int) -> None:
    data = exif("<", 4, [6, 6])
    assert len(exif_orientation.upright(data[:cut])) == cut
    out = io.BytesIO()
    PIL.Image.fromarray(smooth(6, 9, 3)).save(out, "webp", exif=data[: max(cut, 6)])
    with open_image(out.getvalue()) as reader:
        assert sorted((reader.header.width, reader.header.height)) == [6, 9]


def test_bands_are_upright_too(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    PIL.Image.fromarray(smooth(24, 40, 3)).save(path, exif=exif(">", 3, [6, 6]))
    with open_image(path) as reader:
        bands = np.concatenate(list(reader.bands(7)))
    np.testing.assert_array_equal(bands, np.rot90(smooth(24, 40, 3), -1))
    assert Image(bands).width == 24
