"""The empty page, the models, pages that are not there, and where the focus goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Process, Visitor, begin, card, photo, shoot
from .test_ways import blur


def test_a_new_person(server: Process, page: Page) -> None:
    """What it does is there to be tried without a file of one's own."""
    page.get_by_text("only on this computer").wait_for()
    line = page.get_by_role("slider", name=re.compile("sample before real-x2"))
    picture = page.get_by_role("img", name="Sample before real-x2")
    picture.wait_for()
    page.wait_for_function("i => i.complete && i.naturalWidth", arg=picture.element_handle())
    assert picture.evaluate("i => i.naturalWidth") == 768
    box = line.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40, steps=5)
    page.mouse.up()
    expect(line).to_have_value(re.compile("^2[3-7]$"))
    clip = str(picture.evaluate("i => i.style.clipPath"))
    assert re.search(r"inset\(0px 7[3-7]% 0px 0px\)", clip), clip

    page.get_by_role("button", name="Try a sample photo").click()
    piece = page.get_by_role("region", name="sample.jpg, before and after")
    piece.locator("img").wait_for()
    expect(piece.get_by_role("listitem").first).to_have_text(re.compile("JPEG quality about 40"))
    piece.get_by_text(re.compile("384 × 256 → 768 × 512")).wait_for()


def test_models_say_what_they_are_for(server: Process, page: Page) -> None:
    page.get_by_role("link", name="Models").first.click()
    recommended = page.get_by_role("region", name="Recommended").get_by_role("article")
    expect(recommended.first).to_contain_text("Use this for everyday pictures")
    names = recommended.evaluate_all("cards => cards.map(c => c.ariaLabel)")
    assert names[0] == "real"
    assert {"photo", "photo-fast", "relight"} <= set(names)
    assert "srcnn" not in names
    everything = page.locator("#content").inner_text()
    assert "3x3" not in everything
    assert "luma" not in everything.lower()
    clean = page.get_by_role("article", name="photo", exact=True)
    expect(clean).to_contain_text("Best quality")
    expect(clean).to_contain_text(re.compile(r"A 12-megapixel photo takes about [\d.]+ s"))
    expect(page.get_by_role("article", name="photo-live")).to_contain_text("Fastest")
    sample = clean.get_by_role("img", name="Sample after photo-x2")
    sample.scroll_into_view_if_needed()
    page.wait_for_function("i => i.complete && i.naturalWidth", arg=sample.element_handle())
    assert sample.evaluate("i => i.naturalWidth") == 768
    clean.get_by_role("radio", name="photo-x4").check(force=True)
    clean.get_by_role("img", name="Sample after photo-x4").wait_for()

    expect(page.get_by_role("article", name="srcnn")).to_have_count(0)
    page.locator("summary", has_text="For the laboratory: ").click()
    page.get_by_role("article", name="srcnn").wait_for()


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/runs/nothing", "/compare/" + "0" * 32])
def test_a_way_out(server: Process, visitor: Visitor, path: str) -> None:
    page = visitor.visit(server.url, path)
    page.get_by_role("link", name=re.compile("start page|Back to")).last.click()
    page.wait_for_url(re.compile(r"/(runs)?$"))


def test_segments_are_seen_in_the_dark(server: Process, visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit(server.url, color_scheme="dark")
    page.get_by_label("Pictures and videos").set_input_files(photo(tmp_path / "a.png"))
    chosen = page.locator(".offer input:checked + span").first
    chosen.wait_for()
    contrast = chosen.evaluate(
        """(element) => {
          const canvas = document.createElement('canvas')
            .getContext('2d', { willReadFrequently: true });
          const light = (colour) => {
            canvas.fillStyle = '#1d1d21';
            canvas.fillRect(0, 0, 1, 1);
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) =>
              value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const colour = (one) => getComputedStyle(one).backgroundColor;
          const [one, other] = [light(colour(element)), light(colour(element.closest('.row')))];
          return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        }"""
    )
    assert contrast > 3  # WCAG 1.4.11


def test_the_widest_screen(server: Process, visitor: Visitor, tmp_path: Path) -> None:
    """Header and content begin and end at the same places."""
    page = visitor.visit(server.url, viewport={"width": 2560, "height": 1300})
    page.get_by_label("Pictures and videos").set_input_files(photo(tmp_path / "a.png"))
    panel = page.get_by_role("region", name="What should happen?").bounding_box()
    brand = page.get_by_role("link", name="Crispen, start page").bounding_box()
    tools = page.locator(".tools").bounding_box()
    tiles = page.get_by_role("region", name="1 file ready").bounding_box()
    assert panel
    assert brand
    assert tools
    assert tiles
    assert abs(brand["x"] - tiles["x"]) <= 1
    assert abs(tools["x"] + tools["width"] - panel["x"] - panel["width"]) <= 1


def focus(page: Page) -> str:
    """What has the focus, once everything that moves it has."""
    page.wait_for_timeout(400)
    return str(page.evaluate("(e => e.ariaLabel || e.id || e.tagName)(document.activeElement)"))


def test_the_focus_is_never_lost(
    serve: Callable[..., Process], visitor: Visitor, tmp_path: Path
) -> None:
    server = serve()
    server.start("--workers", "0")
    page = visitor.visit(server.url)

    def press(name: str | re.Pattern[str], **options: bool) -> str:
        button = page.get_by_role("button", name=name, **options)
        button.focus()
        page.keyboard.press("Enter")
        return focus(page)

    files = [photo(tmp_path / f"{name}.png", 60, 40) for name in "abc"]
    page.get_by_label("Pictures and videos").set_input_files(files)
    page.get_by_role("heading", name="3 files ready").wait_for()
    assert press("Remove a.png") != "BODY"
    assert press("Remove all") != "BODY"
    begin(page, files)
    card(page, "c.png").get_by_text(re.compile("in line")).wait_for()
    # The button goes, and the card stays.
    assert press("Cancel a.png") == "a.png"
    assert press("Try again: a.png") == "a.png"
    assert press("Cancel all") != "BODY"
    (tmp_path / "soft.onnx").write_bytes(blur())
    page.get_by_role("link", name="Models").first.click()
    page.get_by_label("ONNX file").set_input_files(tmp_path / "soft.onnx")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Add", exact=True).press("Enter")
    dialog.wait_for(state="hidden")
    assert focus(page) != "BODY"
    press("Delete soft")
    page.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
    page.get_by_role("article", name="soft").wait_for(state="detached")
    assert focus(page) != "BODY"
    shoot(page, "models")
