"""The page as an app: without a network, with files that others share, and with word when done."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from .conftest import ROOT, Process, Visitor, card, photo, wait_done
from .test_story import download

READY = "() => navigator.serviceWorker.ready.then(r => r.active.state)"


def test_without_a_network(serve: Callable[..., Process], visitor: Visitor, tmp_path: Path) -> None:
    server = serve()
    server.start("--workers", "0")
    page = visitor.visit(server.url, service_workers="allow")
    # Playwright reads it as the browser does that offers to install.
    manifest = page.request.get(f"{server.url}/manifest.webmanifest")
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    about = manifest.json()
    assert (about["display"], about["share_target"]["action"]) == ("standalone", "share")
    for icon in about["icons"]:
        answer = page.request.get(f"{server.url}/{icon['src']}")
        assert answer.headers["content-type"] == icon["type"]
    assert page.evaluate(READY) in ("activating", "activated")
    page.wait_for_function("() => navigator.serviceWorker.controller")
    server.stop()
    page.goto(f"{server.url}/models")
    page.get_by_role("heading", name="Models", level=1).wait_for()
    page.get_by_text(re.compile("cannot be reached")).wait_for()
    page.get_by_role("link", name="Enhance").first.click()
    # What is chosen meanwhile waits until the server is there again.
    page.get_by_label("Pictures and videos").set_input_files(photo(tmp_path / "a.png"))
    page.get_by_role("heading", name="1 file ready").wait_for()
    server.start("--workers", "1")
    page.get_by_role("button", name=re.compile("^Enhance 1 file")).click()
    wait_done(page, "a.png")


def test_what_others_share(serve: Callable[..., Process], visitor: Visitor) -> None:
    server = serve(CRISPEN_ROOT_PATH="/pictures")
    server.start("--workers", "0")
    page = visitor.visit(f"{server.url}", "/pictures/", service_workers="allow")
    page.wait_for_function("() => navigator.serviceWorker.controller")
    # As the system posts it: a form, which leads to the page.
    page.evaluate(
        """async () => {
          const picture = await (await fetch('/pictures/sample.jpg')).blob();
          const form = document.createElement('form');
          Object.assign(form, { method: 'POST', action: '/pictures/share',
            enctype: 'multipart/form-data' });
          const field = document.createElement('input');
          Object.assign(field, { type: 'file', name: 'files' });
          const transfer = new DataTransfer();
          transfer.items.add(new File([picture], 'shared.jpg', { type: 'image/jpeg' }));
          field.files = transfer.files;
          form.append(field);
          document.body.append(form);
          form.submit();
        }"""
    )
    page.wait_for_url("**/pictures/?shared")
    page.get_by_role("heading", name="1 file ready").wait_for()
    expect(page.get_by_text("shared.jpg", exact=True)).to_be_visible()
    page.reload()  # taken once
    page.get_by_role("heading", name="1 file ready").wait_for()
    expect(page.locator("li.tile")).to_have_count(1)


def test_word_when_long_work_ends(
    serve: Callable[..., Process], visitor: Visitor, tmp_path: Path
) -> None:
    server = serve()
    server.start("--workers", "0")
    page = visitor.visit(server.url, permissions=["notifications"])
    page.add_init_script(
        """
        window.told = [];
        window.Notification = class {
          static permission = 'granted';
          static requestPermission = async () => 'granted';
          constructor(title, { body }) { window.told.push(`${title}: ${body}`); }
        };
        """
    )
    page.clock.install()
    page.reload()
    page.get_by_label("Pictures and videos").set_input_files(photo(tmp_path / "a.png", 60, 40))
    page.get_by_role("button", name=re.compile("^Enhance 1 file")).click()
    card(page, "a.png").get_by_text(re.compile("in line")).wait_for()
    page.get_by_role("button", name="Notify me when done").click()
    page.get_by_role("button", name="You will be notified").wait_for()
    page.clock.fast_forward(60_000)
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    server.stop()
    server.start("--workers", "1")
    wait_done(page, "a.png")
    page.wait_for_function("() => window.told.length > 0")
    assert page.evaluate("window.told") == ["Crispen: 1 file done."]


def test_a_folder_keeps_its_tree(server: Process, page: Page, tmp_path: Path) -> None:
    """What was dropped as a folder comes back as one."""
    content = list(photo(tmp_path / "a.png", 40, 30).read_bytes())
    page.evaluate(
        """(bytes) => {
          const file = (name) => new File([new Uint8Array(bytes)], name, { type: 'image/png' });
          const leaf = (name, path) => ({ isDirectory: false, name, fullPath: path,
            file: (take) => take(file(name)) });
          const folder = (name, path, inside) => ({ isDirectory: true, name, fullPath: path,
            createReader: () => {
              let given = false;
              return { readEntries: (take) => { take(given ? [] : inside); given = true; } };
            } });
          const sea = folder('sea', '/trip/sea', [leaf('b.png', '/trip/sea/b.png')]);
          const trip = folder('trip', '/trip', [leaf('a.png', '/trip/a.png'), sea]);
          const items = [{ kind: 'file', webkitGetAsEntry: () => trip, getAsFile: () => null }];
          const event = new Event('drop', { bubbles: true, cancelable: true });
          Object.defineProperty(event, 'dataTransfer', { value: { types: ['Files'], items } });
          document.body.dispatchEvent(event);
        }""",
        content,
    )
    page.get_by_role("heading", name="2 files ready").wait_for()
    page.get_by_text("→ 80 × 60").last.wait_for()  # by then the browser has put both away
    page.reload()  # it is known afterwards too
    page.get_by_role("button", name=re.compile("^Enhance 2 files")).click()
    wait_done(page, "a.png", "b.png")
    page.reload()
    _, archive = download(page, page.get_by_role("link", name="Download all 2"))
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert sorted(files.namelist()) == ["trip/a.x2.png", "trip/sea/b.x2.png"]


def test_paste_and_keys(server: Process, page: Page) -> None:
    # Long before it is needed: Chromium takes its time to hand its dialog over.
    page.on("filechooser", lambda _: None)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.get_by_text("Enhance what is chosen").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    with page.expect_file_chooser():
        page.keyboard.press("o")
    content = list((ROOT / "web/public/sample.jpg").read_bytes())
    page.evaluate(
        """(bytes) => {
          const transfer = new DataTransfer();
          const content = [new Uint8Array(bytes)];
          transfer.items.add(new File(content, 'pasted.jpg', { type: 'image/jpeg' }));
          document.body.dispatchEvent(
            new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }));
        }""",
        content,
    )
    page.get_by_role("heading", name="1 file ready").wait_for()
    page.keyboard.press("Control+Enter")
    wait_done(page, "pasted.jpg")
