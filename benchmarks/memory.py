"""Peak resident memory of whole commands; it must not grow with the length of a video.

python benchmarks/memory.py                   10000×10000 PNG at x2 (400 megapixels out), two videos
python benchmarks/memory.py 2000              a smaller picture
python benchmarks/memory.py 0 --minutes 60    no picture, and an hour instead of ten minutes
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyvips

from _table import print_table

PEAK = (
    "import resource, runpy, sys; sys.argv[0] = 'crispen'\n"
    "try: runpy.run_module('crispen', run_name='__main__')\n"
    "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
)


def run(*arguments: str) -> tuple[float, float]:
    """``(peak megabytes, seconds)`` of one command."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *arguments], check=True, capture_output=True, text=True
    )
    return int(done.stderr.split()[-1]) / 1024, time.perf_counter() - began


def make_picture(path: Path, side: int) -> None:
    """A textured RGB PNG, made in stripes."""
    noise = pyvips.Image.gaussnoise(side, side, mean=128, sigma=20).gaussblur(2)
    ramp = pyvips.Image.xyz(side, side)[0] * (255 / side)
    noise.bandjoin([ramp, noise]).cast("uchar").copy(interpretation="srgb").pngsave(
        str(path), compression=1
    )


def make_video(path: Path, frames: int) -> None:
    """A 320×180 clip at 25 frames per second."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (180, 640, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for i in range(frames):
            at = (2 * i) % 320
            frame = av.VideoFrame.from_ndarray(texture[:, at : at + 320].copy(), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", type=int, nargs="?", default=10_000, help="of the picture")
    parser.add_argument("--minutes", type=int, default=10, help="of the longer video")
    given = parser.parse_args()
    side, rows = given.side, []
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        if side:
            make_picture(folder / "big.png", side)
            peak, seconds = run("enhance", str(folder / "big.png"), "--scale", "2")
            rows.append([f"{side}x{side} PNG, x2", f"{peak:.0f}", f"{seconds:.0f}"])
        lengths = {"ten seconds": 250, f"{given.minutes} minutes": given.minutes * 1500}
        for label, frames in lengths.items():
            make_video(folder / "clip.mp4", frames)
            peak, seconds = run(
                "enhance", str(folder / "clip.mp4"), "-o", str(folder / f"{frames}.mp4")
            )
            rows.append([f"{label} of 320x180 video, x2", f"{peak:.0f}", f"{seconds:.0f}"])
    print_table("Peak resident memory", ["command", "MB", "seconds"], rows)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nLargest of all: {children:.0f} MB")


if __name__ == "__main__":
    main()
