"""What a file is by its first bytes, against files that other programs write."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import PIL.Image
import pytest

from crispen.media.signatures import HEAD_BYTES, describe_stranger, sniff

PICTURE = PIL.Image.fromarray(np.zeros((8, 8, 3), np.uint8))


def written(format: str) -> bytes:
    target = io.BytesIO()
    PICTURE.save(target, format)
    return target.getvalue()[:HEAD_BYTES]


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "tiff", "gif", "bmp", "avif"])
def test_pictures_of_pillow(format: str) -> None:
    assert sniff(written(format)) == format


@pytest.mark.parametrize(("format", "words"), [("sgi", "SGI"), ("pcx", "PCX"), ("dds", "DDS")])
def test_formats_that_are_not_read_say_what_helps(format: str, words: str) -> None:
    head = written(format)
    assert sniff(head) is None
    assert words in describe_stranger(head)
    assert "convert it" in describe_stranger(head)


def test_what_people_send_by_mistake() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a", "b")
    assert "ZIP" in describe_stranger(archive.getvalue())
    assert describe_stranger(b"%PDF-1.4").startswith("a PDF")
    assert describe_stranger(b"<!DOCTYPE HTML><html>") == "a web page"
    assert describe_stranger(b"dear diary\n") == "text"
    assert "damaged" in describe_stranger(b"\x00\x01\x02")
    assert "damaged" in describe_stranger(b"")
