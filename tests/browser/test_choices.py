"""What should happen: seen before it is done, set by what was measured, on small screens too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from crispen.media.image import Image, read_image, write_image

from .conftest import ROOT, Process, Visitor, shoot, wait_done


def damaged(path: Path, quality: int = 30) -> Path:
    """The demo's photo, compressed badly."""
    pixels = read_image(ROOT / "docs/demo/photo.png").pixels
    write_image(Image(np.ascontiguousarray(pixels[100:400, 100:400])), path, quality=quality)
    return path


def newest(server: Process) -> dict[str, Any]:
    with server.api() as api:
        job: dict[str, Any] = api.get("/jobs").json()["jobs"][0]
    return job


def focused(page: Page) -> str:
    """What has the focus, for the tests that it is never nothing."""
    return str(page.evaluate("document.activeElement.tagName"))


def test_sliders_show_what_was_measured(server: Process, page: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if "/enhance?" in r.url else None)
    page.get_by_label("Pictures and videos").set_input_files(damaged(tmp_path / "bad.jpg"))
    compression = page.get_by_role("slider", name="Repair compression")
    # By the file's tables: quality 30 is a dial of 0.75.
    expect(compression).to_have_attribute("aria-valuenow", re.compile(r"^0\.7[3-7]"))
    dials = page.get_by_role("group", name="How much is repaired")
    expect(dials.get_by_text(re.compile(r"^automatic, \d+ %$"))).to_have_count(3)
    result = page.get_by_role("region", name="bad.jpg, before and after").locator("img")
    result.wait_for()
    assert not any("dejpeg" in url for url in asked)
    # What repairs by what was measured, and what repairs by steps, are not offered at once.
    expect(page.get_by_role("switch", name="Repair")).to_have_count(0)
    expect(page.get_by_role("checkbox", name="Repair", exact=True)).to_have_count(0)

    first = str(result.get_attribute("src"))
    noise = page.get_by_role("slider", name="Remove noise")
    noise.focus()
    noise.press("End")
    expect(noise).to_have_attribute("aria-valuenow", "1")
    expect(result).not_to_have_attribute("src", first)
    assert "denoise=1" in asked[-1]
    assert "dejpeg" not in asked[-1]
    shoot(page, "sliders")
    page.get_by_role("button", name=re.compile("^Enhance 1 file")).click()
    wait_done(page, "bad.jpg")
    job = newest(server)
    assert (job["options"]["denoise"], job["options"]["dejpeg"]) == (1.0, None)
    assert job["models"] == ["real-x2"]

    # Kept for the next time, until told otherwise.
    page.reload()
    page.get_by_label("Pictures and videos").set_input_files(tmp_path / "bad.jpg")
    expect(noise).to_have_attribute("aria-valuenow", "1")
    page.get_by_role("button", name="Reset to automatic").click()
    expect(dials.get_by_text(re.compile(r"^automatic, \d+ %$"))).to_have_count(3)
    expect(noise).to_be_focused()
    expect(page.get_by_role("button", name="Reset to automatic")).to_have_count(0)


def test_repaired_in_its_own_size(server: Process, page: Page, tmp_path: Path) -> None:
    page.get_by_label("Pictures and videos").set_input_files(damaged(tmp_path / "bad.jpg"))
    page.get_by_role("radio", name="Keep the size").check(force=True)
    page.get_by_role("button", name=re.compile("^Enhance 1 file")).click()
    wait_done(page, "bad.jpg")
    job = newest(server)
    assert (job["models"], job["result"]["width"]) == (["real-x2"], 300)


def test_from_faithful_to_vivid(server: Process, visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit(server.url)
    page.get_by_label("Pictures and videos").set_input_files(damaged(tmp_path / "bad.jpg"))
    page.get_by_role("slider", name="Repair compression").wait_for()
    slider = page.get_by_role("slider", name="Faithful to vivid")
    with page.expect_request(re.compile("/enhance.*vivid=0.05")):
        slider.focus()
        slider.press("ArrowRight")


PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_choices_as_a_sheet(server: Process, visitor: Visitor, tmp_path: Path, scheme: str) -> None:
    page = visitor.visit(server.url, color_scheme=scheme, reduced_motion="reduce", **PHONE)
    page.get_by_label("Pictures and videos").set_input_files(damaged(tmp_path / "bad.jpg"))
    piece = page.get_by_role("region", name="bad.jpg, before and after")
    piece.locator("img").wait_for()
    start = page.get_by_role("button", name=re.compile("^Enhance 1 file"))
    page.keyboard.press("End")

    def covered() -> list[str]:
        """What can be pressed, and lies under something else where it is scrolled into view."""
        found: list[str] = page.evaluate(
            """() => {
              const top = document.querySelector('[role=dialog]') ?? document;
              const wrong = [];
              for (const one of top.querySelectorAll('button, [role=slider], input, label.offer')) {
                if (!one.checkVisibility() || one.closest('.unseen, .bar') || !one.offsetParent
                    || one.matches('.unseen, .unseen *')) continue;
                one.scrollIntoView({ block: 'center', behavior: 'instant' });
                const { left, top, width, height } = one.getBoundingClientRect();
                const [x, y] = [left + width / 2, top + height / 2];
                const seen = document.elementFromPoint(x, y);
                if (!(one.contains(seen) || seen?.contains(one)
                    || one.labels?.[0]?.contains(seen)
                    || one.closest('.v-field')?.contains(seen)))
                  wrong.push(one.outerHTML.slice(0, 120));
              }
              return wrong;
            }"""
        )
        return found

    assert covered() == []
    page.get_by_role("button", name=re.compile("^Choices: ×2 · repaired automatically")).click()
    sheet = page.get_by_role("dialog", name="What should happen?")
    sheet.get_by_role("region", name="bad.jpg, before and after").locator("img").wait_for()
    sheet.get_by_role("radio", name="4 times as wide and high").check(force=True)
    shoot(page, f"sheet-{scheme}")
    sheet.get_by_role("button", name="More", exact=True).click()
    assert covered() == []
    sheet.get_by_role("button", name="Done").click()
    sheet.wait_for(state="hidden")
    opener = page.get_by_role("button", name=re.compile("^Choices: ×4 · repaired automatically"))
    expect(opener).to_be_focused()
    opener.click()
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")
    assert focused(page) != "BODY"
    start.click()
    wait_done(page, "bad.jpg")
    assert newest(server)["result"]["width"] == 1200
    server.clear()
