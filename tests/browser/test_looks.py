"""Every page at every size, light and dark: nothing juts out, and axe finds no serious fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from .conftest import ROOT, Process, Visitor, begin, card, photo, shoot, wait_done
from .test_ways import blur, write_run

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"phone": (360, 740), "desktop": (1280, 800), "wide": (2560, 1300)}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Process]:
    """A server at which there is something to see on every page."""
    folder = tmp_path_factory.mktemp("full")
    write_run(folder / "runs" / "study" / "espcn", 1000, "done")
    write_run(folder / "runs" / "espcn", 600, "running")
    process = Process(folder, "--runs", str(folder / "runs"))
    process.start()
    with process.api() as api:
        api.post("/models", files={"file": ("soft.onnx", blur())}).raise_for_status()
    visitor = Visitor(browser)
    page = visitor.visit(process.url)
    names = ["Holiday at the sea, evening.png", "portrait.png"]
    pictures = [photo(folder / names[0], 180, 120), photo(folder / names[1], 96, 128)]
    (folder / "letter.png").write_text("no picture at all")
    begin(page, [*pictures, ROOT / "docs/demo/clip.mp4", folder / "letter.png"])
    card(page, "letter.png").get_by_text(re.compile("looks like text")).wait_for()
    wait_done(page, *names, "clip.mp4")
    visitor.close()
    yield process
    process.stop()


def faults(page: Page) -> list[str]:
    """What axe finds that is serious or worse."""
    if not AXE.is_file():
        pytest.skip("axe is not installed; type 'make page-check'")
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{fault['id']}: {fault['help']}: {node['html'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def look(page: Page, name: str) -> list[str]:
    """A screenshot, and what is wrong at this place."""
    # Those out of view are not asked for before somebody scrolls.
    page.wait_for_function(
        "() => [...document.images].every(i => i.complete || i.loading === 'lazy')"
    )
    shoot(page, name)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{name}: {fault}" for fault in faults(page)] + (
        [f"{name}: {wide} px too wide"] if wide > 0 else []
    )


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        ("phone", "light"),
        ("phone", "dark"),
        ("desktop", "light"),
        ("desktop", "dark"),
        ("wide", "light"),
        ("wide", "dark"),
    ],
)
def test_every_page(
    full: Process, visitor: Visitor, tmp_path: Path, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    phone = {"has_touch": True, "is_mobile": True} if size == "phone" else {}
    view: dict[str, Any] = {"viewport": {"width": width, "height": height}}
    page = visitor.visit(full.url, color_scheme=scheme, reduced_motion="reduce", **view, **phone)
    end = f"{size}-{scheme}"
    wrong: list[str] = []
    page.get_by_role("link", name="Compare portrait.png").wait_for()
    wrong += look(page, f"queue-{end}")
    pictures = [photo(tmp_path / f"{name}.png", 150, 100) for name in ("one", "two")]
    page.get_by_label("Pictures and videos").set_input_files(pictures)
    if size == "phone":
        wrong += look(page, f"chosen-{end}")
        page.get_by_role("button", name=re.compile("^Choices:")).click()
    page.get_by_role("button", name="More", exact=True).click()
    wrong += look(page, f"choose-{end}")
    if size == "phone":
        page.get_by_role("button", name="Done", exact=True).click()
    page.get_by_role("button", name="Remove all").click()
    page.get_by_role("link", name="Compare portrait.png").click()
    page.get_by_role("slider").first.wait_for()
    wrong += look(page, f"compare-{end}")
    page.goto(full.url + "/models")
    page.get_by_role("article", name="soft").wait_for()
    wrong += look(page, f"models-{end}")
    page.goto(full.url + "/runs")
    page.get_by_role("link", name="espcn").first.wait_for()
    wrong += look(page, f"runs-{end}")
    page.goto(full.url + "/runs/study/espcn")
    page.locator(".strip button").first.wait_for()
    wrong += look(page, f"run-{end}")
    assert wrong == []


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_an_empty_start(server: Process, visitor: Visitor, size: str) -> None:
    width, height = SIZES[size]
    page = visitor.visit(server.url, viewport={"width": width, "height": height})
    page.get_by_role("button", name="Choose files").wait_for()
    assert look(page, f"empty-{size}") == []
    jumps = page.evaluate(
        """() => new Promise((resolve) => {
          new PerformanceObserver((list) => resolve(
            list.getEntries().reduce((sum, entry) => sum + entry.value, 0)
          )).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(0), 500);
        })"""
    )
    assert jumps < 0.05  # what is called good begins at 0.1


def test_the_appearance_is_kept(server: Process, visitor: Visitor) -> None:
    page = visitor.visit(server.url, color_scheme="light")
    background = "() => getComputedStyle(document.querySelector('.v-application')).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Appearance: as the system; switch").click()
    page.get_by_role("button", name="Appearance: light; switch").click()
    page.get_by_role("button", name="Appearance: dark; switch").wait_for()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    page.get_by_role("button", name="Appearance: dark; switch").wait_for()
    assert page.evaluate(background) == dark
