"""Files that are odd, broken or evil: each becomes a result or a message that says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Process, card, photo, select, shoot

# What a person can do nothing with: our paths, options of the command line, other people's words.
UNCLEAR = re.compile(r"/tmp|/data/|(^|\s)--\w|Traceback|Error\b|went wrong here")
# Longer than most, as a person sees two lines at first.
MAX_CHARACTERS = 260


@pytest.fixture
def odd(shared_data: Path) -> list[Path]:
    files = [file for file in sorted((shared_data / "odd").rglob("*")) if file.is_file()]
    return [file for file in files if file.name != "MANIFEST.csv"]


def test_every_odd_file(server: Process, page: Page, odd: list[Path]) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.get_by_label("Pictures and videos").set_input_files(odd)
    page.get_by_role("button", name="More", exact=True).click()
    select(page, "Model to make larger", "espcn")  # the fastest
    # Some were refused by then, as soon as they were chosen.
    page.get_by_role("button", name=re.compile(r"Enhance \d+ files")).click()
    # Of a long list as much is made as was scrolled to.
    for _ in range(20):
        if page.locator("article.card").count() == len(odd):
            break
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.keyboard.press("End")
        page.wait_for_timeout(300)
    expect(page.locator("article.card")).to_have_count(len(odd))
    busy = page.locator("article.active, article.calm")
    expect(busy).to_have_count(0, timeout=240_000)
    shoot(page, "odd")
    unclear, wrong = [], []
    for file in odd:
        one = card(page, file.name)
        good = "good" in str(one.get_attribute("class"))
        said = one.locator(".status .text").inner_text()
        if not good and (UNCLEAR.search(said) or not 15 < len(said) < MAX_CHARACTERS):
            unclear.append(f"{file.name}: {said}")
        refused = file.name.startswith(("bomb_", "zero_", "text", "html", "random"))
        if (file.parent.name == "valid" and not good) or (refused and good):
            wrong.append(f"{file.name}: {said}")
    assert (unclear, wrong) == ([], [])
    assert "empty" in card(page, "zero_bytes.png").inner_text()
    assert "megapixels" in card(page, "bomb_30000x30000_1bit.png").inner_text()

    page.get_by_role("button", name="Remove finished").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator("article.good")).to_have_count(0)
    for button in page.get_by_role("button", name=re.compile("^Remove .*")).all()[::-1]:
        if button.inner_text() != "Remove finished":
            button.click()
    expect(page.locator("article.card")).to_have_count(0)
    assert server.leftovers() == []


def test_what_is_too_large_is_told(page: Page, server: Process) -> None:
    # Over the limit on the result's pixels: the wish is wrong, not the file.
    picture = photo(server.folder / "small.png", 64, 64)
    page.get_by_label("Pictures and videos").set_input_files([picture])
    page.get_by_role("radio", name="An exact size").check(force=True)
    page.get_by_role("textbox", name="Width").fill("60000")
    page.get_by_role("button", name="Enhance 1 file").click()
    said = card(page, "small.png").locator(".status .text")
    said.wait_for()
    expect(said).to_contain_text("choose a smaller size")
    assert not UNCLEAR.search(said.inner_text())
    page.get_by_role("button", name="Remove small.png").click()
