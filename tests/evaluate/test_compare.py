"""Comparisons: windows, labels, sheets and pages."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from crispen.errors import OutputError, UsageError
from crispen.evaluate.compare import Window, choose_windows, compare
from crispen.evaluate.lettering import LETTERS, draw_text, line_height
from crispen.evaluate.report.slider import make_page, save_page
from crispen.evaluate.sheet import GAP_PX, PANEL_PX, make_sheet
from crispen.media.image import Image, read_image, write_image


def save(path: Path, pixels: np.ndarray) -> Path:
    write_image(Image(pixels), path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Before (half the size), after, reference."""
    rng = np.random.default_rng(0)
    large = rng.integers(60, 200, (60, 80, 3), np.uint8)
    before = save(tmp_path / "before.png", large[::2, ::2].copy())
    after = save(tmp_path / "after.png", large)
    shifted = np.clip(large.astype(int) + 2, 0, 255).astype(np.uint8)
    return before, after, save(tmp_path / "true.png", shifted)


def test_the_smaller_picture_is_enlarged_and_says_so(pictures: tuple[Path, ...]) -> None:
    shown = compare(*pictures)
    assert [p.title for p in shown.panels] == [
        "before: before.png",
        "after: after.png",
        "reference: true.png",
    ]
    assert {p.pixels.shape for p in shown.panels} == {(60, 80, 3)}
    assert shown.panels[0].note.startswith("bicubic 2×, ")


def test_scores_stand_under_each(pictures: tuple[Path, ...]) -> None:
    # Two levels in every channel are 2 · 219/255 levels of studio luma.
    expected = peak_signal_noise_ratio(
        np.zeros((4, 4)), np.full((4, 4), 2 * 219 / 255), data_range=255
    )
    note = compare(*pictures).panels[1].note
    found = re.match(r"(\d+\.\d+) dB, SSIM (\d\.\d+)", note)
    assert found
    # Rounding the result to whole levels moves it a little.
    assert float(found[1]) == pytest.approx(expected, abs=0.2)
    assert float(found[2]) > 0.99


def test_nearest_on_request(pictures: tuple[Path, ...]) -> None:
    panel = compare(*pictures[:2], method="nearest").panels[0]
    small = read_image(pictures[0]).as_rgb8()
    np.testing.assert_array_equal(panel.pixels, small.repeat(2, 0).repeat(2, 1))
    assert panel.note == "nearest 2×"


def test_windows_are_where_the_difference_is() -> None:
    a = np.zeros((100, 120, 3), np.uint8)
    b = a.copy()
    b[20:30, 70:80] = 200
    b[80:90, 10:20] = 100
    first, second = choose_windows(a, b, 10, 2)
    assert first == Window(left=70, top=20, side=10)
    assert second == Window(left=10, top=80, side=10)


def test_equal_pictures_are_shown_where_the_detail_is() -> None:
    a = np.zeros((60, 60, 3), np.uint8)
    a[40:50:2, 30:40] = 255
    (window,) = choose_windows(a, a, 12, 1)
    assert window.left <= 30 <= 40 <= window.left + window.side
    assert window.top <= 40 <= 49 <= window.top + window.side


def test_windows_do_not_overlap() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 90, 90, 3), np.uint8)
    windows = choose_windows(a, b, 20, 4)
    for i, one in enumerate(windows):
        for other in windows[:i]:
            apart = max(abs(one.left - other.left), abs(one.top - other.top))
            assert apart >= one.side


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 9), (700, 900)])
def test_sheets_of_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = np.full((*size, 3), 120, np.uint8)
    one, two = save(tmp_path / "1.png", pixels), save(tmp_path / "2.png", pixels)
    sheet = make_sheet(compare(one, two, two))
    assert sheet.shape[1] == 3 * PANEL_PX + 4 * GAP_PX
    assert sheet.dtype == np.uint8


def test_the_sheet_shows_the_insets(pictures: tuple[Path, ...]) -> None:
    shown = compare(*pictures[:2], windows=2)
    sheet = make_sheet(shown)
    plain = make_sheet(compare(*pictures[:2], windows=0))
    # Two insets share the panel's width, so each is half of it high.
    assert sheet.shape[0] - plain.shape[0] == (PANEL_PX - GAP_PX) // 2 + GAP_PX
    # The mean grey of an inset is that of its window.
    window = shown.windows[0].cut(shown.panels[1].pixels)
    side = (PANEL_PX - GAP_PX) // 2
    top = GAP_PX + 60 * 6 + GAP_PX
    left = 2 * GAP_PX + PANEL_PX
    inset = sheet[top + 4 : top + side - 4, left + 4 : left + side - 4]
    np.testing.assert_allclose(inset.mean((0, 1)), window.mean((0, 1)), atol=3)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ((40, 40), (20, 20), "larger than"),
        ((20, 20), (40, 60), "differ in shape"),
    ],
)
def test_pictures_that_do_not_belong_together(
    tmp_path: Path, before: tuple[int, int], after: tuple[int, int], message: str
) -> None:
    one = save(tmp_path / "1.png", np.zeros((*before, 3), np.uint8))
    two = save(tmp_path / "2.png", np.zeros((*after, 3), np.uint8))
    with pytest.raises(UsageError, match=message):
        compare(one, two)


def test_a_reference_that_is_too_small(pictures: tuple[Path, ...]) -> None:
    with pytest.raises(UsageError, match="smaller than the result"):
        compare(pictures[0], pictures[1], pictures[0])


def test_every_letter_is_drawn() -> None:
    for letter in LETTERS.strip():
        assert draw_text(letter, 40).max() > 100, letter
    assert not draw_text(" ", 40).any()


def test_long_text_ends_in_an_ellipsis() -> None:
    short, long = draw_text("a" * 40, 100), draw_text("a" * 400, 100)
    assert short.shape == long.shape == (line_height(), 100)
    np.testing.assert_array_equal(short, long)


def test_unknown_letters_become_question_marks() -> None:
    np.testing.assert_array_equal(draw_text("猫", 30), draw_text("?", 30))


class Page(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.ids.add(values.get("id") or "")
        self.fetched += [values[k] or "" for k in ("src", "href", "srcset") if k in values]


def test_the_page_fetches_nothing_and_holds_the_pixels(pictures: tuple[Path, ...]) -> None:
    page = make_page(compare(*pictures))
    parsed = Page()
    parsed.feed(page)
    assert len(parsed.fetched) == 3
    assert all(url.startswith("data:image/png;base64,") for url in parsed.fetched)
    assert not re.search(r"https?://|@import|url\(", page)
    content = base64.b64decode(parsed.fetched[1].partition(",")[2])
    np.testing.assert_array_equal(read_image(content).as_rgb8(), read_image(pictures[1]).as_rgb8())
    # A range can be moved by keyboard and touch.
    assert {"range", "stage"} <= parsed.ids
    assert "input" in parsed.tags


def test_names_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    pixels = np.zeros((20, 20, 3), np.uint8)
    evil = save(tmp_path / '"><b onerror=alert(1)>.png', pixels)
    page = make_page(compare(evil, evil))
    assert "<b onerror" not in page


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        save_page("<p>", tmp_path / "missing" / "page.html")
    save_page("<p>", tmp_path / "page.html")
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
