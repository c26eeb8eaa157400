"""What is hard to compare: transparency, frames of unequal length, a small screen."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import Page, expect

from crispen.media.image import Image, write_image

from .conftest import ROOT, Process, Visitor, begin, card, photo, shoot, wait_done

READY = "() => [...document.querySelectorAll('.stage video')].every(v => v.readyState >= 2)"


def compare(page: Page, file: Path) -> None:
    """Enhance a file, and open it beside what it was."""
    begin(page, [file])
    wait_done(page, file.name)
    page.get_by_role("link", name=f"Compare {file.name}").click()
    page.locator(".stage").wait_for()


def uneven(path: Path, short: int = 6, long: int = 4) -> Path:
    """A clip whose first frames last 33 ms and whose last ones 200 ms."""
    stamps = [33 * i for i in range(short)] + [33 * short + 200 * i for i in range(long)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number, stamp in enumerate(stamps):
            pixels = np.full((48, 64, 3), 20 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def test_one_frame_a_press(page: Page, tmp_path: Path) -> None:
    compare(page, uneven(tmp_path / "uneven.mp4"))
    page.wait_for_function(READY)
    grey = """() => {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      canvas.drawImage(document.querySelector(".stage canvas"), 0, 0, 1, 1);
      return canvas.getImageData(0, 0, 1, 1).data[0];
    }"""
    frame = page.locator(".frame")
    for number in range(2, 11):
        page.keyboard.press(".")
        expect(frame).to_have_text(f"frame {number}")
        # Not only its number: the frame itself, 20 levels lighter than the one before.
        page.wait_for_function(f"() => Math.abs(({grey})() - {20 * (number - 1)}) < 8")
    page.keyboard.press(".")
    expect(frame).to_have_text("frame 10")


def counted(path: Path, frames: int = 90, rate: int = 30) -> Path:
    """A clip that has the number of each frame in it, as eight bars, black or white."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"g": "12", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        for number in range(frames):
            bars = np.array([255 * (number >> bit & 1) for bit in range(8)], np.uint8)
            pixels = np.repeat(bars, 16)[None, :, None] * np.ones((64, 1, 3), np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        out.mux(stream.encode())
    return path


# Reads what both sides show at each moment that the screen is drawn anew.
LOOK = """
window.seen = [];
const eye = new OffscreenCanvas(8, 1).getContext("2d", { willReadFrequently: true });
const number = (canvas) => {
  eye.drawImage(canvas, 0, canvas.height / 2, canvas.width, 1, 0, 0, 8, 1);
  const { data } = eye.getImageData(0, 0, 8, 1);
  return [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, i) => sum + ((data[4 * i] > 127) << i), 0);
};
const look = () => {
  const sides = [...document.querySelectorAll(".stage canvas.painted")];
  if (sides.length === 2) window.seen.push(sides.map(number));
  requestAnimationFrame(look);
};
look();
"""


def test_both_sides_show_the_same_frame(page: Page, tmp_path: Path) -> None:
    compare(page, counted(tmp_path / "counted.mp4"))
    page.evaluate(LOOK)

    def settled(frame: int) -> None:
        """Both sides come to a frame, and stay there."""
        page.wait_for_function(f"() => seen.length && seen.at(-1).every(n => n === {frame})")

    settled(0)  # on opening, and no black side
    for key, frame in ((".", 1), (".", 2), (",", 1)):
        page.keyboard.press(key)
        settled(frame)
    slider = page.get_by_role("slider", name="Time")
    slider.focus()
    page.keyboard.press("End")
    settled(89)
    page.keyboard.press("Home")
    settled(0)
    slider.blur()
    for size in ((900, 700), (1280, 800)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_function("n => seen.length > n + 10", arg=page.evaluate("seen.length"))
    settled(0)
    page.keyboard.press(" ")
    page.wait_for_function("() => new Set(seen.slice(-400).map(([n]) => n)).size > 20")
    page.keyboard.press(" ")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    label = page.locator(".frame")
    page.wait_for_function(
        "(label) => seen.at(-1).every(n => label.textContent.trim() === `frame ${n + 1}`)",
        arg=label.element_handle(),
    )
    shoot(page, "compare-frames")
    seen = page.evaluate("seen")
    assert {tuple(pair) for pair in seen if pair[0] != pair[1]} == set()


def test_pixels_are_seen_by_who_asks_for_them(page: Page, tmp_path: Path) -> None:
    compare(page, photo(tmp_path / "some.png", 200, 150))
    shown = page.get_by_alt_text("some.png, after")
    page.wait_for_function("i => i.complete && i.naturalWidth", arg=shown.element_handle())
    rendering = "i => getComputedStyle(i).imageRendering"
    # To fit the stage it is enlarged a little, and smooth.
    assert 1 < shown.evaluate("i => i.getBoundingClientRect().width / i.naturalWidth") < 3
    assert shown.evaluate(rendering) == "auto"
    page.keyboard.press("+")
    page.wait_for_function(f"(i) => ({rendering})(i) === 'pixelated'", arg=shown.element_handle())


def test_each_side_ends_at_the_line(page: Page, tmp_path: Path) -> None:
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[16:32, 16:48] = (255, 0, 0, 255)
    write_image(Image(pixels), tmp_path / "glass.png")
    compare(page, tmp_path / "glass.png")
    # On a chessboard, as soon as both are there.
    expect(page.locator(".layer.here")).to_have_count(2)
    ends = "() => [...document.querySelectorAll('.pane')].map(p => getComputedStyle(p).clipPath)"
    assert page.evaluate(ends) == ["inset(0px 0px 0px 50%)", "inset(0px 50% 0px 0px)"]
    shoot(page, "compare-glass")
    page.keyboard.press("d")
    expect(page.locator(".stage.beside")).to_be_visible()
    assert page.evaluate(ends) == ["none", "none"]


def test_a_video_on_a_phone(server: Process, visitor: Visitor) -> None:
    phone = visitor.visit(
        server.url, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    compare(phone, ROOT / "docs/demo/clip.mp4")
    phone.wait_for_function(READY)
    bar = phone.get_by_role("group", name="Playing").bounding_box()
    nav = phone.get_by_role("navigation", name="Pages").bounding_box()
    assert bar is not None
    assert nav is not None
    assert bar["y"] + bar["height"] <= nav["y"]
    shoot(phone, "compare-phone")
    server.clear()


def test_the_focus_stays_near(page: Page, tmp_path: Path) -> None:
    files = [photo(tmp_path / name, 24, 24) for name in ("one.png", "two.png")]
    begin(page, files)
    expect(page.get_by_role("heading", name="Your files")).to_be_focused()
    wait_done(page, "one.png", "two.png")
    page.get_by_role("button", name="Remove two.png").press("Enter")
    expect(card(page, "one.png")).to_be_focused()
    page.get_by_role("button", name="Remove finished").press("Enter")
    page.get_by_role("button", name="Keep them").click()
    expect(page.get_by_role("button", name="Remove finished")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
