"""The page of ``crispen play``: it plays, and goes where it is told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Visitor, shoot

LENGTH_S = 40


@pytest.fixture
def player(tmp_path: Path, play: Callable[..., Any], make_clip: Callable[..., Path]) -> Any:
    """``crispen play`` for a clip with sound, from its second second on."""
    stamps = range(0, LENGTH_S * 25 * 512, 512)
    clip = make_clip(tmp_path / "my clip.mp4", stamps, size=(96, 54), audio=[("aac", 0, LENGTH_S)])
    return play(clip, "--start", "2")


@contextmanager
def asked(page: Page) -> Iterator[dict[str, str]]:
    """The query of the stream that the page asks for in the block."""
    query: dict[str, str] = {}
    with page.expect_request(
        lambda request: urlsplit(request.url).path.endswith("/stream")
    ) as seen:
        yield query
    found = parse_qs(urlsplit(seen.value.url).query)
    query.update({name: values[0] for name, values in found.items()})


def shown(page: Page) -> None:
    """Wait for a picture, playing or not."""
    page.wait_for_function("() => document.querySelector('video').readyState > 1")


def begun(page: Page) -> Locator:
    """The button that plays and pauses, once it plays."""
    button = page.locator("#toggle")
    if button.inner_text() == "Play":  # sound begins only after a click, as in any browser
        button.click()
    return button


def plays(page: Page, past: float) -> None:
    """Wait until the player is past a second of its stream."""
    page.wait_for_function(
        "past => { const v = document.querySelector('video');"
        " return !v.paused && v.currentTime > past }",
        arg=past,
    )


def test_it_plays_and_goes_where_it_is_told(player: Any, visitor: Visitor) -> None:
    page = visitor.visit(player.url, "", ready="text=×")
    expect(page.get_by_role("heading")).to_have_text("my clip.mp4")
    expect(page.locator("#facts")).to_have_text("96×54 to 192×108 by espcn-x2")
    button = begun(page)
    expect(button).to_have_text("Pause")
    plays(page, 1.0)
    expect(page.locator("#time")).to_have_text(re.compile(r"^0:0[3-9] / 0:40$"))  # from 2 on
    expect(page.locator("#share")).to_have_text(re.compile(r"^\d+ % enhanced"))
    size = page.evaluate("() => [video.videoWidth, video.videoHeight]")
    assert size == [192, 108]
    shoot(page, "play-light")

    slider = page.get_by_role("slider", name="Position")
    with asked(page) as query:
        slider.fill("25")
    assert query["start"] == "25"
    plays(page, 0.5)
    expect(page.locator("#time")).to_have_text(re.compile(r"^0:2[5-9] / 0:40$"))
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^0:2\d of 0:40$"))

    page.keyboard.press("Space")
    expect(button).to_have_text("Play")
    with asked(page) as query:
        for _ in range(2):  # one stream for both
            page.keyboard.press("ArrowLeft")
    assert 15 < float(query["start"]) < 20
    shown(page)
    assert page.evaluate("() => document.querySelector('video').paused")
    page.keyboard.press("Space")
    plays(page, 0.2)
    page.emulate_media(color_scheme="dark")
    shoot(page, "play-dark")


def test_it_ends_and_begins_again(player: Any, visitor: Visitor) -> None:
    page = visitor.visit(player.url, "", ready="text=×")
    button = begun(page)
    plays(page, 0.1)
    with asked(page) as query:
        page.keyboard.press("End")
    assert query["start"] == "39.5"
    page.wait_for_function("() => document.querySelector('video').ended")
    expect(button).to_have_text("Play")
    with asked(page) as query:
        button.click()
    assert query["start"] == "0"
    plays(page, 0.1)
    expect(page.locator("#trouble")).to_be_empty()


def test_closing_the_tab_stops_the_work(player: Any, visitor: Visitor) -> None:
    page = visitor.visit(player.url, "", ready="text=×")
    with asked(page) as query:
        page.get_by_role("slider", name="Position").fill("10")
    shown(page)
    viewer = query["viewer"]
    page.close()
    time.sleep(1)
    before = player.status(viewer)
    assert before["current"]
    time.sleep(1.5)
    assert player.status(viewer) == before


def test_a_second_tab_takes_over(player: Any, visitor: Visitor) -> None:
    first = visitor.visit(player.url, "", ready="text=×")
    begun(first)
    plays(first, 0.1)
    visitor.visit(player.url, "", ready="text=×")
    expect(first.locator("#trouble")).to_have_text("The clip is played in another tab.")
    player.stop()
    expect(first.locator("#trouble")).to_have_text(re.compile("has ended; start it again"))
