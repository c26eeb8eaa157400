"""Other ways to use the page: by keyboard, with a token, and what it shows beside the queue."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import Page, expect

from crispen.media.image import Image, read_image, write_image
from crispen.models.card import ModelCard
from crispen.models.store import with_card

from .conftest import ROOT, Process, Visitor, begin, card, photo, select, shoot, wait_done

TOKEN = "open sesame 1234"


def blur() -> bytes:
    """A model that takes noise away by averaging nine pixels, with a card."""
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    for channel in range(3):
        kernel[channel, channel] = 1 / 9
    free = [None, 3, None, None]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "k"], ["y"], pads=[1, 1, 1, 1])],
        "blur",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, free)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, free)],
        [numpy_helper.from_array(kernel, "k")],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.checker.check_model(model)
    about = ModelCard(
        name="soft", task="denoise", color="rgb", scale=1, halo=1, summary="Averages 3×3 pixels."
    )
    return with_card(model.SerializeToString(), about)


def tab_to(page: Page, name: str) -> None:
    """Press the tabulator key until what is called `name` has the focus."""
    script = """() => {
      const now = document.activeElement;
      const label = now?.labels?.[0]?.innerText ?? "";
      return [now?.ariaLabel, now?.innerText, label].filter(Boolean).join(" | ");
    }"""
    for _ in range(60):
        page.keyboard.press("Tab")
        if re.search(name, page.evaluate(script)):
            return
    raise AssertionError(f"the keyboard does not lead to {name}")


def test_by_keyboard_alone(page: Page, tmp_path: Path) -> None:
    picture = photo(tmp_path / "a.png", 60, 40)
    # Long before it is needed: Chromium takes its time to hand its dialog over.
    page.on("filechooser", lambda _: None)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    tab_to(page, "^Choose files")
    expect(page.get_by_role("button", name="Choose files")).to_be_focused()
    with page.expect_file_chooser() as choosing:
        page.keyboard.press("Enter")
    choosing.value.set_files([picture])
    page.get_by_role("heading", name="1 file ready").wait_for()
    tab_to(page, "times as wide|Keep the size")
    page.get_by_role("radio", name="2 times as wide and high").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="3 times as wide and high")).to_be_checked()
    tab_to(page, "^Enhance 1 file")
    page.keyboard.press("Enter")
    wait_done(page, "a.png")
    tab_to(page, "^Compare a.png")
    page.keyboard.press("Enter")
    line = page.get_by_role("slider", name="How much of the picture before is shown")
    line.wait_for()
    for key, value in (("ArrowRight", "52"), ("Home", "0"), ("End", "100"), ("ArrowLeft", "98")):
        page.keyboard.press(key)
        expect(line).to_have_attribute("aria-valuenow", value)
    page.keyboard.press("4")
    page.get_by_role("button", name=re.compile("^400 %")).wait_for()
    page.keyboard.press("0")
    expect(page.get_by_role("button", name="Fit", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    for key, name in (("d", "Side by side"), ("f", "Flicker"), ("s", "Slider")):
        page.keyboard.press(key)
        button = page.get_by_role("button", name=name, exact=True)
        expect(button).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    # It listens to the keyboard once it has the focus.
    expect(page.get_by_role("dialog").locator(":focus")).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    tab_to(page, "^Back to your files")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Compare a.png").wait_for()


def test_what_cannot_be_done_is_said_before_anything_is_sent(
    server: Process, page: Page, tmp_path: Path
) -> None:
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.method) if "/uploads" in r.url else None)
    clip = tmp_path / "clip.mp4"
    clip.write_bytes((ROOT / "docs/demo/clip.mp4").read_bytes())
    page.get_by_label("Pictures and videos").set_input_files(clip)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_label("Encoder preset").fill("quick")
    select(page, "Format of videos", "MP4")
    # By the piece that is tried out, and again to who presses the button all the same.
    problem = page.get_by_text("h264 has no preset 'quick'")
    expect(problem).to_have_count(1)
    page.get_by_role("button", name="Enhance 1 file").click()
    expect(problem).to_have_count(2)
    assert sent == []
    page.get_by_label("Encoder preset").fill("")
    page.get_by_label("Remove metadata").check()
    page.get_by_role("button", name="Enhance 1 file").click()
    wait_done(page, "clip.mp4")
    with server.api() as api:
        (job,) = api.get("/jobs").json()["jobs"]
    assert (job["options"]["strip_metadata"], job["options"]["preset"]) == (True, None)
    assert job["options"]["format"] == "mp4"


def test_damaged_pictures_are_repaired(server: Process, page: Page, tmp_path: Path) -> None:
    # A part that is in focus.
    sharp = read_image(ROOT / "docs/demo/photo.png").pixels[300:380, 300:420]
    whole = Image(np.ascontiguousarray(sharp))
    write_image(whole, tmp_path / "clean.png")
    write_image(whole, tmp_path / "bad.jpg", quality=40)
    files = [tmp_path / "bad.jpg", tmp_path / "clean.png"]
    page.get_by_label("Pictures and videos").set_input_files(files)
    # What comes by default, said before anything is sent.
    expect(page.get_by_role("radio", name="Automatic: repair what is damaged")).to_be_checked()
    page.get_by_role("button", name="Enhance 2 files").click()
    wait_done(page, "bad.jpg", "clean.png")
    assert models_of(server) == {"bad.jpg": ["real-x2"], "clean.png": ["photo-x2"]}
    chips = card(page, "bad.jpg").get_by_role("list").get_by_role("listitem")
    expect(chips.first).to_have_text("JPEG quality about 40")
    expect(chips.last).to_have_text("real-x2")
    expect(card(page, "clean.png").get_by_role("listitem")).to_have_text(["photo-x2"])
    shoot(page, "repaired")
    card(page, "bad.jpg").get_by_role("link", name="Compare bad.jpg").click()
    facts = page.get_by_role("region", name="Details")
    expect(facts).to_contain_text("JPEG quality about 40")
    expect(facts).not_to_contain_text("as-is")  # that is for whoever types commands
    page.get_by_role("link", name="Enhance").first.click()

    # Told otherwise, it only enlarges.
    page.get_by_label("Pictures and videos").set_input_files(files[:1])
    page.get_by_role("radio", name="Repair nothing").check(force=True)
    page.get_by_role("button", name="Enhance 1 file").click()
    expect(page.get_by_text("Done", exact=True)).to_have_count(3)
    with server.api() as api:
        newest = api.get("/jobs").json()["jobs"][0]
    assert (newest["name"], newest["models"]) == ("bad.jpg", ["photo-x2"])


def test_a_piece_is_tried_out(server: Process, page: Page, tmp_path: Path) -> None:
    whole = Image(np.ascontiguousarray(read_image(ROOT / "docs/demo/photo.png").pixels))
    write_image(whole, tmp_path / "bad.jpg", quality=40)
    write_image(Image(np.ascontiguousarray(whole.pixels[300:400, 300:420])), tmp_path / "clean.png")
    (tmp_path / "letter.jpg").write_text("Dear Sir or Madam, " * 99)
    files = [tmp_path / name for name in ("bad.jpg", "clean.png", "letter.jpg")]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Pictures and videos").set_input_files(files)
    piece = page.get_by_role("region", name="bad.jpg, before and after")
    result = piece.locator("img")
    result.wait_for()
    # As the whole file will be done, and told in the same words.
    assert "jpeg_step=125" in next(url for url in asked if "/enhance?" in url)
    expect(piece.get_by_role("listitem")).to_have_text(
        [re.compile("JPEG quality about 40"), re.compile("real-x2")]
    )
    piece.get_by_text(re.compile("512 × 512 → 1024 × 1024, about")).wait_for()
    # What cannot be done is told at once, before anything is sent, and is no use trying again.
    letter = card(page, "letter.jpg")
    letter.get_by_text(re.compile("looks like text")).wait_for()
    expect(letter.get_by_role("button", name="Try again: letter.jpg")).to_have_count(0)
    total = page.get_by_role("button", name=re.compile("Enhance 2 files about .* s$"))
    total.wait_for()
    assert not any("/uploads" in url for url in asked)

    def renewed() -> str:
        """The address of the result that comes in the place of this one."""
        result.wait_for(state="detached")
        result.wait_for()
        return str(result.get_attribute("src"))

    first = result.get_attribute("src")
    page.get_by_role("radio", name="4 times as wide and high").check(force=True)
    assert renewed() != first
    piece.get_by_text(re.compile("→ 2048 × 2048")).wait_for()
    box = piece.locator(".view").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 90, steps=4)
    page.mouse.up()
    renewed()
    line = piece.get_by_role("slider")
    line.press("ArrowLeft")
    expect(line).to_have_attribute("aria-valuenow", "45")
    page.get_by_role("button", name="Try it out on clean.png").click()
    page.get_by_role("region", name="clean.png, before and after").locator("img").wait_for()
    shoot(page, "tried-out")

    # What the piece shows is what comes of it.
    page.get_by_role("button", name=re.compile("Enhance 2 files")).click()
    wait_done(page, "bad.jpg", "clean.png")
    assert models_of(server)["bad.jpg"] == ["real-x4"]
    page.reload()
    card(page, "letter.jpg").get_by_text(re.compile("looks like text")).wait_for()
    page.get_by_role("button", name="Remove letter.jpg").click()


def test_cards_show_what_came_of_it(server: Process, page: Page, tmp_path: Path) -> None:
    fetched: dict[str, int] = {}
    page.on("response", lambda answer: fetched.update({answer.url: answer.status}))
    large = np.ascontiguousarray(read_image(ROOT / "docs/demo/photo.png").pixels[:300, :450])
    for number in range(3):
        write_image(Image(np.roll(large, number, 1)), tmp_path / f"{number}.png")
    begin(page, [tmp_path / f"{number}.png" for number in range(3)])
    wait_done(page, "0.png", "1.png", "2.png")
    page.reload()
    shown = card(page, "1.png").locator(".picture")
    page.wait_for_function(
        "() => [...document.querySelectorAll('img.after')].filter(i => i.naturalWidth).length === 3"
    )
    # Small ones, and no whole file for them.
    files = [url for url in fetched if "/jobs/" in url]
    assert len(files) >= 3
    assert all("/thumbnail/" in url for url in files)
    assert page.evaluate("document.querySelector('img.after').naturalWidth") == 640

    # Left of the pointer it is as it was.
    box = shown.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2)
    before = shown.locator("img.before")
    expect(before).to_be_visible()
    page.wait_for_function("i => i.complete && i.naturalWidth", arg=before.element_handle())
    clip = str(before.evaluate("i => i.style.clipPath"))
    assert re.search(r"inset\(0px (39|40)\.?\d*% 0px 0px\)", clip), clip
    shoot(page, "card-wipe")
    page.mouse.move(0, 0)
    expect(before).to_be_hidden()


def models_of(server: Process) -> dict[str, list[str]]:
    """The networks of each job, by the name of its file."""
    with server.api() as api:
        return {job["name"]: job["models"] for job in api.get("/jobs").json()["jobs"]}


def test_a_token(serve: Callable[..., Process], visitor: Visitor, tmp_path: Path) -> None:
    server = serve("--workers", "0", CRISPEN_TOKEN=TOKEN, CRISPEN_SEPARATE_CLIENTS="1")
    server.start()
    page = visitor.visit(server.url)
    dialog = page.get_by_role("dialog", name="This server requires a token")
    field = dialog.get_by_role("textbox", name="Token")
    expect(field).to_be_focused()
    field.fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog.locator(".v-messages")).to_contain_text("token")
    shoot(page, "sign-in")
    field.fill(TOKEN)
    page.keyboard.press("Enter")
    dialog.wait_for(state="hidden")
    begin(page, [photo(tmp_path / "mine.png", 60, 40)])
    card(page, "mine.png").get_by_text("Next in line").wait_for()
    page.reload()
    card(page, "mine.png").wait_for()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert "sesame" not in cookie["value"]

    # Another browser with the same token does not see it.
    other = visitor.visit(server.url)
    other.get_by_role("textbox", name="Token").fill(TOKEN)
    other.keyboard.press("Enter")
    other.get_by_role("dialog").wait_for(state="hidden")
    other.get_by_role("heading", name="Make pictures and videos look good again").wait_for()

    page.get_by_role("button", name="Sign out").click()
    dialog.wait_for()
    expect(page.get_by_role("article")).to_have_count(0)
    assert [c["name"] for c in page.context.cookies() if c["value"]] == []


def test_an_own_model_and_its_strength(server: Process, page: Page, tmp_path: Path) -> None:
    (tmp_path / "soft.onnx").write_bytes(blur())
    page.get_by_role("link", name="Models").first.click()
    page.get_by_label("ONNX file").set_input_files(tmp_path / "soft.onnx")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    own = page.get_by_role("article", name="soft")
    own.get_by_text("yours").wait_for()
    page.get_by_role("dialog").wait_for(state="hidden")
    page.get_by_label("ONNX file").set_input_files(tmp_path / "soft.onnx")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("alert").get_by_text("choose another name").wait_for()
    page.get_by_role("button", name="Cancel").click()

    page.get_by_role("link", name="Enhance").first.click()
    picture = photo(tmp_path / "noisy.png", 64, 48)
    page.get_by_label("Pictures and videos").set_input_files([picture])
    page.get_by_role("radio", name="Keep the size").check(force=True)
    page.get_by_role("radio", name="Choose the steps").check(force=True)
    page.get_by_role("switch", name="Remove noise").or_(
        page.get_by_role("checkbox", name="Remove noise")
    ).check()
    page.get_by_role("button", name="More", exact=True).click()
    select(page, "Model to remove noise", "soft")
    slider = page.get_by_role("slider", name="Strength")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    page.get_by_text("50 %").wait_for()
    shoot(page, "strength")
    page.get_by_role("button", name="Enhance 1 file").click()
    wait_done(page, "noisy.png")
    with server.api() as api:
        (job,) = api.get("/jobs").json()["jobs"]
        assert (job["options"]["strength"], job["models"]) == (0.5, ["soft"])
        result = read_image(api.get(f"/jobs/{job['id']}/result").content).pixels.astype(float)
        api.delete("/models/soft")
    before = read_image(picture).pixels.astype(float)
    shifted = [np.roll(before, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    half = (before + sum(shifted) / 9) / 2
    assert np.abs(result - half)[2:-2, 2:-2].max() <= 1.5


def write_run(folder: Path, step: int, status: str) -> None:
    """What training writes, until `step`."""
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    steps = range(100, step + 1, 100)
    for one in steps:
        file = folder / "samples" / f"step-{one:08d}.png"
        if not file.exists():
            photo(file, 120, 60)
    entries = [{"step": n, "epoch": n / 100, "file": f"step-{n:08d}.png"} for n in steps]
    (folder / "samples" / "samples.json").write_text(json.dumps(entries))
    lines = [f"{n},{n / 100},{10 / n},{30 + n / 500}" for n in steps]
    (folder / "log.csv").write_text("\n".join(["step,epoch,loss,val_psnr", *lines, ""]))
    about = {"name": "espcn-x2", "task": "upscale", "scale": 2, "status": status, "step": step}
    best = {"step": step, "psnr": 30 + step / 500}
    draft = folder / "run.json.part"
    draft.write_text(json.dumps(about | {"steps": 1000, "wall_time_s": step / 10, "best": best}))
    draft.replace(folder / "run.json")


def test_a_run_that_is_going_on(server: Process, page: Page) -> None:
    folder = server.folder / "runs" / "study" / "espcn"
    write_run(folder, 300, "running")
    page.get_by_role("link", name="Runs").first.click()
    page.get_by_role("link", name=re.compile("espcn-x2")).click()
    page.get_by_role("heading", name="espcn-x2", level=1).wait_for()
    assert page.url.endswith(("/runs/study/espcn", "/runs/study%2Fespcn"))
    strip = page.locator(".strip button")
    expect(strip).to_have_count(3)
    write_run(folder, 600, "running")
    expect(strip).to_have_count(6)  # by itself
    scrub = page.get_by_role("slider", name="Sheet")
    scrub.focus()
    page.keyboard.press("Home")
    expect(strip.first).to_have_attribute("aria-current", "true")
    shown = page.locator(".sheet img")
    page.wait_for_function("p => p.complete && p.naturalWidth", arg=shown.element_handle())
    assert "step-00000100" in str(shown.get_attribute("src"))
    page.get_by_text("Going on").wait_for()
    write_run(folder, 1000, "done")
    page.get_by_text("Done", exact=True).wait_for()
    expect(strip).to_have_count(10)


def test_below_a_path_of_a_proxy(
    serve: Callable[..., Process], visitor: Visitor, tmp_path: Path
) -> None:
    server = serve("--workers", "0", CRISPEN_ROOT_PATH="/pictures")
    server.start()
    page = visitor.visit(f"{server.url}/pictures/")
    begin(page, [photo(tmp_path / "mine.png", 60, 40)])
    card(page, "mine.png").get_by_text("Next in line").wait_for()
    page.get_by_role("link", name="Models").first.click()
    expect(page).to_have_url(f"{server.url}/pictures/models")
    page.reload()
    page.get_by_role("heading", name="photo", exact=True).wait_for()
