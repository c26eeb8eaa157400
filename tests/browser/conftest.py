"""The real server as a process, and Debian's Chromium looking at its page.

Screenshots of everything that was looked at are left in ``build/screenshots``.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from crispen.media.image import Image, read_image, write_image
from crispen.server.settings import PAGE

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "screenshots"
# Long, for machines that are busy with something else; only a test that fails waits for it.
PATIENCE_MS = 90_000
COMMAND = [sys.executable, "-m", "crispen", "serve", "--threads", "1"]
# Nothing that asks for anything outside this machine: there may be no network.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What Chromium writes of any answer that is not 2xx, which the page shows in words of its own, of a
# machine without a graphics card, and of what a test forbids.
EXPECTED = re.compile(
    r"^Failed to load resource: (the server responded with|net::ERR_)|GL Driver Message"
    # A dialog that opens before it has a size.
    r"|Service Worker registration blocked by Playwright"
    r"|Invalid keyframe value for property transform: .*NaN"
)


class Process:
    """``crispen serve``, started, stopped and started again at the same address."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.folder = folder
        self.options = options
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._where = ["--port", str(self.port), "--folder", str(folder / "data")]
        self._environment = os.environ | {"CRISPEN_MODELS": str(folder / "models")} | environment
        self._process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> None:
        """Start it; `options` come after those it always has."""
        self._process = subprocess.Popen(
            [*COMMAND, *self._where, *self.options, *options],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._told = self._process.stderr
        self._reader = threading.Thread(target=self._told.readlines)
        self._reader.start()
        line = self._process.stdout.readline()
        assert line.startswith("Crispen is at"), line

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal and wait until it is gone."""
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(60)
        self._reader.join(60)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        self._process = None

    def api(self) -> httpx.Client:
        """A client of its API."""
        return httpx.Client(base_url=f"{self.url}/api/v1", timeout=60, trust_env=False)

    def clear(self) -> None:
        """Delete all jobs."""
        with self.api() as api:
            for job in api.get("/jobs").raise_for_status().json()["jobs"]:
                api.delete(f"/jobs/{job['id']}")

    def leftovers(self) -> list[str]:
        """Files of uploads and jobs."""
        data = self.folder / "data"
        # `Path.rglob` raises FileNotFoundError where a folder is deleted meanwhile.
        return sorted(
            os.path.relpath(Path(folder, name), data)
            for kind in ("uploads", "jobs", "drafts")
            for folder, folders, files in os.walk(data / kind)
            for name in (*folders, *files)
        )


def chromium() -> str:
    """Where Chromium is; skips where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("there is no Chromium; on Debian: apt-get install chromium")


# Not for the session: while Playwright runs, its event loop is in the way of other tests'.
@pytest.fixture(scope="package")
def chrome() -> Iterator[Browser]:
    program = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def browser(chrome: Browser) -> Browser:
    """Chromium, where the server's page is built."""
    if not (PAGE / "index.html").is_file():
        pytest.skip("the page is not built; type 'make page'")
    return chrome


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Process]:
    """A server with a worker, for all tests that change no setting."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "runs").mkdir()
    process = Process(folder, "--runs", str(folder / "runs"))
    process.start()
    yield process
    process.stop()


@pytest.fixture
def serve(tmp_path: Path, browser: Browser) -> Iterator[Callable[..., Process]]:
    """Makes servers of the test's own; `Process.start` starts them."""
    made: list[Process] = []

    def make(*options: str, **environment: str) -> Process:
        made.append(Process(tmp_path, *options, **environment))
        return made[-1]

    yield make
    for process in made:
        process.stop()


class Visitor:
    """Browser windows that complain of whatever a visitor should never meet."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def visit(
        self, url: str, path: str = "/", *, ready: str = "#content > *", **options: Any
    ) -> Page:
        """A new browser profile at a page of the server, once an element is there."""
        context = self._browser.new_context(
            # What a test answers in the server's place must not come from a cache.
            **({"viewport": {"width": 1280, "height": 800}, "service_workers": "block"} | options)
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self._asked(url, request.url))
        page.goto(url + path)
        page.locator(ready).first.wait_for()
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.search(message.text):
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, url: str, asked: str) -> None:
        if not asked.startswith((url, "blob:", "data:")):
            self.complaints.append(f"asked for {asked}")

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def visitor(chrome: Browser) -> Iterator[Visitor]:
    visiting = Visitor(chrome)
    yield visiting
    visiting.close()
    assert visiting.complaints == []


@pytest.fixture
def page(server: Process, visitor: Visitor) -> Iterator[Page]:
    """The page of the common server, in a new profile; its jobs are gone afterwards."""
    yield visitor.visit(server.url)
    server.clear()


def shoot(page: Page, name: str) -> None:
    """Leave a screenshot."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", animations="disabled")


def card(page: Page, name: str) -> Any:
    """The card of a file in the queue."""
    return page.get_by_role("article", name=name, exact=True)


def begin(page: Page, files: list[Any]) -> None:
    """Choose files and let them be enhanced with what is chosen."""
    page.get_by_label("Pictures and videos").set_input_files(files)
    page.get_by_role("button", name=re.compile(r"^Enhance \d")).click()


def select(page: Page, label: str, title: str) -> None:
    """Choose from a list, by keyboard."""
    field = page.get_by_role("combobox", name=label)
    field.press("Enter")
    option = page.get_by_role("option", name=title, exact=True)
    option.click()
    try:
        expect(field).to_have_value(title, timeout=2000)
    except AssertionError:  # the menu was still opening, and the click fell beside it
        option.click()
        expect(field).to_have_value(title)


def wait_done(page: Page, *names: str) -> None:
    for name in names:
        card(page, name).get_by_text("Done", exact=True).wait_for()


def photo(path: Path, width: int = 120, height: int = 80) -> Path:
    """A piece of the demo's photo, as a file."""
    pixels = read_image(ROOT / "docs/demo/photo.png").pixels
    top, left = sum(map(ord, path.name)) % 100, len(path.name) * 7 % 100
    piece = np.ascontiguousarray(pixels[top : top + height, left : left + width])
    write_image(Image(piece), path)
    return path
