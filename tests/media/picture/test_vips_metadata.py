"""What people, cameras and programs wrote into a file reaches the result, or a note names it.

exiftool judges: what it reads of the source it reads of the result.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest

from crispen.media.image import Header, Image, ImageWriter, Metadata, read_image, write_image

from ..pictures import smooth

NEEDS_EXIFTOOL = pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="exiftool is not installed"
)
# True of the file and not of the picture, or made anew.
OF_THE_FILE = {
    *("SourceFile", "ExifToolVersion", "FileName", "Directory", "FileSize", "FileModifyDate"),
    *("FileAccessDate", "FileInodeChangeDate", "FilePermissions", "JFIFVersion"),
    *("EncodingProcess", "YCbCrSubSampling", "XMPToolkit", "CurrentIPTCDigest", "Filter"),
}


def tags(path: Path) -> dict[str, object]:
    command = ["exiftool", "-json", "-a", "-G1", "-struct", "-x", "File:all", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)[0]
    return {k: v for k, v in found.items() if k.split(":")[-1] not in OF_THE_FILE}


def photo(path: Path, *more: str) -> Path:
    """A JPEG as a photographer has it, written by exiftool."""
    PIL.Image.fromarray(smooth(40, 64, 3)).save(path, quality=95, dpi=(300, 300))
    command = [
        *("exiftool", "-q", "-overwrite_original", "-Make=Example", "-Model=One"),
        *("-DateTimeOriginal=2024:05:06 07:08:09", "-FNumber=2.8", "-GPSLatitude=48.1"),
        *("-GPSLatitudeRef=N", "-Copyright=Somebody", "-UserComment=Grüße"),
        *("-IPTC:Keywords=sea", "-IPTC:Keywords=sun", "-IPTC:Caption-Abstract=By the sea"),
        *("-XMP-dc:Title=Sea", "-XMP-xmp:Rating=4", "-Comment=A comment"),
        *("-ExifImageWidth=64", "-ExifImageHeight=40", *more, str(path)),
    ]
    subprocess.run(command, check=True)
    return path


@NEEDS_EXIFTOOL
def test_a_jpeg_keeps_everything(tmp_path: Path) -> None:
    source, result = photo(tmp_path / "a.jpg"), tmp_path / "b.jpg"
    read_image(source).save(result)
    before, after = tags(source), tags(result)
    assert {k for k in before if k not in after} == set()
    assert {k: (before[k], v) for k, v in after.items() if before.get(k) != v} == {}
    assert len(before) > 25


@NEEDS_EXIFTOOL
@pytest.mark.parametrize(
    ("suffix", "lost"),
    [
        (".png", {"IPTC", "Photoshop", "File", "JFIF"}),
        (".webp", {"IPTC", "Photoshop", "File", "JFIF"}),
        (".avif", {"IPTC", "Photoshop", "File", "JFIF"}),
        (".jxl", {"IPTC", "Photoshop", "File", "JFIF"}),
    ],
)
def test_other_formats_keep_exif_and_xmp(tmp_path: Path, suffix: str, lost: set[str]) -> None:
    source, result = photo(tmp_path / "a.jpg"), tmp_path / f"b{suffix}"
    image = read_image(source)
    with ImageWriter(result, image.header()) as writer:
        writer.write(image.pixels)
        assert writer.notes == [
            f"left out, since {writer_title(suffix)} cannot hold it: IPTC, comment"
        ]
    if suffix == ".jxl":  # of which exiftool 12 reads nothing
        again = read_image(result).metadata
        assert (again.exif, again.xmp) == (image.metadata.exif, image.metadata.xmp)
        return
    before, after = tags(source), tags(result)
    missing = {k for k in before if k not in after and k.split(":")[0] not in lost}
    assert missing == set()
    assert "ExifTool:Warning" not in after


def writer_title(suffix: str) -> str:
    return {".png": "PNG", ".webp": "WebP", ".avif": "AVIF", ".jxl": "JPEG XL"}[suffix]


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("strip", [False, True])
def test_tiff_keeps_everything_but_the_comment(tmp_path: Path, strip: bool) -> None:
    source, result = photo(tmp_path / "a.jpg"), tmp_path / "b.tif"
    image = read_image(source)
    write_image(image, result, strip_metadata=strip)
    with PIL.Image.open(result) as picture:
        np.testing.assert_array_equal(np.asarray(picture), image.pixels)
    before, after = tags(source), tags(result)
    if strip:
        assert not {k for k in after if k.startswith(("ExifIFD", "GPS", "XMP", "IPTC"))}
        return
    assert "ExifTool:Warning" not in after
    missing = {k for k in before if k not in after}
    assert missing <= {"File:Comment", "IFD0:YCbCrPositioning", "JFIF:ResolutionUnit"} | {
        k for k in before if k.startswith(("JFIF", "Photoshop"))
    }
    again = tmp_path / "c.jpg"
    read_image(result).save(again)
    back = tags(again)
    assert {k for k in before if k not in back} <= {"File:Comment", "IFD0:YCbCrPositioning"} | {
        k for k in before if k.startswith(("Interop", "IFD0:XResolution", "IFD0:YResolution"))
    } | {"IFD0:ResolutionUnit"}
    for name in ("ExifIFD:FNumber", "GPS:GPSLatitude", "IPTC:Keywords", "ExifIFD:UserComment"):
        assert before[name] == after[name] == back[name]


def test_exif_of_the_other_order_of_bytes(tmp_path: Path) -> None:
    data = b"MM\0*" + struct.pack(">I", 8)
    data += struct.pack(">HHHI4sHHIII", 2, 0x010F, 2, 4, b"Abc\0", 0x8769, 4, 1, 38, 0)
    data += struct.pack(">HHHII", 2, 0x829A, 5, 1, 38 + 30)
    data += struct.pack(">HHIHHI", 0x8827, 3, 1, 400, 0, 0) + struct.pack(">II", 1, 250)
    image = Image(smooth(8, 12, 3), metadata=Metadata(exif=b"Exif\0\0" + data))
    image.save(tmp_path / "a.tif")
    with PIL.Image.open(tmp_path / "a.tif") as picture:
        found = picture.getexif()
        assert found[0x010F] == "Abc"
        assert found.get_ifd(0x8769) == {0x829A: 1 / 250, 0x8827: 400}
    again = PIL.Image.Exif()
    again.load(read_image(tmp_path / "a.tif").metadata.exif)
    assert again.get_ifd(0x8769) == {0x829A: 1 / 250, 0x8827: 400}


def test_sizes_follow_and_the_old_thumbnail_goes(tmp_path: Path) -> None:
    thumbnail = io.BytesIO()
    PIL.Image.fromarray(smooth(8, 12, 3)).save(thumbnail, "jpeg")
    small = thumbnail.getvalue()
    # IFD0 with a pointer to EXIF, EXIF with the size, IFD1 with the thumbnail behind everything.
    exif_at, second_at, thumb_at = 8 + 18, 8 + 18 + 30, 8 + 18 + 30 + 30
    data = b"II*\0" + struct.pack("<I", 8)
    data += struct.pack("<HHHIII", 1, 0x8769, 4, 1, exif_at, second_at)
    data += struct.pack("<HHHIIHHIII", 2, 0xA002, 4, 1, 64, 0xA003, 4, 1, 40, 0)
    data += struct.pack("<HHHIIHHIII", 2, 0x0201, 4, 1, thumb_at, 0x0202, 4, 1, len(small), 0)
    image = Image(smooth(80, 128, 3), metadata=Metadata(exif=b"Exif\0\0" + data + small))
    for suffix in (".jpg", ".png", ".webp"):
        path = tmp_path / f"a{suffix}"
        image.save(path)
        assert small not in path.read_bytes()
        with PIL.Image.open(path) as picture:
            found = picture.getexif()
            assert found.get_ifd(0x8769) == {0xA002: 128, 0xA003: 80}
            assert not found.get_ifd(PIL.ExifTags.IFD.IFD1)


def test_makers_notes_stay_where_they_were(tmp_path: Path) -> None:
    # Some makers count places from the start of EXIF: a note that is moved cannot be read.
    note = b"OLYMPUS\0II\x03\0" + bytes(range(200))
    at = 8 + 18 + 18
    data = b"MM\0*" + struct.pack(">I", 8)
    data += struct.pack(">HHHIII", 1, 0x8769, 4, 1, 26, 0)
    data += struct.pack(">HHHIII", 1, 0x927C, 7, len(note), at, 0) + note
    image = Image(smooth(8, 12, 3), metadata=Metadata(exif=b"Exif\0\0" + data))
    for suffix in (".jpg", ".png", ".webp", ".jxl"):
        image.save(tmp_path / f"a{suffix}")
        assert data in (tmp_path / f"a{suffix}").read_bytes()


def test_png_texts_are_kept_wherever_they_stand(tmp_path: Path) -> None:
    info = PIL.PngImagePlugin.PngInfo()
    info.add_text("parameters", "a castle, oil on canvas\nSteps: 20")
    info.add_text("workflow", '{"nodes": []}' * 50, zip=True)
    info.add_itxt("Title", "Schloß", lang="de", tkey="Titel")
    out = io.BytesIO()
    PIL.Image.fromarray(smooth(8, 12, 3)).save(out, "png", pnginfo=info)
    late = b"eXIfMM\0*\0\0\0\x08" + struct.pack(">HHHI4sI", 1, 0x010F, 2, 3, b"Me\0\0", 0)
    tail = b"tEXtComment\0at the end"
    data = out.getvalue()[:-12]
    for chunk in (late, tail):
        data += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data += out.getvalue()[-12:]
    path = tmp_path / "a.png"
    image = read_image(data)
    image.save(path)
    with PIL.Image.open(path) as picture:
        assert picture.text == {
            "parameters": "a castle, oil on canvas\nSteps: 20",
            "workflow": '{"nodes": []}' * 50,
            "Title": "Schloß",
            "Comment": "at the end",
        }
        assert picture.getexif()[0x010F] == "Me"
    with ImageWriter(tmp_path / "a.jpg", image.header()) as writer:
        writer.write(image.pixels)
    assert writer.notes == [
        "left out, since JPEG cannot hold it: PNG text (parameters, workflow, Title, Comment)"
    ]


GAIN_MAP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:C="http://ns.google.com/photos/1.0/container/"
 xmlns:Item="http://ns.google.com/photos/1.0/container/item/"
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:xmpNote="http://ns.adobe.com/xmp/note/"
 hdrgm:Version="1.0" GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"
 GCamera:SpecialTypeID="portrait" exif:PixelXDimension="64" dc:creator="Me"
 xmpNote:HasExtendedXMP="0123456789ABCDEF0123456789ABCDEF">
 <C:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="GainMap"
 Item:Mime="image/jpeg"/></rdf:li></rdf:Seq></C:Directory>
 <exif:PixelYDimension>40</exif:PixelYDimension></rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_xmp_no_longer_speaks_of_what_is_gone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image(smooth(80, 128, 3), metadata=Metadata(xmp=GAIN_MAP)).save(path)
    xmp = read_image(path).metadata.xmp or b""
    ET.fromstring(xmp)
    for gone in (b"hdrgm:", b"MotionPhoto", b"GainMap", b"C:Directory", b"HasExtendedXMP"):
        assert gone not in xmp.replace(b"xmlns:hdrgm", b""), gone
    for stays in (b'dc:creator="Me"', b'GCamera:SpecialTypeID="portrait"'):
        assert stays in xmp
    assert b'exif:PixelXDimension="128"' in xmp
    assert b"<exif:PixelYDimension>80<" in xmp


def test_extended_xmp_goes_from_jpeg_to_jpeg(tmp_path: Path) -> None:
    name, packet = b"0123456789ABCDEF0123456789ABCDEF", bytes(range(65, 91)) * 6000
    extended = b""
    for at in range(0, len(packet), 60_000):
        part = packet[at : at + 60_000]
        content = b"http://ns.adobe.com/xmp/extension/\0" + name
        content += struct.pack(">II", len(packet), at) + part
        extended += struct.pack(">BBH", 0xFF, 0xE1, 2 + len(content)) + content
    out = io.BytesIO()
    PIL.Image.fromarray(smooth(8, 12, 3)).save(out, "jpeg", xmp=GAIN_MAP)
    scan = out.getvalue().index(b"\xff\xdb")
    image = read_image(out.getvalue()[:scan] + extended + out.getvalue()[scan:])
    assert image.metadata.xmp_more == packet
    image.save(tmp_path / "a.jpg")
    again = read_image(tmp_path / "a.jpg").metadata
    assert again.xmp_more == packet
    assert name in (again.xmp or b"")
    with ImageWriter(tmp_path / "a.png", image.header()) as writer:
        writer.write(image.pixels)
    assert writer.notes == [
        "left out, since PNG cannot hold it: extended XMP",
        "left out: the gain map that makes it HDR and the video of its motion photo",
    ]


@pytest.mark.parametrize(("frames", "channels"), [(1, 3), (1, 4), (2, 3)])
@pytest.mark.parametrize("quality", [90, 100])
def test_webp_with_notes_is_still_a_webp(
    tmp_path: Path, frames: int, channels: int, quality: int
) -> None:
    meta = Metadata(exif=b"Exif\0\0II*\0\x08\0\0\0" + bytes(6), xmp=GAIN_MAP)
    pixels = smooth(21 * frames, 33, channels)
    path = tmp_path / "a.webp"
    write_image(Image(pixels, frames, meta), path, quality=quality)
    with PIL.Image.open(path) as picture:
        assert (picture.size, getattr(picture, "n_frames", 1)) == ((33, 21), frames)
        assert b"dc:creator" in picture.info["xmp"]
        first = np.asarray(picture.convert("RGBA" if channels == 4 else "RGB"))
    np.testing.assert_array_equal(read_image(path).frame(0)[..., :channels], first)
    if quality == 100:
        np.testing.assert_array_equal(first, pixels[:21])


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_no_resolution_is_made_up(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image(smooth(8, 12, 3)).save(path)
    with PIL.Image.open(path) as picture:
        assert "dpi" not in picture.info or suffix == ".tif"
        if suffix == ".tif":
            assert picture.tag_v2[296] == 1  # no unit
    assert read_image(path).metadata.dpi is None


def test_permissions_are_those_of_the_source(tmp_path: Path) -> None:
    from crispen.enhance.enhancer import Enhancer

    source = tmp_path / "a.png"
    Image(smooth(8, 12, 3)).save(source)
    for mode in (0o600, 0o640):
        source.chmod(mode)
        with Enhancer(["espcn-x2"]) as enhancer:
            enhancer.enhance_file(source, tmp_path / f"{mode}.png")
        assert (tmp_path / f"{mode}.png").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    ("header", "format", "note"),
    [
        (Header(4, 4, 4), "jpeg", "its transparency was laid on white: JPEG holds none"),
        (Header(4, 4, 3, "uint16"), "webp", "its 16 bits were rounded to 8: WebP holds no more"),
        (Header(4, 4, 3), "png", None),
    ],
)
def test_what_a_format_cannot_hold_is_told(header: Header, format: str, note: str | None) -> None:
    writer = ImageWriter(io.BytesIO(), header, format=format)
    assert writer.notes == ([note] if note else [])
