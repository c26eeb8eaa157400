"""Kinds of clips by networks: frames per second, PSNR, and the share that did not change.

Each clip is made at 960x540, shrunk to half by averaging, coded by x264, and enlarged to its first
size from file to file, by each network in turn: a screen recording (Chromium), slides, a drawing
that moves on every other frame, a drawn film and one from a camera. Frames a second count all from
start to end; slow networks get the first --few frames only. PSNR is on Y' with 2 border pixels
shaved, over all frames. The last two are others' networks, by the same engine.

    python benchmarks/contents.py [--data ../shared/data] [--crf 23] [--few 12] [NETWORK …]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np
from PIL import Image as Pil

from _table import print_table
from crispen.enhance.api import enhance_video
from crispen.evaluate.metrics import luma255, psnr
from crispen.media.video.pixel_formats import plane
from unchanged import HEIGHT, WIDTH, Bytes, on_twos, slides, typing

RATE = 30
FRAMES = 120
OURS = ("photo-live-x2", "photo-fast-x2", "video-x2", "photo-x2")
THEIRS = ("realesr-animevideov3-x2", "waifu2x-photo-noise3-x2")


def filmed(path: Path) -> Iterator[Bytes]:
    """Frames of a clip, brought to the width and cut to the height."""
    with av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            picture = frame.to_image()
            height = max(HEIGHT, round(picture.height * WIDTH / picture.width))
            wide = round(picture.width * height / picture.height)
            large = picture.resize((max(WIDTH, wide), height), Pil.Resampling.LANCZOS)
            yield np.asarray(large)[:HEIGHT, :WIDTH]


def coded(path: Path, frames: Iterable[Bytes], crf: float) -> None:
    """The frames at half their size, as H.264."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = WIDTH // 2, HEIGHT // 2, "yuv420p"
        for frame in frames:
            small = Pil.fromarray(frame).resize((WIDTH // 2, HEIGHT // 2), Pil.Resampling.BOX)
            out.mux(stream.encode(av.VideoFrame.from_image(small)))
        out.mux(stream.encode())


def lumas(path: Path, *, twice: bool = False) -> Iterator[np.ndarray]:
    """Luma of each frame in levels; bicubically enlarged if `twice`."""
    with av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            if twice:
                frame = frame.reformat(WIDTH, HEIGHT, interpolation="BICUBIC")
            yield plane(frame, 0, np.dtype(np.uint8)).astype(float)


def score(found: Iterable[np.ndarray], truth: list[np.ndarray]) -> float:
    """Mean of the frames' PSNR in dB."""
    pairs = zip(found, truth, strict=False)
    return float(np.mean([psnr(one, other, border=2) for one, other in pairs]))


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--crf", type=float, default=23)
    parser.add_argument("--few", type=int, default=12, help="frames for others' networks")
    parser.add_argument("networks", nargs="*", default=[*OURS, *THEIRS])
    given = parser.parse_args()
    contents = {
        "screen recording": typing(),
        "slides": slides(),
        "drawing on twos": on_twos(),
        "drawn film": filmed(given.data / "video/bigbuckbunny.mp4"),
        "camera": filmed(given.data / "video/bikes.mp4"),
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        os.environ["CRISPEN_MODELS"] = str(work / "models")
        for name in set(THEIRS) & set(given.networks):
            file = given.data / f"teachers/{name}.param"
            add = [sys.executable, "-m", "crispen", "models", "add", str(file)]
            subprocess.run(add, check=True, capture_output=True)
        for content, drawn in contents.items():
            frames = list(islice(drawn, FRAMES))
            truth = [np.rint(luma255(frame)) for frame in frames]
            clips = {count: work / f"{count}.mp4" for count in (FRAMES, given.few)}
            for count, clip in clips.items():
                coded(clip, frames[:count], given.crf)
            bicubic = {count: score(lumas(c, twice=True), truth) for count, c in clips.items()}
            for name in given.networks:
                count = given.few if name in THEIRS else FRAMES
                made = work / f"{name}.mkv"
                report = enhance_video(clips[count], made, model=name, codec="ffv1", resume=False)
                better = score(lumas(made), truth) - bicubic[count]
                made.unlink()
                rows.append(
                    [
                        content,
                        name,
                        f"{report.fps:.1f}",
                        f"{bicubic[count]:.2f}",
                        f"{better:+.2f}",
                        f"{report.unchanged:.0%}",
                    ]
                )
    head = ["clip", "network", "frames/s", "bicubic in dB", "network", "unchanged"]
    print_table(f"{WIDTH // 2}x{HEIGHT // 2} to {WIDTH}x{HEIGHT}, crf {given.crf:g}", head, rows)


if __name__ == "__main__":
    main()
