"""Pictures with all metadata that exiftool can write, and some that it cannot."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np

from crispen.media.image import Image, write_image

_WORDS = (
    *("-Make=Example", "-Model=X1", "-Artist=Ann", "-Copyright=© Ann", "-ImageDescription=A bike"),
    *("-DateTimeOriginal=2024:05:06 07:08:09", "-ExposureTime=1/250", "-FNumber=2.8", "-ISO=400"),
    *("-GPSLatitude=47.5", "-GPSLatitudeRef=N", "-GPSLongitude=8.7", "-GPSLongitudeRef=E"),
    *(
        "-UserComment=noted",
        "-LensModel=50 mm",
        "-XPTitle=Bike",
        "-Rating=4",
        "-Software=Example 1",
    ),
    *("-XMP-dc:Title=Bike", "-XMP-dc:Subject=bike", "-XMP-dc:Subject=street", "-XMP-xmp:Label=Red"),
    *("-XMP-photoshop:City=Bern", "-XMP-xmpMM:DocumentID=xmp.did:1", "-XMP-crs:Exposure2012=+0.5"),
)
_IPTC = (
    "-IPTC:Keywords=bike",
    "-IPTC:City=Bern",
    "-IPTC:By-line=Ann",
    "-IPTC:Caption-Abstract=A bike",
)
_PHOTOSHOP = ("-Photoshop:CopyrightFlag=1", "-Photoshop:URL=https://example.org")
_GAIN_MAP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
 xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
 xmlns:Container="http://ns.google.com/photos/1.0/container/"
 xmlns:Item="http://ns.google.com/photos/1.0/container/item/" dc:source="kept" hdrgm:Version="1.0"
 GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" 
 GCamera:MotionPhotoPresentationTimestampUs="9">
<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item
 Item:Mime="image/jpeg" Item:Semantic="Primary" Item:Length="0"/></rdf:li></rdf:Seq>
</Container:Directory>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def make_specimens(folder: Path) -> list[Path]:
    """Writes them to `folder`, and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[:48, :64]
    pixels = np.stack([x * 3, y * 4, (x + y) * 2], -1).astype(np.uint8)
    made = []
    for name in ("jpg", "png", "tif", "webp", "avif", "jxl"):
        path = folder / f"full.{name}"
        write_image(Image(pixels), path, overwrite=True)
        _exiftool(path, *_WORDS)
        made.append(path)
    jpeg = (folder / "full.jpg").read_bytes()
    for name, words in (
        ("iptc.jpg", (*_IPTC, "-Comment=by hand")),
        ("photoshop.jpg", (*_IPTC, *_PHOTOSHOP)),
        ("thumbnail.jpg", (f"-ThumbnailImage<={folder / 'full.webp'}",)),
        ("extended.jpg", ("-XMP-dc:Description=" + "long " * 15_000,)),
        ("digest.jpg", (*_IPTC, "-Photoshop:IPTCDigest=new")),
    ):
        (folder / name).write_bytes(jpeg)
        _exiftool(folder / name, *words)
        made.append(folder / name)
    (folder / "gain.xmp").write_bytes(_GAIN_MAP)
    gain = folder / "gain-map.jpg"
    gain.write_bytes(jpeg)
    _exiftool(gain, f"-XMP<={folder / 'gain.xmp'}")
    video = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
    gain.write_bytes(gain.read_bytes() + jpeg + video)
    made.append(gain)
    tiff = folder / "iptc.tif"
    tiff.write_bytes((folder / "full.tif").read_bytes())
    _exiftool(tiff, *_IPTC, *_PHOTOSHOP)
    made.append(tiff)
    return [*made, *_pngs(folder)]


def _pngs(folder: Path) -> list[Path]:
    """Text of all three kinds before and after the pixels, and EXIF after them."""
    plain = (folder / "full.png").read_bytes()
    at, end = plain.index(b"IDAT") - 4, plain.index(b"IEND") - 4
    texts = (
        _chunk(b"tEXt", b"parameters\0a bike, oil on canvas, Steps: 20, Seed: 1")
        + _chunk(b"zTXt", b"prompt\0\0" + zlib.compress(b'{"nodes": [1, 2]}'))
        + _chunk(b"iTXt", "workflow\0\0\0de\0Ablauf\0fröhlich".encode())
    )
    early, late = folder / "text-early.png", folder / "text-late.png"
    early.write_bytes(plain[:at] + texts + plain[at:])
    exif = plain.index(b"eXIf") - 4
    size = 12 + struct.unpack(">I", plain[exif : exif + 4])[0]
    chunk, rest = plain[exif : exif + size], plain[:exif] + plain[exif + size :]
    end = rest.index(b"IEND") - 4
    late.write_bytes(rest[:end] + chunk + texts + rest[end:])
    return [early, late]


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def _exiftool(path: Path, *words: str) -> None:
    call = ["exiftool", "-q", "-q", "-m", "-overwrite_original", *words, str(path)]
    subprocess.run(call, check=False)
