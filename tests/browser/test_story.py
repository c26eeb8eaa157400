"""What a person does: drop files, watch, change one's mind, come back, compare, take home."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from playwright.sync_api import Page, expect

from crispen.media.image import Image, read_image, write_image

from .conftest import ROOT, Process, Visitor, begin, card, photo, select, shoot, wait_done

CLIP = ROOT / "docs/demo/clip.mp4"
# Remembers over reloads every line that any card has shown.
WATCH = """
const seen = new Set(JSON.parse(sessionStorage.getItem("seen") ?? "[]"));
new MutationObserver(() => {
  for (const line of document.querySelectorAll("article .status")) {
    seen.add(`${line.closest("article").ariaLabel}: ${line.innerText}`);
  }
  sessionStorage.setItem("seen", JSON.stringify([...seen]));
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


def drop(page: Page, *files: Path) -> None:
    """Let go of files over the page, as from a file manager."""
    sent = [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files]
    transfer = page.evaluate_handle(
        """files => {
          const transfer = new DataTransfer();
          for (const [name, text] of files) {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            const type = name.endsWith("mp4") ? "video/mp4" : "image/png";
            transfer.items.add(new File([bytes], name, { type }));
          }
          return transfer;
        }""",
        sent,
    )
    for event in ("dragenter", "dragover"):
        page.dispatch_event("body", event, {"dataTransfer": transfer})
    page.get_by_text("Drop to add them").wait_for()
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})


def download(page: Page, press: Any) -> tuple[str, bytes]:
    """Name and content of what a click saves."""
    with page.expect_download() as saving:
        press.click()
    return saving.value.suggested_filename, Path(saving.value.path()).read_bytes()


