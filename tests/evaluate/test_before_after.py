"""``crispen.compare`` in Python and in notebooks."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import crispen
from crispen.errors import OutputError, UsageError

SMALL = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
LARGE = SMALL.repeat(2, 0).repeat(2, 1)


def test_whatever_is_a_picture_can_be_compared(tmp_path: Path) -> None:
    crispen.Image(SMALL).save(tmp_path / "a.png")
    made = crispen.compare(tmp_path / "a.png", PIL.Image.fromarray(LARGE), reference=LARGE)
    titles = [panel.title for panel in made.comparison.panels]
    assert titles == ["before: a.png", "after", "reference"]
    assert re.search(r"dB", repr(made))
    with pytest.raises(UsageError, match=r"^after \(64x48\) is larger|^before \(64x48\) is larger"):
        crispen.compare(LARGE, SMALL)


def test_notebooks_show_the_page_in_a_frame_of_its_own() -> None:
    made = crispen.compare(SMALL, LARGE)
    shown = made._repr_html_()
    frame = re.fullmatch(r'<iframe srcdoc="([^"]*)" title="[^"]*" sandbox="allow-scripts".*', shown)
    assert frame is not None
    assert html.unescape(frame[1]) == made.page()


def test_it_is_saved_by_its_name(tmp_path: Path) -> None:
    made = crispen.compare(SMALL, LARGE)
    made.save(tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text() == made.page()
    with pytest.raises(OutputError, match="exists already"):
        made.save(tmp_path / "a.html")
    made.save(tmp_path / "a.png")
    assert crispen.read_image(tmp_path / "a.png").width > 128
    with pytest.raises(UsageError, match=r"ends in \.png or \.html"):
        made.save(tmp_path / "a.txt")
