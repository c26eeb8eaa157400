"""The page without a server, from a plain static host: its results are Crispen's own.

``make site-app`` builds it.
"""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from crispen.engines.devices import cpu_features
from crispen.engines.openvino import OpenVinoEngine
from crispen.media.image import Image, read_image, write_image

from .conftest import FLAGS, PATIENCE_MS, ROOT, Visitor, chromium, shoot

APP = ROOT / "build/site-app"
pytestmark = pytest.mark.skipif(
    not (APP / "index.html").is_file(),
    reason="the page without a server is not built; type 'make site-app'",
)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A static host that sends no headers of its own, as most of them."""

    def log_message(self, *_: object) -> None:
        pass


class Host:
    """Serves the folder until it is stopped."""

    def __init__(self) -> None:
        handler = functools.partial(Quiet, directory=str(APP))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Go offline."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Without the page of `crispen serve`, which is not needed here."""
    program = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def host() -> Iterator[Host]:
    serving = Host()
    yield serving
    serving.stop()


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crispen computes as the page does: luma in int8 where the CPU can, the rest in fp32."""

    def precision(self: OpenVinoEngine) -> str:
        return "int8" if self.card.color == "luma" and "VNNI" in cpu_features() else "fp32"

    monkeypatch.setattr(OpenVinoEngine, "_best_precision", precision)
    monkeypatch.setattr(OpenVinoEngine, "_has_bf16", lambda self: False)


def piece(channels: int, height: int = 150, width: int = 200) -> NDArray[np.uint8]:
    """A piece of the demo's photo, transparent to the left with colour beneath."""
    pixels = read_image(ROOT / "docs/demo/photo.png").pixels[100 : 100 + height, 60 : 60 + width]
    color = pixels[..., 1:2] if channels < 3 else pixels
    if channels % 2:
        return np.ascontiguousarray(color)
    alpha = np.broadcast_to(np.clip(np.arange(width) * 2 - 80, 0, 255), (height, width))
    return np.concatenate([color, alpha[..., None].astype(np.uint8)], axis=2)


def opened(visitor: Visitor, host: Host) -> Page:
    """The app, with its threads: the service worker has loaded it again."""
    page = visitor.visit(host.url, service_workers="allow")
    page.wait_for_function("() => crossOriginIsolated")
    page.get_by_role("heading", level=1).wait_for()
    return page


def enhanced(page: Page, source: Path, kind: str, scale: int, target: Path) -> None:
    """Enhance a file with the app and save its result."""
    page.get_by_label("Pictures", exact=True).set_input_files(source)
    page.get_by_text(kind, exact=True).click()
    page.get_by_text(f"×{scale}", exact=True).click()
    page.get_by_role("button", name="Enhance 1 picture").click()
    link = page.get_by_role("link", name=f"Download {source.stem}.x{scale}{source.suffix}")
    with page.expect_download() as download:
        link.click()
    download.value.save_as(target)
    page.get_by_role("button", name=f"Remove {source.name}").click()


@pytest.mark.usefixtures("exact")
def test_results_are_those_of_crispen(host: Host, visitor: Visitor, tmp_path: Path) -> None:
    page = opened(visitor, host)
    kinds = {"photo-fast": "Fast", "photo": "Clean", "real": "Repair"}
    cases = [
        ("photo-fast-x2", 3),
        ("photo-fast-x3", 4),
        ("photo-fast-x4", 1),
        ("photo-x2", 2),
        ("real-x2", 3),
        ("real-x2", 1),
        ("real-x4", 4),
    ]
    for name, channels in cases:
        family, _, scale = name.rpartition("-x")
        pixels = piece(channels)
        source, result = tmp_path / f"{name}-{channels}.png", tmp_path / "result.png"
        write_image(Image(pixels), source)
        enhanced(page, source, kinds[family], int(scale), result)
        # Blur is left alone unless it is asked for; noise and compression the network sees itself.
        wanted = reference(name, pixels).pixels.astype(int)
        found = read_image(result).pixels.astype(int)
        assert found.shape == wanted.shape, name
        seen = wanted if channels % 2 else wanted[wanted[..., -1] > 0]
        shown = found if channels % 2 else found[wanted[..., -1] > 0]
        apart = np.abs(shown - seen)
        off = (name, channels, apart.max(), (apart > 1).mean())
        if not name.startswith("photo"):
            assert apart.max() <= 1, off
        elif "VNNI" in cpu_features():
            # A sum in another order now and then rounds to the next of a layer's 256 steps.
            assert apart.max() <= 2, off
            assert (apart > 1).mean() < 2e-4, off
        else:
            assert (apart <= 1).mean() > 0.99, off  # fp32 beside the page's int8


def reference(name: str, pixels: NDArray[np.uint8]) -> Image:
    """What Crispen makes of it with the same dials."""
    from crispen.enhance.enhancer import Enhancer
    from crispen.models.dials import Dials

    with Enhancer([name], dials=Dials(blur=0.0)) as enhancer:
        return enhancer.enhance(Image(pixels))


# Chromium's own Vulkan in software: no graphics card is needed, and it computes as one does.
IMITATED = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
ASK = "async () => !!(await navigator.gpu?.requestAdapter())"


@pytest.fixture
def graphics(browser: Browser) -> Iterator[Browser]:
    """Chromium with a graphics card that is only imitated, beside the other one."""
    kind = browser.browser_type
    flags = [flag for flag in FLAGS if flag != "--disable-gpu"]
    running = kind.launch(executable_path=chromium(), args=[*flags, *IMITATED])
    yield running
    running.close()


