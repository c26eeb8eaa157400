"""What is saved where a frame equals the previous one, and how much time.

There are four clips: a screen on which somebody reads and types (Chromium, H.264), slides, a
drawing that moves on every other frame, and one from a camera. Each is enhanced with and without
reuse, in turns; the fastest of --rounds counts. The results must be equal frame by frame.

    python benchmarks/unchanged.py [--model photo-fast-x2] [--rounds 2] [--camera CLIP]
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from _table import print_table
from crispen.enhance.api import enhance_video
from crispen.enhance.video.unchanged import UnchangedStage
from crispen.lab.data.drawn import page

Bytes = NDArray[np.uint8]
WIDTH, HEIGHT, RATE = 960, 540, 30
_TEXT = """The quick brown fox jumps over the lazy dog. """ * 60


def typing() -> Iterator[Bytes]:
    """Frames of a page in Chromium: somebody reads, scrolls and types."""
    from playwright.sync_api import sync_playwright

    html = (
        "<body style='font:16px sans-serif;margin:20px'><h1>A page</h1>"
        f"<textarea style='width:600px;height:120px'></textarea><p>{_TEXT}</p><p>{_TEXT}</p>"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        view.set_content(html)
        view.locator("textarea").click()
        for number in range(40):
            if number < 30:
                view.keyboard.type("a good day "[number % 11])
            else:
                view.mouse.wheel(0, 40)
            shot = np.asarray(Image.open(io.BytesIO(view.screenshot())).convert("RGB"))
            for _ in range(3):
                yield shot
        browser.close()


def slides() -> Iterator[Bytes]:
    """Four pages of text and charts, one second each."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        square = page(rng, WIDTH)
        for _ in range(RATE):
            yield square[:HEIGHT]


def on_twos() -> Iterator[Bytes]:
    """A drawing with a part that moves every other frame, as in animation."""
    rng = np.random.default_rng(1)
    still = page(rng, WIDTH)[:HEIGHT]
    for number in range(90):
        picture = Image.fromarray(still.copy())
        at = 300 + 4 * (number // 2)
        ImageDraw.Draw(picture).ellipse((at, 200, at + 120, 320), fill=(200, 60, 40), outline=0)
        yield np.asarray(picture)


def written(path: Path, pictures: Iterator[Bytes]) -> Path:
    """Encodes the frames as H.264."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode())
    return path


def lumas(path: Path) -> list[Bytes]:
    """Luma of all frames."""
    with av.open(str(path)) as clip:
        return [frame.to_ndarray(format="gray") for frame in clip.decode(video=0)]


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="photo-fast-x2")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--camera", type=Path, default=Path("../shared/data/video/bikes.mp4"))
    given = parser.parse_args()
    reuse = UnchangedStage.__call__
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        clips = {
            "screen recording": written(work / "screen.mp4", typing()),
            "slides": written(work / "slides.mp4", slides()),
            "animation on twos": written(work / "twos.mp4", on_twos()),
            f"camera ({given.camera.name})": given.camera,
        }
        for name, clip in clips.items():
            fastest = {True: 0.0, False: 0.0}
            share = 0.0
            for number in range(given.rounds):
                made = {}
                for on in (True, False):
                    UnchangedStage.__call__ = (  # type: ignore[method-assign]
                        reuse if on else lambda self, pixels: self._stage.window(pixels)
                    )
                    made[on] = work / f"{number}-{on}-{clip.stem}.mp4"
                    report = enhance_video(clip, made[on], model=given.model)
                    fastest[on] = max(fastest[on], report.fps)
                    share = report.unchanged if on else share
                assert all(map(np.array_equal, *(lumas(path) for path in made.values())))
            gain = fastest[True] / fastest[False]
            rows.append(
                [
                    name,
                    f"{share:.0%}",
                    f"{fastest[False]:.1f}",
                    f"{fastest[True]:.1f}",
                    f"{gain:.2f}",
                ]
            )
    print_table(
        f"{given.model} on {WIDTH}x{HEIGHT}",
        ["clip", "spared", "frames/s without", "with reuse", "times"],
        rows,
    )


if __name__ == "__main__":
    main()
