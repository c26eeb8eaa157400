"""Which metadata a result loses, as exiftool sees it: a table by pairs of formats.

Each picture is enhanced into each format, and exiftool's output before and after is compared. A
lost tag is *told* if a note named its kind, *meant* if it described only the old file (its
thumbnail, its gain map, its coding), else *silent*: a fault.

    python benchmarks/metadata.py PICTURE… [--to jpeg --to png] [--list] [--make FOLDER]

``--make`` writes pictures with everything that exiftool can store to FOLDER, and tests those, too.
``--list`` lists every lost tag.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _metadata_specimens import make_specimens
from _table import print_table
from crispen.enhance.enhancer import Enhancer
from crispen.errors import CrispenError
from crispen.media.formats import PICTURES
from crispen.media.picture.reader import open_image

WRITTEN = [f.name for f in PICTURES.values() if f.writable]
# Tags of the file itself, not of the picture.
_FILE = ("SourceFile", "ExifTool", "System", "Composite", "JFIF", "PNG-pHYs", "PNG-cICP")
# The coding of pixels, and what a result states itself.
_CODING = {
    *("ImageWidth", "ImageHeight", "ExifImageWidth", "ExifImageHeight", "RelatedImageWidth"),
    *("RelatedImageHeight", "Orientation", "BitsPerSample", "Compression", "StripOffsets"),
    *("StripByteCounts", "RowsPerStrip", "SamplesPerPixel", "PlanarConfiguration", "Predictor"),
    *("PhotometricInterpretation", "SampleFormat", "ExtraSamples", "TileWidth", "TileLength"),
    *("TileOffsets", "TileByteCounts", "SubfileType", "FillOrder", "ColorMap", "PageNumber"),
    *("XResolution", "YResolution", "ResolutionUnit", "YCbCrSubSampling", "YCbCrPositioning"),
    *("YCbCrCoefficients", "ReferenceBlackWhite", "InkSet", "NumberOfInks", "JPEGTables"),
    *("BitDepth", "ColorType", "Filter", "Interlace", "Gamma", "SRGBRendering", "Padding"),
    *("BackgroundColor", "Transparency", "Palette", "SignificantBits", "PixelUnits"),
    *("PixelsPerUnitX", "PixelsPerUnitY", "ExifByteOrder", "CurrentIPTCDigest", "IPTCDigest"),
    *("WhitePointX", "WhitePointY", "RedX", "RedY", "GreenX", "GreenY", "BlueX", "BlueY"),
    *("ColorSpace", "OldSubfileType", "T4Options", "T6Options", "XMPToolkit", "HalftoneHints"),
    *(
        "MinSampleValue",
        "MaxSampleValue",
        "TransferFunction",
        "WhitePoint",
        "PrimaryChromaticities",
    ),
    *("OffsetSchema", "SubIFD", "XPosition", "YPosition", "ProfileName", "AnimationFrames"),
    "AnimationPlays",
}
_OLD = {"IFD1", "MPF0", "MPImage1", "MPImage2", "MPImage3", "PreviewIFD", "SubIFD", "SubIFD1"}
_OLD_XMP = (
    "XMP-Container",
    "XMP-GContainer",
    "XMP-hdrgm",
    "XMP-HDRGainMap",
    "XMP-GImage",
    "XMP-GDepth",
    "XMP-GAudio",
)
_OLD_TAGS = (
    "MotionPhoto",
    "MicroVideo",
    "Thumbnail",
    "HasExtendedXMP",
    "PreviewImage",
    "PhotoshopThumb",
)
_EXIF = ("IFD0", "ExifIFD", "GPS", "InteropIFD")
_TECHNICAL = (
    "File",
    "Adobe",
    "APP14",
    "APP12",
    "RIFF",
    "Meta",
    "QuickTime",
    "Track",
    "Item",
    "JXL",
    "GIF",
)
_TECHNICAL += ("Jpeg2000", "HEIC", "Photoshop-res")
# Names of the kinds in notes.
_TOLD = {"EXIF": "EXIF", "maker": "EXIF", "XMP": "XMP", "IPTC": "IPTC", "comment": "comment"}
_TOLD |= {"text": "text", "Photoshop": "Photoshop", "profile": "sRGB"}


@dataclass
class Lost:
    """The fate of the tags of some pictures."""

    pictures: int = 0
    tags: int = 0
    kept: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    meant: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)


def tags_of(path: Path) -> tuple[dict[str, str], list[str]]:
    """Exiftool's output by group and name, and its warnings."""
    call = ["exiftool", "-j", "-G1", "-a", "-u", "-n", "-struct", "-api", "largefilesupport=1"]
    call.append(str(path))
    told = subprocess.run(call, capture_output=True, check=False).stdout
    found: dict[str, Any] = json.loads(told)[0] if told else {}
    warnings = [str(v) for k, v in found.items() if k.endswith((":Warning", ":Error"))]
    tags = {}
    for key, value in found.items():
        group, _, name = key.partition(":")
        if not name or group in _FILE or name in _CODING or name in ("Warning", "Error"):
            continue
        tags[key] = str(value)
    return tags, warnings