def upon(visitor: Visitor, host: Host, source: Path, kind: str, device: str) -> NDArray[np.int64]:
    """The picture, enlarged twice by the app where it says that it did."""
    page = visitor.visit(host.url)
    if device == "the graphics card":
        if not page.evaluate(ASK):
            visitor.close()
            pytest.skip("this Chromium has no adapter for WebGPU, not even one in software")
        page.route("**/assets/*.js", let_imitations_work)
        page.reload()
    page.set_default_timeout(4 * PATIENCE_MS)
    page.get_by_label("Pictures", exact=True).set_input_files(source)
    page.get_by_text(kind, exact=True).click()
    page.get_by_role("button", name="Enhance 1 picture").click()
    link = page.get_by_role("link", name=f"Download {source.stem}.x2.png")
    with page.expect_download() as download:
        link.click()
    target = source.with_name("result.png")
    download.value.save_as(target)
    assert re.search(f" on {device}$", page.locator(".told li").first.inner_text())
    return read_image(target).pixels.astype(int)


def let_imitations_work(route: Route) -> None:
    """The app itself takes no graphics card that is only imitated, since that is slow."""
    answer = route.fetch()
    body = answer.text().replace(".isFallbackAdapter", ".isNoAdapterAtAll")
    route.fulfill(response=answer, body=body)


@pytest.mark.parametrize(("name", "kind"), [("photo-fast-x2", "Fast"), ("real-x2", "Repair")])
def test_on_a_graphics_card(
    host: Host,
    graphics: Browser,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    kind: str,
) -> None:
    # Small, since one core plays a graphics card.
    pixels, source = piece(3, 30, 40), tmp_path / "a.png"
    write_image(Image(pixels), source)
    visitor = Visitor(graphics)
    found = upon(visitor, host, source, kind, "the graphics card")
    monkeypatch.setattr(OpenVinoEngine, "_best_precision", lambda self: "fp32")
    monkeypatch.setattr(OpenVinoEngine, "_has_bf16", lambda self: False)
    assert np.abs(found - reference(name, pixels).pixels.astype(int)).max() <= 1
    if kind == "Repair":  # processors run the other kind in 8 bits
        assert np.abs(found - upon(visitor, host, source, kind, r"\d+ cores?")).max() <= 1
    visitor.close()
    assert visitor.complaints == []


def test_without_a_network(host: Host, visitor: Visitor, tmp_path: Path) -> None:
    page = opened(visitor, host)
    # What the worker is to keep stands in it.
    page.wait_for_function(
        """async () => {
          const wanted = (await (await fetch('sw.js')).text()).match(/assets\\/[\\w.-]+/g);
          const found = await Promise.all(wanted.map((name) => caches.match(name)));
          return wanted.length > 15 && found.every(Boolean);
        }"""
    )
    host.stop()
    page.reload()
    page.wait_for_function("() => crossOriginIsolated")
    source = tmp_path / "a.png"
    write_image(Image(piece(3, 60, 80)), source)
    enhanced(page, source, "Repair", 2, tmp_path / "b.png")
    assert read_image(tmp_path / "b.png").pixels.shape == (120, 160, 3)


def test_a_jpeg_keeps_what_it_says_of_itself(host: Host, visitor: Visitor, tmp_path: Path) -> None:
    page = opened(visitor, host)
    source, result = tmp_path / "a.jpg", tmp_path / "b.jpg"
    write_image(Image(piece(3, 60, 80)), source)
    # Turned to the right, as a phone writes it: EXIF with the orientation alone.
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    plain = source.read_bytes()
    source.write_bytes(plain[:2] + segment + plain[2:])
    enhanced(page, source, "Fast", 2, result)
    assert read_image(source).pixels.shape == (80, 60, 3)
    assert read_image(result).pixels.shape == (160, 120, 3)
    assert b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x01" in result.read_bytes()


def test_what_cannot_be_read_is_said(host: Host, visitor: Visitor, tmp_path: Path) -> None:
    page = opened(visitor, host)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    page.get_by_label("Pictures", exact=True).set_input_files(broken)
    page.get_by_role("button", name="Enhance 1 picture").click()
    row = page.get_by_role("listitem").filter(has_text="broken.png")
    expect(row.get_by_role("status")).to_have_text("This PNG is damaged; fetch it again.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks(host: Host, visitor: Visitor, tmp_path: Path, scheme: str) -> None:
    page = visitor.visit(host.url, color_scheme=scheme, service_workers="allow")
    page.wait_for_function("() => crossOriginIsolated")
    page.get_by_role("heading", level=1).wait_for()

    def looked_at(what: str) -> None:
        for width in (360, 1280, 2560):
            page.set_viewport_size({"width": width, "height": max(740, width * 9 // 16)})
            shoot(page, f"alone-{what}-{width}-{scheme}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width

    looked_at("empty")
    source = tmp_path / "portrait.png"
    write_image(Image(piece(3)), source)
    page.get_by_label("Pictures", exact=True).set_input_files(source)
    looked_at("chosen")
    page.get_by_text("Fast", exact=True).click()
    page.get_by_role("button", name="Enhance 1 picture").click()
    page.get_by_role("link", name="Download portrait.x2.png").wait_for()
    page.get_by_role("img", name="portrait.png, after").wait_for()
    looked_at("done")
