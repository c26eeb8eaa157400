"""Formats beside libvips' own: HEIC, JPEG XL, JPEG 2000, PNM, TGA, icons, animated PNG and AVIF.

Files are made by other programs (pillow-heif, cjxl, Pillow, OpenCV) and results read by them.
"""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from crispen.errors import InputError
from crispen.media import formats, signatures
from crispen.media.image import Image, Metadata, open_image, read_image, write_image
from crispen.media.picture import jxl

from ..pictures import ICC, XMP, exif, full_metadata, smooth

NEEDS_JXL = pytest.mark.skipif(shutil.which("cjxl") is None, reason="libjxl's programs are missing")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("quality", [None, 100])
def test_jpeg_xl_is_written(tmp_path: Path, channels: int, quality: int | None) -> None:
    pixels = smooth(40, 56, channels)
    path = tmp_path / "a.jxl"
    Image(pixels).save(path, quality=quality)
    again = read_image(path)
    assert again.metadata.icc is None
    assert np.abs(again.pixels.astype(int) - pixels).max() <= (0 if quality else 20)
    if shutil.which("djxl"):
        subprocess.run(
            ["djxl", str(path), str(tmp_path / "b.png")], check=True, capture_output=True
        )
        decoded = read_image(tmp_path / "b.png").pixels
        assert np.abs(decoded.astype(int) - pixels).max() <= (0 if quality else 20)


def test_jpeg_xl_keeps_exif_and_xmp_and_becomes_srgb(shared_data: Path, tmp_path: Path) -> None:
    wide = read_image(shared_data / "odd/valid/icc_display_p3.png")
    reference = read_image(shared_data / "odd/valid/icc_reference_srgb.png").pixels
    meta = Metadata(icc=wide.metadata.icc, exif=exif(), xmp=XMP)
    path = tmp_path / "a.jxl"
    write_image(Image(wide.pixels, metadata=meta), path, quality=100)
    again = read_image(path)
    assert np.abs(again.pixels.astype(int) - reference).mean() < 0.7
    assert (again.metadata.exif, again.metadata.xmp) == (exif(), XMP)
    write_image(Image(wide.pixels, metadata=full_metadata()), path, strip_metadata=True,
                overwrite=True)  # fmt: skip
    assert b"A camera" not in path.read_bytes()


@NEEDS_JXL
@pytest.mark.parametrize("name", ["photo_rgb.png", "exif_orient_6.jpg", "icc_display_p3.png"])
@pytest.mark.parametrize("flags", [["-q", "100"], ["-q", "90", "-j", "0"]])
def test_jpeg_xl_of_libjxl(shared_data: Path, tmp_path: Path, name: str, flags: list[str]) -> None:
    source = shared_data / "odd/valid" / name
    path = tmp_path / "a.jxl"
    subprocess.run(["cjxl", *flags, str(source), str(path)], check=True, capture_output=True)
    original, image = read_image(source), read_image(path)
    assert image.pixels.shape == original.pixels.shape
    assert np.abs(image.pixels.astype(int) - original.pixels).mean() < 6
    assert (image.metadata.icc is not None) == (original.metadata.icc is not None)
    with pytest.raises(InputError, match="megapixels, more than the limit"):
        open_image(path, max_pixels=1000)


