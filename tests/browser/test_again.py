"""Enhance again with other settings, without sending the file again, and compare the results."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from .conftest import PATIENCE_MS, ROOT, Process, begin, card, select, shoot, wait_done
from .test_choices import damaged


def pixel(page: Page, selector: str, x: float, y: float) -> list[int]:
    """What a picture of the page shows at a place, as shares of its sides."""
    colour: list[int] = page.locator(selector).first.evaluate(
        """(element, [x, y]) => {
          const canvas = document.createElement('canvas');
          canvas.width = canvas.height = 1;
          const context = canvas.getContext('2d');
          const [w, h] = [element.naturalWidth, element.naturalHeight];
          context.drawImage(element, x * w, y * h, 1, 1, 0, 0, 1, 1);
          return [...context.getImageData(0, 0, 1, 1).data];
        }""",
        [x, y],
    )
    return colour


def test_from_a_card(server: Process, page: Page, tmp_path: Path) -> None:
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if "/uploads/" in r.url else None)
    page.get_by_label("Pictures and videos").set_input_files(damaged(tmp_path / "bad.jpg"))
    page.get_by_role("radio", name="3 times as wide and high").check(force=True)
    page.get_by_role("button", name=re.compile(r"^Enhance 1 file")).click()
    wait_done(page, "bad.jpg")
    before = len(sent)
    assert before > 0

    # It begins with what was chosen for it, whatever was chosen since.
    page.evaluate("localStorage.removeItem('crispen.choices')")
    page.reload()
    card(page, "bad.jpg").get_by_role("button", name=re.compile("^Enhance again")).click()
    heading = page.get_by_role("heading", name="What should happen?")
    expect(heading).to_be_focused()
    expect(page.get_by_role("radio", name="3 times as wide and high")).to_be_checked()
    piece = page.get_by_role("region", name="bad.jpg, before and after")
    piece.locator("img").wait_for()
    piece.get_by_text(re.compile("300 × 300 → 900 × 900")).wait_for()
    page.get_by_role("radio", name="2 times as wide and high").check(force=True)
    page.get_by_role("radio", name="Repair nothing").check(force=True)
    page.reload()  # nothing of that is lost
    page.get_by_role("button", name=re.compile(r"^Enhance 1 file")).click()
    expect(page.get_by_text("Done", exact=True)).to_have_count(2)
    assert len(sent) == before
    with server.api() as api:
        jobs = api.get("/jobs").json()["jobs"]
    assert [job["models"] for job in jobs] == [["photo-x2"], ["real-x4"]]
    assert {job["name"] for job in jobs} == {"bad.jpg"}


def test_results_of_one_file_side_by_side(server: Process, page: Page, tmp_path: Path) -> None:
    begin(page, [damaged(tmp_path / "bad.jpg")])
    wait_done(page, "bad.jpg")
    page.get_by_role("link", name="Compare bad.jpg").click()
    page.get_by_role("slider", name="How much of the picture before is shown").wait_for()
    expect(page.get_by_role("combobox", name="Compare with")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^Enhance again")).click()
    page.get_by_role("heading", name="What should happen?").wait_for()
    page.get_by_role("radio", name="Repair nothing").check(force=True)
    page.get_by_role("button", name=re.compile(r"^Enhance 1 file")).click()
    expect(page.get_by_text("Done", exact=True)).to_have_count(2)

    with server.api() as api:
        plain, repaired = api.get("/jobs").json()["jobs"]
    assert (plain["models"], repaired["models"]) == (["photo-x2"], ["real-x2"])
    page.goto(f"{server.url}/compare/{repaired['id']}")
    select(page, "Compare with", "×2 · as it is · photo-x2")
    stage = page.locator(".stage")
    expect(stage.get_by_text("×2 · as it is · photo-x2")).to_be_visible()
    expect(stage.get_by_text("×2 · real-x2", exact=True)).to_be_visible()
    left, right = stage.locator(".first img"), stage.locator(".pane:not(.first, .third) img")
    expect(left).to_have_attribute("src", re.compile(f"{plain['id']}/preview/after"))
    expect(right).to_have_attribute("src", re.compile(f"{repaired['id']}/preview/after"))
    page.get_by_role("button", name="Side by side").click()
    third = stage.locator(".third img")
    expect(third).to_have_attribute("src", re.compile(f"{repaired['id']}/preview/before"))
    panes = [stage.locator(f".{name}").bounding_box() for name in ("third", "first")]
    assert panes[0] is not None
    assert panes[1] is not None
    assert panes[0]["x"] + panes[0]["width"] < panes[1]["x"]
    for picture in (third, left, right):
        page.wait_for_function("i => i.complete && i.naturalWidth", arg=picture.element_handle())
    assert pixel(page, ".first img", 0.5, 0.5) != pixel(page, ".third img", 0.5, 0.5)
    page.wait_for_timeout(500)
    shoot(page, "three-beside")
    select(page, "Compare with", "Original")
    expect(stage.locator(".third")).to_have_count(0)


def test_a_video_again(server: Process, page: Page) -> None:
    begin(page, [ROOT / "docs/demo/clip.mp4"])
    wait_done(page, "clip.mp4")
    card(page, "clip.mp4").get_by_role("button", name=re.compile("^Enhance again")).click()
    page.get_by_role("region", name="clip.mp4, before and after").locator("img").wait_for()
    page.get_by_role("radio", name="3 times as wide and high").check(force=True)
    page.get_by_role("button", name=re.compile(r"^Enhance 1 file")).click()
    expect(page.get_by_text("Done", exact=True)).to_have_count(2, timeout=PATIENCE_MS)
    page.get_by_role("link", name="Compare clip.mp4").first.click()
    select(page, "Compare with", "×2 · video-x2")
    page.get_by_role("button", name="Side by side").click()
    expect(page.locator(".third")).to_have_count(0)
    page.wait_for_timeout(1500)
    shoot(page, "videos-beside")
