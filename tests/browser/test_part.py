"""A part of a clip: what is typed is checked, seen before it is done, and done."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import ROOT, Process, Visitor, shoot, wait_done
from .test_choices import PHONE, newest

CLIP = ROOT / "docs/demo/clip.mp4"  # 62 frames of 320 x 180, 25 a second


def opened(page: Page) -> Locator:
    """The fields for a part of the clip, once the clip was looked at."""
    page.get_by_label("Pictures and videos").set_input_files(CLIP)
    piece = page.get_by_role("region", name="clip.mp4, before and after")
    piece.get_by_text(re.compile("^320 × 180 → 640 × 360")).wait_for()
    if page.get_by_role("button", name=re.compile("^Choices:")).is_visible():
        page.get_by_role("button", name=re.compile("^Choices:")).click()
    page.get_by_role("button", name="More", exact=True).click()
    return page.get_by_role("group", name="Part of the clip")


def put(part: Locator, **values: str) -> None:
    for name, value in values.items():
        part.get_by_role("textbox", name=name.replace("_", " "), exact=True).fill(value)


def test_a_part_is_what_was_asked_for(server: Process, page: Page) -> None:
    part = opened(page)
    put(part, Start="1", Duration="0:01", Frames_per_second="10", Crop="160:90:100:40")
    piece = page.get_by_role("region", name="clip.mp4, before and after")
    piece.get_by_text(re.compile("^160 × 90 → 320 × 180, 10 of 62 frames")).wait_for()
    shoot(page, "part")
    page.get_by_role("button", name=re.compile("^Enhance 1 file")).click()
    wait_done(page, "clip.mp4")
    result = newest(server)["result"]
    assert (result["width"], result["height"], result["frames"]) == (320, 180, 10)


WRONG = [
    ({"Start": "abc"}, "'abc' is not a time; write seconds (90.5)"),
    ({"Start": "9"}, "Start 9 is after the last frame; the video is 2.48 s long"),
    ({"Start": "2", "End": "1"}, "End 1 is not after the start 2; choose a later end"),
    ({"End": "2", "Duration": "1"}, "Give end or duration, not both"),
    ({"Frames_per_second": "0"}, "'0' is not a number of frames per second"),
    ({"Crop": "nonsense"}, "'nonsense' is not a rectangle; write WIDTH:HEIGHT:LEFT:TOP"),
    ({"Crop": "640:360:0:0"}, "reaches beyond the picture, which is 320x180"),
]


@pytest.mark.parametrize("phone", [False, True])
def test_what_cannot_be_is_said_beside_the_field(
    server: Process, visitor: Visitor, phone: bool
) -> None:
    page = visitor.visit(server.url, **(PHONE if phone else {}))
    part = opened(page)
    start = page.get_by_role("button", name=re.compile("^Enhance 1 file")).last
    for values, told in WRONG:
        put(part, **values)
        name = list(values)[-1].replace("_", " ")
        field = page.get_by_role("textbox", name=name, exact=True)
        said = part.locator(".v-input", has=field).get_by_text(told)
        expect(said).to_be_visible()
        expect(start).to_be_disabled()
        expect(page.get_by_text(f"Correct the {name.lower()}.").last).to_be_visible()
        put(part, **dict.fromkeys(values, ""))
        expect(said).to_have_count(0)
        expect(start).to_be_enabled()


def test_pictures_have_no_part(page: Page) -> None:
    page.get_by_label("Pictures and videos").set_input_files(ROOT / "docs/demo/photo.png")
    page.get_by_role("button", name="More", exact=True).click()
    expect(page.get_by_role("combobox", name="Quality")).to_be_visible()
    expect(page.get_by_role("group", name="Part of the clip")).to_have_count(0)
    expect(page.get_by_label("Start", exact=True)).to_have_count(0)