@NEEDS_JXL
def test_jpeg_xl_beyond_8_bits(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jxl"
    for name in ("grey_16bit", "rgb_16bit"):
        source = shared_data / f"odd/valid/{name}.png"
        subprocess.run(
            ["cjxl", "-q", "100", str(source), str(path)], check=True, capture_output=True
        )
        with open_image(path) as reader:
            assert (reader.header.dtype, reader.notes) == ("uint16", [])
            np.testing.assert_array_equal(reader.read(), read_image(source).pixels)
    monkeypatch.setattr(jxl, "find_spec", lambda name: None)
    with open_image(path) as reader:
        assert reader.header.dtype == "uint8"
        assert reader.notes == [jxl._ROUNDED]
        expected = read_image(source).pixels / 65535
        assert np.abs(reader.read() / 255 - expected).max() <= 0.004


@NEEDS_JXL
@pytest.mark.parametrize("flags", [["-d", "1"], ["-d", "0"]])
def test_damaged_jpeg_xl_beyond_8_bits(shared_data: Path, tmp_path: Path, flags: list[str]) -> None:
    source, path = shared_data / "odd/valid/rgb_16bit.png", tmp_path / "a.jxl"
    subprocess.run(["cjxl", *flags, str(source), str(path)], check=True, capture_output=True)
    data = path.read_bytes()
    with pytest.raises(InputError, match="JPEG XL"):
        read_image(data[: len(data) // 2])


def test_jpeg_xl_sizes_are_known_before_decoding() -> None:
    from crispen.media.picture.jxl import _announced

    for size in ((1, 1), (8, 8), (256, 256), (300, 200), (200, 300), (1000, 3), (640, 480)):
        out = io.BytesIO()
        write_image(Image(np.zeros((size[1], size[0], 3), np.uint8)), out, format="jxl")
        assert _announced(out.getvalue())[:2] == size
    with pytest.raises(InputError, match="cannot be read as JPEG XL"):
        read_image(out.getvalue()[:30])


@pytest.mark.parametrize("suffix", ["jp2", "j2k"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_jpeg_2000_in_8_bits(suffix: str, mode: str) -> None:
    pixels = smooth(40, 56, len(mode))
    picture = PIL.Image.fromarray(pixels[..., 0] if mode == "L" else pixels)
    out = io.BytesIO()
    picture.save(out, "jpeg2000", no_jp2=suffix == "j2k")
    image = read_image(out.getvalue())
    if mode == "LA" and suffix == "j2k":
        # A bare codestream does not say what its second channel is.
        assert image.pixels.shape[:2] == (40, 56)
        return
    np.testing.assert_array_equal(image.pixels, pixels)


def test_jpeg_2000_keeps_16_bits_and_its_profile(tmp_path: Path) -> None:
    pixels = smooth(40, 56, 3, "uint16")
    cv2.imwrite(
        str(tmp_path / "a.jp2"), pixels[..., ::-1], [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]
    )
    np.testing.assert_array_equal(read_image(tmp_path / "a.jp2").pixels, pixels)
    data = (tmp_path / "a.jp2").read_bytes()
    at = data.index(b"colr") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    colr = struct.pack(">I4sBBB", 11 + len(ICC), b"colr", 2, 0, 0) + ICC
    start = data.index(b"jp2h") - 4
    whole = int.from_bytes(data[start : start + 4], "big") + len(colr) - size
    told = data[:start] + struct.pack(">I", whole) + data[start + 4 : at] + colr + data[at + size :]
    assert read_image(told).metadata.icc == ICC


@pytest.mark.parametrize("suffix", ["ppm", "pgm"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_pnm(tmp_path: Path, suffix: str, dtype: str) -> None:
    pixels = smooth(20, 33, 3 if suffix == "ppm" else 1, dtype)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), pixels[..., ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / f"a.{suffix}").pixels, pixels)


def test_pnm_by_hand() -> None:
    assert read_image(b"P3 # a remark\n2 1\n255\n1 2 3 4 5 6\n").pixels.ravel().tolist() == [
        *(1, 2, 3, 4, 5, 6)
    ]
    assert read_image(b"P5\n4 1 15\n\0\5\12\17").pixels.ravel().tolist() == [0, 85, 170, 255]
    assert read_image(b"P4\n8 1\n\x0f").pixels.ravel().tolist() == [255] * 4 + [0] * 4
    pam = b"P7\nWIDTH 1\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n" + bytes(
        range(8)
    )
    assert read_image(pam).pixels.ravel().tolist() == list(range(8))
    for bad in (b"P6\n20 10 255\n123", b"P6\n", b"P6 0 3 255\n"):
        with pytest.raises(InputError, match="cannot be read as PNM"):
            read_image(bad)


def test_pfm_is_decided_as_a_float_tiff_is(tmp_path: Path) -> None:
    samples = (smooth(20, 33, 3, "uint16") / 65535).astype(np.float32)
    cv2.imwrite(str(tmp_path / "a.pfm"), samples[..., ::-1])
    with open_image(tmp_path / "a.pfm") as reader:
        assert np.abs(reader.read() / 65535 - samples).max() < 2e-5
        assert reader.notes == ["its floating-point samples were treated as 0 to 1 of sRGB"]
    cv2.imwrite(str(tmp_path / "b.pfm"), samples * 255)
    with pytest.raises(InputError, match="go up to 247"):
        read_image(tmp_path / "b.pfm")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("packed", [None, "tga_rle"])
def test_tga(mode: str, packed: str | None) -> None:
    picture = PIL.Image.fromarray(smooth(20, 33, 4)).convert("RGB" if mode == "P" else mode)
    picture = picture.convert(mode)
    out = io.BytesIO()
    picture.save(out, "tga", compression=packed)
    expected = np.asarray(picture.convert("RGB") if mode == "P" else picture)
    np.testing.assert_array_equal(read_image(out.getvalue()).pixels.squeeze(), expected)


def test_the_largest_picture_of_an_icon() -> None:
    picture = PIL.Image.fromarray(smooth(64, 64, 4))
    out = io.BytesIO()
    picture.save(out, "ico", sizes=[(16, 16), (64, 64), (32, 32)])
    np.testing.assert_array_equal(read_image(out.getvalue()).pixels, smooth(64, 64, 4))


def test_animated_png_as_pillow_shows_it(shared_data: Path) -> None:
    path = shared_data / "odd/valid/real_animated.png"
    image = read_image(path)
    with PIL.Image.open(path) as picture:
        assert image.frames == picture.n_frames == 20
        for i in range(20):
            picture.seek(i)
            np.testing.assert_array_equal(image.frame(i), np.asarray(picture.convert("RGBA")))
            assert image.metadata.delays_ms[i] == round(picture.info["duration"])
        assert image.metadata.loop == picture.info["loop"]


def test_a_picture_that_only_stands_in_for_an_animation_is_no_frame() -> None:
    first, *rest = (PIL.Image.new("RGB", (24, 16), (40 * i, 0, 200)) for i in range(4))
    out = io.BytesIO()
    first.save(out, "png", save_all=True, append_images=rest, default_image=True)
    image = read_image(out.getvalue())
    assert [image.frame(i)[0, 0, 0] for i in range(image.frames)] == [40, 80, 120]


@pytest.mark.parametrize("name", ["png", "avif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_animations_are_written_with_all_that_belongs_to_them(name: str, channels: int) -> None:
    still = smooth(32, 48, channels, "uint16")
    meta = Metadata(icc=ICC, exif=exif(), xmp=XMP, delays_ms=(100, 250, 70))
    image = Image(np.concatenate([still, still[::-1], still[:, ::-1]]), 3, meta)
    out = io.BytesIO()
    write_image(image, out, format=name, quality=100 if name == "avif" else None)
    again = read_image(out.getvalue())
    assert (again.frames, again.metadata.delays_ms) == (3, (100, 250, 70))
    assert (again.metadata.icc, again.metadata.xmp) == (ICC, XMP)
    np.testing.assert_allclose(again.pixels, image.pixels / 257, atol=0.6 if name == "png" else 3)
    with PIL.Image.open(out) as picture:
        assert picture.getexif()[0x010F] == "A camera"


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"8BPS\0\1", "Photoshop"),
        (b"#?RADIANCE\nFORMAT=", "Radiance HDR; convert"),
        (b"v/1\x01\2\0\0\0", "OpenEXR"),
        (b"gimp xcf v011\0", "GIMP"),
        (b"DDS |\0\0\0", "DDS"),
        (b"qoif\0\0\0\1", "QOI"),
        (b"SIMPLE  =      T", "FITS"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"II\xbc\x01 \0\0\0", "JPEG XR"),
        (b"%!PS-Adobe-3.0", "PostScript"),
        (b"\n\5\1\x08" + bytes(60), "PCX"),
        (b"  <svg xmlns=", "SVG"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(head: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        open_image(head)


def test_the_table_is_consistent() -> None:
    taken = [s for f in formats.PICTURES.values() for s in f.suffixes]
    assert len(taken) == len(set(taken))
    assert len({f.mime for f in formats.PICTURES.values()}) == len(formats.PICTURES)
    for kind in formats.PICTURES.values():
        assert kind.suffixes[0][0] == "."
        assert not (kind.quality and kind.lossless)
        assert kind.title in formats.READABLE


def test_every_written_format_is_recognised_by_its_content() -> None:
    for kind in formats.PICTURES.values():
        if kind.writable:
            out = io.BytesIO()
            write_image(Image(smooth(9, 12, 3)), out, format=kind.name)
            assert signatures.sniff(out.getvalue()[: signatures.HEAD_BYTES]) == kind.name


def test_a_bmp_keeps_its_resolution_and_profile() -> None:
    pixels = smooth(6, 8, 3)
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, "bmp", dpi=(300, 150))
    image = read_image(out.getvalue())
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.metadata.dpi == pytest.approx((300, 150), abs=0.02)
    rows = out.getvalue()[54:]
    # BITMAPV5HEADER with an embedded profile, and one with primaries and a gamma of 1.8.
    head = struct.pack("<IiiHHIIiiII", 124, 8, 6, 1, 24, 0, len(rows), 0, 0, 0, 0) + bytes(16)
    embedded = struct.pack("<4s36x12xIIII", b"DEBM", 0, 124 + len(rows), len(ICC), 0)
    p3 = [(0.68, 0.32), (0.265, 0.69), (0.15, 0.06)]
    corners = [round(n * 2**30) for x, y in p3 for n in (x, y, 1 - x - y)]
    told = struct.pack("<I9i3I16x", 0, *corners, *[round(1.8 * 65536)] * 3)
    for tail, expected in ((embedded, ICC), (told, None)):
        size = 14 + 124 + len(rows) + len(ICC)
        file = struct.pack("<2sIHHI", b"BM", size, 0, 0, 14 + 124) + head + tail + rows + ICC
        found = read_image(file)
        np.testing.assert_array_equal(found.pixels, pixels)
        if expected:
            assert found.metadata.icc == expected
        else:
            profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(found.metadata.icc or b""))
            assert PIL.ImageCms.getProfileDescription(profile).strip() == "RGB, gamma 1.80"


def _around(inside: bytes, outside: bytes, at: int) -> bytes:
    """`outside` with a box that holds `inside`, before the box that counts."""
    box = struct.pack(">I4s", 8 + len(inside), b"xml ") + inside
    return outside[:at] + box + outside[at:]


@NEEDS_JXL
def test_a_jpeg_xl_is_as_large_as_its_own_codestream_says(tmp_path: Path) -> None:
    """A small one hidden before it had the limit of pixels checked, and the large one decoded."""
    made = []
    for side, container in ((1500, "1"), (8, "0")):
        cv2.imwrite(str(tmp_path / "a.png"), np.zeros((side, side, 3), np.uint8))
        command = ["cjxl", "-d", "0", "-e", "1", f"--container={container}"]
        files = [str(tmp_path / "a.png"), str(tmp_path / "a.jxl")]
        subprocess.run([*command, *files], check=True, capture_output=True)
        made.append((tmp_path / "a.jxl").read_bytes())
    large, small = made
    assert read_image(small).width == 8
    with pytest.raises(InputError, match=r"1500x1500 are 2 megapixels, more than the limit of 1"):
        read_image(_around(small, large, 32), max_pixels=1 << 20)


@pytest.mark.parametrize("suffix", [".jp2", ".bmp", ".tga", ".ppm"])
def test_ffmpeg_decodes_no_more_pixels_than_were_announced(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file that contradicts itself, or that FFmpeg reads in another way."""
    from crispen.media.picture import ffmpeg_stills

    file = io.BytesIO()
    name = {".jp2": "JPEG2000", ".bmp": "BMP", ".tga": "TGA", ".ppm": "PPM"}[suffix]
    PIL.Image.new("RGB", (900, 900), (9, 90, 200)).save(file, name)
    assert read_image(file.getvalue()).pixels.shape == (900, 900, 3)
    real, decoded = ffmpeg_stills._frame, []

    def frame(data: bytes, codec: str, most: int) -> object:
        decoded.append(codec)
        return real(data, codec, most)

    monkeypatch.setattr(ffmpeg_stills, "_frame", frame)
    whole = ffmpeg_stills._open(file.getvalue(), codec := _codec(suffix), 16, 16)
    with pytest.raises(ValueError, match="damaged"):
        whole.decode()
    assert decoded == [codec]


def _codec(suffix: str) -> str:
    return {".jp2": "jpeg2000", ".bmp": "bmp", ".tga": "targa", ".ppm": "ppm"}[suffix]
