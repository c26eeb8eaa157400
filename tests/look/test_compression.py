"""What JPEG and WebP files say of themselves, against the encoders that wrote them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from crispen.look.compression import read_compression

NAMES = ("4:4:4", "4:2:2", "4:2:0")


def file(quality: int, subsampling: int = 2, mode: str = "RGB") -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    target = io.BytesIO()
    picture = Image.fromarray(pixels).convert(mode)
    options = {} if mode == "L" else {"subsampling": subsampling}
    picture.save(target, "JPEG", quality=quality, **options)
    return target.getvalue()


@pytest.mark.parametrize("quality", range(5, 100, 5))
def test_quality_is_what_libjpeg_was_told(quality: int) -> None:
    found = read_compression(file(quality))
    assert found is not None
    assert abs(found.quality - quality) <= (2 if quality < 15 else 1)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_subsampling(number: int) -> None:
    found = read_compression(file(80, number))
    assert found is not None
    assert found.subsampling == NAMES[number]


def test_grey() -> None:
    found = read_compression(file(70, mode="L"))
    assert found is not None
    assert found.subsampling == "grey"
    assert abs(found.quality - 70) <= 1


def test_two_byte_tables() -> None:
    """A table of 16 bits says the same as one of 8."""
    data = file(60)
    at = data.index(b"\xff\xdb")
    size = int.from_bytes(data[at + 2 : at + 4], "big")
    body, wide = data[at + 4 : at + 2 + size], b""
    while body:
        values = np.frombuffer(body[1:65], np.uint8).astype(">u2").tobytes()
        wide += bytes([body[0] | 0x10]) + values
        body = body[65:]
    segment = b"\xff\xdb" + (len(wide) + 2).to_bytes(2, "big") + wide
    assert read_compression(data[:at] + segment + data[at + 2 + size :]) == read_compression(data)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\x00\x00\x00\x00"]
)
def test_others_say_nothing(data: bytes) -> None:
    assert read_compression(data) is None


def test_a_file_cut_anywhere_says_something_or_nothing() -> None:
    data = file(50)
    for end in range(0, data.index(b"\xff\xda") + 2, 7):
        read_compression(data[:end])


def webp(quality: int, **options: object) -> bytes:
    y, x = np.mgrid[0:96, 0:128]
    waves = 100 * np.sin(x * y / 300)[..., None] * [1, 0.5, -0.5] + 120
    noise = np.random.default_rng(0).normal(0, 6, (96, 128, 3))
    target = io.BytesIO()
    pixels = np.clip(waves + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(target, "WEBP", quality=quality, **options)
    return target.getvalue()


@pytest.mark.parametrize("method", [0, 4, 6])
@pytest.mark.parametrize("quality", range(10, 101, 10))
def test_quality_is_about_what_libwebp_was_told(quality: int, method: int) -> None:
    """It varies the quantisers from segment to segment, so their mean is not exactly that."""
    found = read_compression(webp(quality, method=method))
    assert found is not None
    assert found.format == "webp"
    assert abs(found.quality - quality) <= 12
    finer = read_compression(webp(max(1, quality - 10), method=method))
    assert finer is not None
    assert finer.step > found.step or quality == 1


def test_webp_with_metadata_and_alpha() -> None:
    """Then the picture's chunk is not the first one."""
    target = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(target, "WEBP", quality=60, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
    found = read_compression(target.getvalue())
    assert found is not None
    assert abs(found.quality - 60) <= 12


def test_lossless_webp_says_nothing() -> None:
    assert read_compression(webp(80, lossless=True)) is None


@pytest.mark.parametrize("length", [0, 11, 12, 20, 29, 33, 40])
def test_a_cut_webp_is_no_trouble(length: int) -> None:
    found = read_compression(webp(50)[:length])
    assert found is None or 1 <= found.quality <= 100
