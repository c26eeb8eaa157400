"""What a JPEG file says of itself, against the encoder that wrote it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from crispen.look.jpeg import read_compression

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
