"""Segments of a JPEG that are against the standard and harm nothing."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image

from crispen.media.picture.jpeg_segments import tidy

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)


def written(**more: object) -> bytes:
    target = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(target, "JPEG", quality=95, **more)
    return target.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(data)))


def test_a_good_file_stays_as_it_is() -> None:
    for data in (written(), written(progressive=True), written(exif=b"Exif\0\0" + bytes(20))):
        assert tidy(data) == (data, [])


def test_bytes_between_segments_are_dropped_and_reported() -> None:
    good = written()
    length = int.from_bytes(good[4:6], "big")
    at = 4 + length  # behind the first segment
    tidied, found = tidy(good[:at] + b"\x00\x12\x34" + good[at:])
    assert found == ["bytes that belong to nothing"]
    assert tidied == good


def test_fillers_before_a_marker_are_allowed() -> None:
    good = written()
    at = 4 + int.from_bytes(good[4:6], "big")
    tidied, found = tidy(good[:at] + b"\xff\xff" + good[at:])
    assert found == []
    assert np.array_equal(pixels(tidied), pixels(good))


def test_what_is_no_jpeg_is_left_alone() -> None:
    assert tidy(b"GIF89a") == (b"GIF89a", [])
    assert tidy(b"\xff\xd8")[1] == ["its end marker is missing"]