def prolonged(source: Path, target: Path, times: int) -> Path:
    """The clip over and over, so that there is a middle to look at on a fast machine too."""
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        streams = [(stream, out.add_stream_from_template(stream)) for stream in container.streams]
        length = container.duration  # in microseconds
        for turn in range(times):
            container.seek(0)
            for packet in container.demux([stream for stream, _ in streams]):
                if packet.dts is None:
                    continue
                shift = round(turn * length / 1_000_000 / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = dict(streams)[packet.stream]
                out.mux(packet)
    return target


def sound(file: Any) -> list[bytes]:
    """The packets of the sound, as they stand in the file."""
    with av.open(file) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_from_drop_to_download(
    serve: Callable[..., Process], visitor: Visitor, tmp_path: Path
) -> None:
    server = serve()
    server.start("--workers", "0")  # nothing is finished too early
    page = visitor.visit(server.url)
    page.add_init_script(WATCH)
    page.reload()
    names = ["first.png", "second.png", "third.png"]
    clip = prolonged(CLIP, tmp_path / CLIP.name, 6)
    drop(page, *[photo(tmp_path / name, 120 + 8 * i) for i, name in enumerate(names)], clip)
    page.get_by_role("heading", name="4 files ready").wait_for()
    # Thumbnails at once, of the video too: nothing was sent yet.
    expect(page.locator("li.tile img")).to_have_count(4)
    page.get_by_role("button", name="Enhance 4 files").click()
    for name in (*names, clip.name):
        card(page, name).get_by_text(re.compile("in line")).wait_for()

    page.get_by_role("button", name="Cancel second.png").click()
    card(page, "second.png").get_by_text("Cancelled").wait_for()
    page.reload()
    card(page, "second.png").get_by_text("Cancelled").wait_for()
    expect(page.get_by_role("article")).to_have_count(4)

    server.stop()
    page.get_by_text(re.compile("cannot be reached")).wait_for()
    server.start("--workers", "1")
    card(page, clip.name).get_by_text(re.compile(r"Enhancing \d+ %")).wait_for()
    page.reload()  # in the middle
    wait_done(page, "first.png", "third.png", clip.name)
    shoot(page, "story-done")
    seen = "\n".join(json.loads(page.evaluate("sessionStorage.getItem('seen')")))
    shares = [int(share) for share in re.findall(r"clip\.mp4: Enhancing (\d+) %", seen)]
    assert any(0 < share < 100 for share in shares), seen
    assert re.search(r"clip\.mp4: Enhancing .*frames.*left", seen.replace("\n", " ")), seen
    assert re.search(r"first\.png: Sending|first\.png: Looking|first\.png: Next", seen), seen

    page.get_by_role("button", name="Try again: second.png").click()
    wait_done(page, "second.png")

    for i, name in enumerate(names):
        saved, content = download(page, card(page, name).get_by_title("Download"))
        assert saved == f"{Path(name).stem}.x2.png"
        result = read_image(content)
        assert (result.width, result.height) == (2 * (120 + 8 * i), 160)
    saved, content = download(page, card(page, clip.name).get_by_title("Download"))
    assert saved == "clip.x2.mp4"
    with av.open(io.BytesIO(content)) as video, av.open(str(clip)) as source:
        picture = video.streams.video[0]
        assert (picture.width, picture.height) == (640, 360)
        assert sum(1 for _ in video.decode(video=0)) == sum(1 for _ in source.decode(video=0))
    assert sound(io.BytesIO(content)) == sound(str(clip))
    saved, archive = download(page, page.get_by_role("link", name="Download all 4"))
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert packed.testzip() is None
        assert sorted(packed.namelist()) == sorted(
            ["first.x2.png", "second.x2.png", "third.x2.png", "clip.x2.mp4"]
        )
        assert packed.read("clip.x2.mp4") == content

    page.get_by_role("button", name="Remove finished").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("heading", name="Make pictures and videos look good again").wait_for()
    assert server.leftovers() == []


def test_a_reload_in_the_middle_of_an_upload(server: Process, page: Page, tmp_path: Path) -> None:
    import numpy as np

    noise = np.random.default_rng(0).integers(0, 256, (640, 640, 3), np.uint8)
    write_image(Image(noise), tmp_path / "slow.png")
    cdp = page.context.new_cdp_session(page)
    cdp.send("Network.enable")
    about = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    cdp.send("Network.emulateNetworkConditions", about)
    begin(page, [tmp_path / "slow.png"])
    card(page, "slow.png").get_by_text(re.compile(r"Sending [1-9]\d? %")).wait_for()
    methods: list[str] = []
    page.on("request", lambda r: methods.append(r.method) if "/uploads/" in r.url else None)
    page.reload()
    card(page, "slow.png").get_by_text(re.compile(r"Sending [1-9]\d? %")).wait_for()
    cdp.send("Network.emulateNetworkConditions", {**about, "uploadThroughput": -1})
    card(page, "slow.png").get_by_text(re.compile(r"in line|Starting|Enhancing|Done")).wait_for()
    assert methods[0] == "HEAD"  # it went on where it was
    assert "POST" not in methods
    with server.api() as api:
        (job,) = api.get("/jobs").json()["jobs"]
        assert api.get(f"/jobs/{job['id']}/source").content == (tmp_path / "slow.png").read_bytes()


def test_names_are_shown_as_they_are(page: Page, tmp_path: Path) -> None:
    content = photo(tmp_path / "a.png", 40, 30).read_bytes()
    name = "<img src=x onerror=alert(1)>.png"
    begin(page, [{"name": name, "mimeType": "image/png", "buffer": content}])
    wait_done(page, name)
    assert page.locator("img[src=x]").count() == 0
    saved, _ = download(page, card(page, name).get_by_title("Download"))
    assert saved.endswith(".x2.png")


def test_compare_and_measure(page: Page, tmp_path: Path) -> None:
    photo(tmp_path / "large.png", 160, 120)
    pixels = read_image(tmp_path / "large.png").pixels
    # A box filter is close enough to how the model's training pictures were made small.
    small = pixels.reshape(60, 2, 80, 2, 3).mean((1, 3)).round().astype("uint8")
    write_image(Image(small), tmp_path / "small.png")
    begin(page, [tmp_path / "small.png"])
    wait_done(page, "small.png")
    page.get_by_role("link", name="Compare small.png").click()
    after, before = (page.get_by_alt_text(f"small.png, {side}") for side in ("after", "before"))
    for picture, width in ((after, 160), (before, 80)):
        page.wait_for_function("p => p.complete && p.naturalWidth", arg=picture.element_handle())
        assert picture.evaluate("p => p.naturalWidth") == width

    # The side before is enlarged by us, to the result's size, unless nearest is chosen.
    canvas = page.locator(".pane.first canvas")
    expect(canvas).to_be_visible()
    assert canvas.evaluate("c => [c.width, c.height]") == [160, 120]
    shown = {"": canvas.evaluate("c => c.toDataURL()")}
    for title in ("Bilinear", "Nearest", "Bicubic"):
        select(page, "Enlarged by", title)
        expect(canvas).to_be_visible(visible=title != "Nearest")
        shown[title] = canvas.evaluate("c => c.toDataURL()")
    assert shown["Bicubic"] == shown[""] != shown["Bilinear"]

    line = page.get_by_role("slider", name="How much of the picture before is shown")
    box = page.locator(".stage").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, middle[1], steps=4)
    page.mouse.up()
    expect(line).to_have_attribute("aria-valuenow", "25")

    sheets = page.locator(".stage .sheet")
    page.get_by_role("button", name="Side by side").click()
    page.keyboard.press("8")
    page.get_by_role("button", name=re.compile("^800 %")).wait_for()
    page.mouse.move(box["x"] + 50, middle[1])
    page.mouse.down()
    page.mouse.move(box["x"] + 150, middle[1] + 30, steps=4)
    page.mouse.up()
    first, second = (sheets.nth(i).get_attribute("style") for i in (0, 1))
    assert first == second  # zoom and place are the same on both sides
    assert "scale(8)" in str(first)
    page.get_by_role("button", name="Flicker").click()
    hidden = page.locator(".pane.away .label")
    now = hidden.inner_text()
    expect(hidden).not_to_have_text(now)

    page.keyboard.press("s")
    drop_reference(page, tmp_path / "large.png")
    row = page.get_by_role("row", name=re.compile("^PSNR"))
    ours, bicubic = (float(row.locator("td").nth(i).inner_text().split()[0]) for i in (0, 1))
    assert ours > bicubic > 20
    drop_reference(page, tmp_path / "small.png")
    page.get_by_text("give a reference of the result's size").wait_for()


