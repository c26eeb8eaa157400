"""Every readable format to every writable one, judged by decoders that are not Crispen's.

Sources are made by other encoders (Pillow, pillow-heif, tifffile, OpenCV, avifenc, cjxl), results
are decoded by other decoders (libpng by OpenCV, djpeg, libwebp by Pillow, tifffile, avifdec, djxl):
pixels, profile, code points, orientation and size. Camera raw, which nobody can encode, has tests
of its own.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageCms
import pillow_heif
import pytest
import tifffile

from crispen.media.formats import PICTURES
from crispen.media.image import ImageWriter, open_image
from crispen.media.picture.cicp import PRIMARIES
from crispen.media.picture.icc import SRGB_CURVE, rgb_profile

from .pictures import smooth

PROGRAMS = ("avifenc", "avifdec", "cjxl", "djxl", "djpeg")
pytestmark = pytest.mark.skipif(
    not all(shutil.which(program) for program in PROGRAMS),
    reason=f"needs {', '.join(PROGRAMS)}",
)
HEIGHT, WIDTH = 24, 40
P3 = rgb_profile(PRIMARIES[12], SRGB_CURVE, "Display P3")
CICP_P3 = (12, 13)
WRITTEN = [f for f in PICTURES.values() if f.writable]


@dataclass(frozen=True)
class Variant:
    """What a source holds."""

    channels: int = 3
    deep: bool = False
    icc: bool = False
    cicp: bool = False
    turned: bool = False

    def __str__(self) -> str:
        words = [{1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}[self.channels]]
        words += ["16"] * self.deep + ["icc"] * self.icc + ["cicp"] * self.cicp
        return "-".join(words + ["turned"] * self.turned)

    @property
    def pixels(self) -> np.ndarray:
        """As stored in the source."""
        return smooth(HEIGHT, WIDTH, self.channels, "uint16" if self.deep else "uint8")


GREY, GREY_ALPHA, RGB, RGBA = (Variant(n) for n in (1, 2, 3, 4))
DEEP = [Variant(n, deep=True) for n in (1, 2, 3, 4)]
ICC, CICP, TURNED = Variant(icc=True), Variant(cicp=True), Variant(turned=True)


def pillow(name: str, **options: object) -> Callable[[Variant], bytes]:
    def make(variant: Variant) -> bytes:
        pixels = variant.pixels
        picture = PIL.Image.fromarray(pixels[..., 0] if variant.channels == 1 else pixels)
        more = dict(options)
        if variant.icc:
            more["icc_profile"] = P3
        if variant.turned:
            tags = PIL.Image.Exif()
            tags[0x0112] = 6
            more["exif"] = tags.tobytes()
        file = io.BytesIO()
        picture.save(file, name, **more)
        return file.getvalue()

    return make


def opencv(suffix: str) -> Callable[[Variant], bytes]:
    def make(variant: Variant) -> bytes:
        pixels = variant.pixels
        order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[variant.channels]
        return bytes(cv2.imencode(suffix, np.ascontiguousarray(pixels[..., order]))[1])

    return make


def png(variant: Variant) -> bytes:
    return (opencv(".png") if variant.deep else pillow("PNG"))(variant)


def tiff(variant: Variant) -> bytes:
    pixels, file = variant.pixels, io.BytesIO()
    tags = [(274, "H", 1, 6, True)] if variant.turned else []
    tifffile.imwrite(
        file,
        pixels[..., 0] if variant.channels == 1 else pixels,
        photometric="minisblack" if variant.channels < 3 else "rgb",
        extrasamples=["unassalpha"] if variant.channels in (2, 4) else None,
        iccprofile=P3 if variant.icc else None,
        extratags=tags,
    )
    return file.getvalue()


def heif(variant: Variant) -> bytes:
    pixels = variant.pixels
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[variant.channels] + (";16" if variant.deep else "")
    made = pillow_heif.from_bytes(mode=mode, size=(WIDTH, HEIGHT), data=pixels.tobytes())
    if variant.icc:
        made.info["icc_profile"] = P3
    file = io.BytesIO()
    made.save(file, quality=-1, chroma=444, matrix_coefficients=0)
    return file.getvalue()


def program(*command: str, suffix: str) -> Callable[[Variant], bytes]:
    def make(variant: Variant) -> bytes:
        with _folder() as folder:
            source, result = folder / "a.png", folder / f"b{suffix}"
            source.write_bytes(png(variant))
            more = ["--cicp", "12/13/0"] if variant.cicp else []
            call = [*command, *more, str(source), str(result)]
            subprocess.run(call, check=True, capture_output=True)
            return result.read_bytes()

    return make


def _folder():
    import contextlib
    import tempfile

    @contextlib.contextmanager
    def made():
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)

    return made()


@dataclass(frozen=True)
class Source:
    """How a format is made, and what of.

    Attributes:
        make: Makes a file.
        variants: What the format, or its encoder, holds.
        error: How far its samples are from what was encoded, in levels of 8 bits.
        eight: It is read in 8 bits whatever it holds.
    """

    make: Callable[[Variant], bytes]
    variants: tuple[Variant, ...]
    error: float = 0
    eight: bool = False


SOURCES = {
    "png": Source(png, (GREY, GREY_ALPHA, RGB, RGBA, DEEP[0], DEEP[2], DEEP[3], ICC, TURNED)),
    "jpeg": Source(pillow("JPEG", quality=100, subsampling=0), (GREY, RGB, ICC, TURNED), 3),
    "webp": Source(pillow("WEBP", lossless=True), (RGB, RGBA, ICC, TURNED)),
    "tiff": Source(tiff, (GREY, GREY_ALPHA, RGB, RGBA, *DEEP, ICC, TURNED)),
    "avif": Source(
        program("avifenc", "--lossless", "-s", "10", suffix=".avif"), (GREY, RGB, RGBA, CICP)
    ),
    "gif": Source(pillow("GIF"), (GREY,)),
    "heif": Source(heif, (RGB, RGBA, DEEP[2], ICC), 0.3),
    "jxl": Source(
        program("cjxl", "-d", "0", "-e", "1", suffix=".jxl"),
        (GREY, RGB, RGBA, DEEP[0], DEEP[2]),
    ),
    "jp2": Source(pillow("JPEG2000"), (GREY, RGB, RGBA, DEEP[0])),
    "bmp": Source(pillow("BMP"), (GREY, RGB)),
    "pnm": Source(opencv(".pnm"), (GREY, RGB, DEEP[0], DEEP[2])),
    "ico": Source(pillow("ICO", sizes=[(WIDTH, HEIGHT)]), (RGBA,)),
    "tga": Source(pillow("TGA"), (GREY, RGB, RGBA)),
}


def decode(path: Path, kind: str) -> tuple[np.ndarray, int]:
    """Samples of a result as a reference decoder has them, and their largest value."""
    if kind == "tiff":
        pixels = tifffile.imread(path)
    elif kind in ("webp", "gif"):
        with PIL.Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGBA"))
    else:
        out = path.with_suffix(".out.pnm" if kind == "jpeg" else ".out.png")
        if kind == "png":
            out = path
        else:
            command = {
                "jpeg": ["djpeg", "-outfile", str(out), str(path)],
                "avif": ["avifdec", "--png-compress", "0", "-d", "16", str(path), str(out)],
                "jxl": ["djxl", str(path), str(out)],
            }[kind]
            subprocess.run(command, check=True, capture_output=True)
        pixels = cv2.imread(str(out), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
        if pixels.ndim == 3:
            pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    return pixels, int(np.iinfo(pixels.dtype).max)


def as_rgba(pixels: np.ndarray) -> np.ndarray:
    """Floats of 0 to 255, whatever the channels."""
    full = pixels.astype(float) * (255 / np.iinfo(pixels.dtype).max)
    colour = full[..., :1].repeat(3, 2) if pixels.shape[2] < 3 else full[..., :3]
    opaque = np.full((*full.shape[:2], 1), 255.0)
    return np.dstack([colour, full[..., -1:] if pixels.shape[2] in (2, 4) else opaque])


# How far a result of each format may be from its source, in levels of 8 bits, beside the source's.
ERRORS = {"png": 0.01, "tiff": 0.01, "webp": 0.01, "avif": 0.2, "jxl": 0.01, "jpeg": 4, "gif": 30}
CASES = [(name, variant) for name, source in SOURCES.items() for variant in source.variants]


@pytest.mark.parametrize(("name", "variant"), CASES, ids=[f"{n}-{v}" for n, v in CASES])
def test_to_every_format(tmp_path: Path, name: str, variant: Variant) -> None:
    source = SOURCES[name]
    data = source.make(variant)
    expected = variant.pixels
    if variant.turned:
        expected = np.rot90(expected, -1)
    with open_image(data) as reader:
        assert reader.header.format == name
        assert (reader.header.width, reader.header.height) == expected.shape[1::-1]
        pixels = reader.read()
        assert reader.notes == [] or name == "gif"
    for kind in WRITTEN:
        path = tmp_path / f"a{kind.suffixes[0]}"
        quality = 100 if kind.quality else None
        with ImageWriter(path, reader.header, quality=quality) as writer:
            writer.write(pixels)
        check(path, kind.name, name, variant, expected, source.error)


def check(
    path: Path, kind: str, name: str, variant: Variant, pixels: np.ndarray, error: float
) -> None:
    found, _ = decode(path, kind)
    assert found.shape[:2] == pixels.shape[:2], kind
    about = PICTURES[kind]
    deep = variant.deep and about.deep and name != "heif"
    if deep:
        assert found.dtype == np.uint16, kind
    got, expected = as_rgba(found), as_rgba(pixels)
    tolerance = error + ERRORS[kind] + (0.51 if variant.deep and not deep else 0)
    tolerance += 0.3 if variant.deep and (kind == "avif" or name == "heif") else 0
    if not about.alpha:
        alpha = expected[..., 3:] / 255
        expected[..., :3] = expected[..., :3] * alpha + 255 * (1 - alpha)
        expected[..., 3] = 255
        tolerance += 0.51
    wide = variant.icc or variant.cicp
    if wide and not about.profile:
        expected[..., :3] = in_srgb(expected[..., :3])
        tolerance += 1.5 + 2 * error  # colours move apart
    if kind == "gif":  # transparency is all or nothing, and a palette has 256 colours
        solid = expected[..., 3] > 250
        if solid.any():
            assert np.abs(got - expected)[solid][:, :3].mean() < 8
    else:
        shown = expected[..., 3] > 0  # what cannot be seen need not be kept
        assert np.abs(got - expected)[shown].max() <= tolerance, kind
    check_colours(path, kind, variant)


def in_srgb(colours: np.ndarray) -> np.ndarray:
    """Display P3 as sRGB, by LittleCMS."""
    picture = PIL.Image.fromarray(colours.round().astype(np.uint8))
    profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(P3))
    srgb = PIL.ImageCms.createProfile("sRGB")
    intent = PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC
    done = PIL.ImageCms.profileToProfile(picture, profile, srgb, intent, outputMode="RGB")
    return np.asarray(done).astype(float)


def check_colours(path: Path, kind: str, variant: Variant) -> None:
    """The profile, the code points, and that nothing turns it again."""
    if kind == "jxl":
        return
    if kind == "tiff":  # not all of which Pillow reads
        with tifffile.TiffFile(path) as file:
            (page,) = file.pages
            assert 0x0112 not in page.tags or page.tags[0x0112].value == 1
            profile = page.iccprofile
    else:
        profile = profile_by_pillow(path)
    if kind == "gif":
        return
    if variant.icc:
        assert profile == P3
    elif variant.cicp and kind == "png":
        data = path.read_bytes()
        at = data.index(b"cICP") + 4
        assert tuple(data[at : at + 2]) == CICP_P3
    elif variant.cicp and kind == "avif":
        told = subprocess.run(["avifdec", "--info", str(path)], check=True, capture_output=True)
        assert b"Color Primaries: 12" in told.stdout
    elif variant.cicp:
        assert profile is not None
        assert np.abs(np.array(_primaries(profile)) - _primaries(P3)).max() < 0.001
    else:
        assert profile is None


def profile_by_pillow(path: Path) -> bytes | None:
    with PIL.Image.open(path) as picture:
        assert picture.getexif().get(0x0112, 1) == 1
        return picture.info.get("icc_profile")


def _primaries(profile: bytes) -> tuple[float, ...]:
    told = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
    return (*told.red_primary[1][:2], *told.green_primary[1][:2], *told.blue_primary[1][:2])
