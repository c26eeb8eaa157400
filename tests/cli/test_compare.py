"""``crispen compare`` as a person would type it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.media.image import Image, read_image, write_image
from crispen.media.resample import resize


def test_compare_makes_a_sheet(crispen: Any, photo: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    pixels = read_image(photo).as_rgb8()
    write_image(Image(resize(pixels, 80, 96, method="lanczos").astype(np.uint8)), large)
    said = crispen("compare", photo, large, "-o", "sheet.png", "--reference", large)
    assert said.code == 0, said.err
    assert "made sheet.png" in said.out
    assert read_image(tmp_path / "sheet.png").width > 900
    again = crispen("compare", photo, large, "-o", "sheet.png")
    assert again.code == 1
    assert "--overwrite" in again.err
    facts = json.loads(
        crispen("compare", photo, large, "-o", "sheet.png", "--overwrite", "--json").out
    )
    assert facts["panels"][0]["note"] == "bicubic 2×"


def test_compare_makes_a_page(crispen: Any, photo: Path, tmp_path: Path) -> None:
    assert crispen("compare", photo, photo, "-o", "sheet.html", "--insets", "1").code == 0
    assert (tmp_path / "sheet.html").read_text().count("data-side=") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("photo.png", "photo.png", "-o", "sheet.doc"), 2, ".png or .html"),
        (("photo.png", "photo.png", "-o", "photo.png", "--overwrite"), 2, "one of the pictures"),
        (("photo.png", "nowhere.png", "-o", "sheet.png"), 1, "nowhere.png"),
        (("photo.png", "photo.png"), 2, "-o"),
    ],
)
def test_compare_wrongly(
    crispen: Any, photo: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    before = photo.read_bytes()
    said = crispen("compare", *arguments)
    assert said.code == code
    assert text in said.err
    assert photo.read_bytes() == before
