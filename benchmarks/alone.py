"""The page without a server against UpscalerJS, in one Chromium: a 960×540 picture, enlarged x2.

Both run in WebAssembly on all cores, in turns. UpscalerJS runs its fast network, esrgan-slim, on
TensorFlow.js with the fastest backend that needs no graphics card (its usual one, WebGL, is far
slower on an emulated card). File reading and writing is not measured, nor is the first run of each,
which compiles. Ours is timed by the worker that the page itself uses.

npm fetches UpscalerJS into build/rivals; `make site-app` must have built the page.

python benchmarks/alone.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import functools
import http.server
import shutil
import statistics
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from _table import print_table
from crispen.media.image import Image, read_image, write_image
from crispen.media.resample import resize

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from hatch_build import _node_folder  # noqa: E402

BUILD = ROOT / "build"
APP, RIVALS = BUILD / "site-app", BUILD / "rivals"
PACKAGES = {
    "upscaler": "1.0.0",
    "@upscalerjs/esrgan-slim": "1.0.0",
    "@tensorflow/tfjs": "4.11.0",
    "@tensorflow/tfjs-backend-wasm": "4.11.0",
}
WIDTH, HEIGHT = 960, 540
SCRIPTS = (
    "@tensorflow/tfjs/dist/tf.min.js",
    "@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js",
    "upscaler/dist/browser/umd/upscaler.min.js",
    "@upscalerjs/esrgan-slim/dist/umd/models/esrgan-slim/src/x2/index.min.js",
)
HEAD = "<!doctype html><title>UpscalerJS and Crispen</title>" + "".join(
    f'<script src="/rivals/node_modules/{script}"></script>' for script in SCRIPTS
)
PAGE = """
<script>
const root = "/rivals/node_modules/";
tf.wasm.setWasmPaths(`${root}@tensorflow/tfjs-backend-wasm/dist/`);
let upscaler, pixels, worker, file;
async function prepare(app) {
  file = new File([await (await fetch("/picture.png")).blob()], "a.png", { type: "image/png" });
  tf.wasm.setThreadsCount(navigator.hardwareConcurrency);
  await tf.setBackend("wasm");
  const path = `${root}@upscalerjs/esrgan-slim/models/x2/model.json`;
  upscaler = new Upscaler({ model: { ...ESRGANSlim2x, path } });
  pixels = tf.browser.fromPixels(await createImageBitmap(file));
  worker = new Worker(app, { type: "module" });
  return [tf.getBackend(), tf.wasm.getThreadsCount(), navigator.hardwareConcurrency];
}
async function rival() {
  const began = performance.now();
  const result = await upscaler.upscale(pixels, { output: "tensor" });
  await result.data();
  const seconds = (performance.now() - began) / 1000;
  result.dispose();
  return seconds;
}
function ours(kind) {
  const dials = { noise: null, compression: null, blur: null, vivid: null };
  const choices = { kind, scale: 2, dials, format: "png", quality: 92 };
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.kind === "done") resolve(data.done.seconds);
      if (data.kind === "failed") reject(new Error(data.message));
    };
    worker.postMessage({ id: 1, file, choices });
  });
}
</script>"""


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves static files, with the headers that threads need."""

    def end_headers(self) -> None:
        """Adds them."""
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


def fetch_rivals() -> None:
    """Installs UpscalerJS and TensorFlow.js from npm, unless present."""
    RIVALS.mkdir(parents=True, exist_ok=True)
    if all((RIVALS / "node_modules" / name).is_dir() for name in PACKAGES):
        return
    folder = _node_folder()
    npm = [shutil.which("npm") or "npm"]
    if folder is not None:
        npm = [str(folder / "bin/node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    quiet = ["--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
    subprocess.run([*npm, "install", "--prefix", str(RIVALS), *quiet, *wanted], check=True)


def measured(page: Page, rounds: int, kinds: list[str]) -> dict[str, list[float]]:
    """Seconds of each contender in each round."""
    calls = {"UpscalerJS esrgan-slim x2": "rival()"}
    calls |= {f"Crispen {kind}-x2": f"ours('{kind}')" for kind in kinds}
    for call in calls.values():
        page.evaluate(call)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            # Ours is fast, so one slow moment would have a large effect.
            times = [page.evaluate(call) for _ in range(1 if "Upscaler" in name else 3)]
            seconds[name].append(statistics.median(times))
    return seconds


def main() -> None:
    """Prints medians, and each speed relative to UpscalerJS."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", default=["photo-fast"])
    asked = parser.parse_args()
    workers = sorted((APP / "assets").glob("enhance-*.js"))
    if not workers:
        sys.exit("the page is not built; type 'make site-app'")
    fetch_rivals()
    photo = read_image(ROOT / "docs/demo/photo.png").pixels
    write_image(
        Image(np.asarray(resize(photo, HEIGHT, WIDTH))), BUILD / "picture.png", overwrite=True
    )
    (BUILD / "alone.html").write_text(HEAD + PAGE)
    handler: Any = functools.partial(Server, directory=str(BUILD))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.set_default_timeout(0)
        page.goto(f"http://127.0.0.1:{server.server_port}/alone.html")
        about = page.evaluate(f"prepare('/site-app/assets/{workers[0].name}')")
        seconds = measured(page, asked.rounds, asked.kinds)
        version = browser.version
        browser.close()
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    base = medians["UpscalerJS esrgan-slim x2"]
    print_table(
        f"{WIDTH}x{HEIGHT} to {2 * WIDTH}x{2 * HEIGHT}, Chromium {version}, "
        f"TensorFlow.js {about[0]} on {about[1]} threads, {about[2]} cores",
        ["", "seconds", "times as fast"],
        [[name, f"{value:.2f}", f"{base / value:.1f}"] for name, value in medians.items()],
    )


if __name__ == "__main__":
    main()