def drop_reference(page: Page, file: Path) -> None:
    """Drop a file on the compare page."""
    text = base64.b64encode(file.read_bytes()).decode()
    transfer = page.evaluate_handle(
        """([name, text]) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
          transfer.items.add(new File([bytes], name, { type: "image/png" }));
          return transfer;
        }""",
        [file.name, text],
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})


def test_a_video_beside_itself(page: Page) -> None:
    begin(page, [CLIP])
    wait_done(page, CLIP.name)
    page.get_by_role("link", name=f"Compare {CLIP.name}").click()
    videos = page.locator(".stage video")
    expect(videos).to_have_count(2)
    ready = "() => [...document.querySelectorAll('.stage video')].every(v => v.readyState >= 2)"
    page.wait_for_function(ready)
    frame = page.locator(".frame")
    page.keyboard.press(".")
    expect(frame).to_have_text("frame 2")
    for _ in range(3):
        page.get_by_role("button", name="One frame forward").click()
    expect(frame).to_have_text("frame 5")
    page.keyboard.press(",")
    expect(frame).to_have_text("frame 4")
    times = "[...document.querySelectorAll('.stage video')].map(v => v.currentTime)"
    together = f"() => {times}.every((t, _, all) => Math.abs(t - all[0]) < 0.02)"
    page.wait_for_function(together)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"() => {times}.every(t => t > 0.4)")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_function(together)
    shoot(page, "story-video")
