"""The header of a BMP, against files that Pillow writes and headers made by hand."""

from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from crispen.media.picture.bmp import metadata, size


def written(width: int, height: int, dpi: tuple[float, float] | None = None) -> bytes:
    target = io.BytesIO()
    picture = PIL.Image.fromarray(np.zeros((height, width, 3), np.uint8))
    picture.save(target, "BMP", **({} if dpi is None else {"dpi": dpi}))
    return target.getvalue()


def with_height(data: bytes, height: int) -> bytes:
    return data[:22] + struct.pack("<i", height) + data[26:]


def test_size_and_resolution() -> None:
    data = written(31, 17, (300, 150))
    assert size(data) == (31, 17)
    dpi = metadata(data).dpi
    assert dpi is not None
    assert dpi == pytest.approx((300, 150), abs=0.05)


def test_rows_from_the_top_have_a_negative_height() -> None:
    assert size(with_height(written(31, 17), -17)) == (31, 17)


def test_the_oldest_header() -> None:
    core = b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 5, 7, 1, 24) + bytes(20)
    assert size(core) == (5, 7)
    assert metadata(core).dpi is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (written(3, 3)[:20], "ends"),
        (with_height(written(3, 3), 0), "impossible size"),
        (b"BM" + bytes(12) + struct.pack("<I", 20) + bytes(40), "unknown header"),
    ],
)
def test_headers_that_cannot_be(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        size(data)


def version_5(kind: bytes, *, profile: bytes = b"", gamma: float = 2.2) -> bytes:
    """A BITMAPV5HEADER with the corners of sRGB."""
    corners = [(0.64, 0.33, 0.03), (0.30, 0.60, 0.10), (0.15, 0.06, 0.79)]
    numbers = [round(value * 2**30) for corner in corners for value in corner]
    head = struct.pack("<IiiHHIIiiII", 124, 2, 2, 1, 24, 0, 16, 2835, 2835, 0, 0)
    head += bytes(16) + kind + struct.pack("<9i", *numbers)
    head += struct.pack("<3I", *[round(gamma * 65536)] * 3)
    head += struct.pack("<IIII", 4, 124 + 16, len(profile), 0)
    return b"BM" + bytes(12) + head + bytes(16) + profile


def test_calibrated_colours_become_a_profile() -> None:
    icc = metadata(version_5(bytes(4))).icc
    assert icc is not None
    profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(icc))
    assert profile.profile.red_primary is not None
    assert profile.profile.red_primary[1][:2] == pytest.approx((0.64, 0.33), abs=0.02)


def test_an_embedded_profile_is_taken_as_it_is() -> None:
    assert metadata(version_5(b"DEBM", profile=b"a profile")).icc == b"a profile"
    assert metadata(version_5(b"BGRs")).icc is None  # sRGB needs none
    assert metadata(version_5(bytes(4), gamma=90.0)).icc is None