def kind_of(key: str) -> str:
    """The kind of metadata to which a tag belongs."""
    group, _, name = key.partition(":")
    if group in _OLD or group in _OLD_XMP or name.startswith(_OLD_TAGS):
        return "old"
    if group == "File":
        return "comment" if name == "Comment" else "technical"
    if group in _EXIF:
        return "EXIF"
    if group.startswith("XMP"):
        return "XMP"
    if group.startswith("ICC"):
        return "profile"
    if group in ("IPTC", "Photoshop"):
        return group
    if group == "PNG":
        return "text"
    if group.startswith(_TECHNICAL) or group[:3] == "APP":
        return "technical"
    return "maker"


def compare(before: dict[str, str], after: dict[str, str], notes: str, row: Lost) -> None:
    """Adds the fate of each tag to `row`."""
    names = defaultdict(set)
    for key, value in after.items():
        names[key.partition(":")[2]].add(value)
    for key, value in before.items():
        kind = kind_of(key)
        if kind == "technical":
            continue
        row.tags += 1
        if after.get(key) == value or value in names[key.partition(":")[2]]:
            row.kept += 1
        elif kind == "old":
            row.meant[key] += 1
        elif _TOLD[kind] in notes:
            row.told[key] += 1
        elif key in after:
            row.changed[f"{key}: {value[:40]} > {after[key][:40]}"] += 1
        else:
            row.silent[key] += 1


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--to", action="append", choices=WRITTEN)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--make", type=Path)
    given = parser.parse_args()
    pictures = [*given.pictures]
    if given.make is not None:
        pictures += make_specimens(given.make)
    rows: dict[tuple[str, str], Lost] = defaultdict(Lost)
    with tempfile.TemporaryDirectory() as folder, Enhancer(["espcn-x2"]) as enhancer:
        for path in pictures:
            before, warned = tags_of(path)
            try:
                with open_image(path) as reader:
                    source = reader.header.format
            except CrispenError as error:
                print(f"{path}: {error}")
                continue
            for format in given.to or WRITTEN:
                result = Path(folder) / f"result{PICTURES[format].suffixes[0]}"
                try:
                    done = enhancer.enhance_file(path, result, overwrite=True)
                except CrispenError as error:
                    print(f"{path} > {format}: {error}")
                    continue
                after, warnings = tags_of(result)
                row = rows[source, format]
                row.pictures += 1
                row.warnings.update(w for w in warnings if w not in warned)
                compare(before, after, " ".join(done.notes), row)
    header = [
        "from",
        "to",
        "pictures",
        "tags",
        "kept",
        "told",
        "meant",
        "changed",
        "silent",
        "new warnings",
    ]
    cells = [
        [
            *pair,
            *(str(n) for n in (row.pictures, row.tags, row.kept)),
            *(str(c.total()) for c in (row.told, row.meant, row.changed, row.silent, row.warnings)),
        ]
        for pair, row in sorted(rows.items())
    ]
    print_table("Tags of a result, by exiftool", header, cells)
    if given.list:
        for (source, format), row in sorted(rows.items()):
            for what in ("told", "changed", "silent", "warnings"):
                for key, count in getattr(row, what).most_common():
                    print(f"{source} > {format}: {what}: {key} ({count})")


if __name__ == "__main__":
    main()
