"""Frames per second of whole clips, beside an earlier commit in turn; and what encoders cost.

A machine's speed changes by the hour, so only the ratios mean something. The earlier commit is
taken out of git into a temporary folder and runs with the same interpreter and libraries.

    python benchmarks/realtime.py [--before 41d2ce8] [--clip FILE] [--frames 250] [--rounds 3]
    python benchmarks/realtime.py --encoders [--clip FILE]
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from itertools import islice
from pathlib import Path

import av
import numpy as np

from _table import print_table
from crispen.enhance.video.frames import BICUBIC
from crispen.media.video.codecs import find_codec
from crispen.media.video.container import Damage, read_frames
from video import DEMO, made_clip, timed

ROOT = Path(__file__).parents[1]
SIZE = (960, 540)
LARGE = (1920, 1080)
# Runs in the commit's own code; the first clip, of a few frames, loads and compiles everything.
ONE = """
import sys, time
from pathlib import Path
from crispen import enhance_video
clip, short, result, keywords = sys.argv[1:5]
keywords = eval(keywords)
enhance_video(short, result, 2, overwrite=True, **keywords)
wall, cpu = time.perf_counter(), time.process_time()
enhance_video(clip, result, 2, overwrite=True, **keywords)
print(time.perf_counter() - wall, time.process_time() - cpu, Path(result).stat().st_size)
"""


def taken_out(commit: str, folder: Path) -> Path:
    """The package of a commit."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "src"], check=True, capture_output=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder / "src"


def run(source: Path, clips: tuple[Path, Path], result: Path, keywords: str) -> list[float]:
    """Seconds of wall and of CPU, and bytes."""
    done = subprocess.run(
        [sys.executable, "-c", ONE, *map(str, clips), str(result), keywords],
        env={**os.environ, "PYTHONPATH": str(source)},
        check=True,
        capture_output=True,
        text=True,
    )
    return [float(word) for word in done.stdout.split()]


def speeds(asked: argparse.Namespace, folder: Path) -> None:
    """Print the table of frames per second."""
    commit, count, rounds = asked.before, asked.frames, asked.rounds
    clips = folder / "clip.mp4", folder / "short.mp4"
    made_clip(clips[0], asked.clip, SIZE, count)
    made_clip(clips[1], asked.clip, SIZE, 5)
    model = {"model": "photo-fast-x2"}
    ways = {
        f"{commit}, photo-fast": (taken_out(commit, folder), repr(model)),
        "now, photo-fast": (ROOT / "src", repr(model)),
        "now, --realtime": (ROOT / "src", "{'realtime': True}"),
    }
    found: dict[str, list[list[float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (source, keywords) in ways.items():
            found[name].append(run(source, clips, folder / "result.mp4", keywords))
    best = {name: np.min(values, axis=0) for name, values in found.items()}
    first = next(iter(best.values()))
    print_table(
        f"{count} frames of {SIZE[0]}x{SIZE[1]} to {LARGE[0]}x{LARGE[1]}, H.264, best of {rounds}",
        ["", "frames a second", "ratio", "CPU ms a frame", "ratio", "kB a frame"],
        [
            [
                name,
                f"{count / wall:.1f}",
                f"{first[0] / wall:.2f}",
                f"{cpu / count * 1e3:.1f}",
                f"{first[1] / cpu:.2f}",
                f"{size / count / 1e3:.1f}",
            ]
            for name, (wall, cpu, size) in best.items()
        ],
    )


def encoders(source: Path, folder: Path, count: int = 60) -> None:
    """Print what settings of x264 cost and give for bicubic frames."""
    clip, result = folder / "clip.mp4", folder / "encoded.mp4"
    made_clip(clip, source, SIZE, count)
    shaper = av.video.reformatter.VideoReformatter()
    frames = [
        shaper.reformat(frame, *LARGE, "yuv420p", interpolation=BICUBIC, threads=1)
        for frame in islice(read_frames(clip, Damage()), count)
    ]
    lumas = [frame.to_ndarray()[: LARGE[1]].astype(float) for frame in frames]
    codec = find_codec("h264", ".mp4")
    quick = codec.options(None, None, quick=True)
    choices = {
        "superfast, crf 18 (default)": codec.options(None, None),
        "superfast without trying B-frames, crf 18": codec.options(None, None)
        | {"b_strategy": "0"},
        "superfast, crf 20": codec.options(20, "superfast"),
        "superfast without B-frames, crf 18": codec.options(None, "superfast")
        | {"x264-params": "bframes=0"},
        "ultrafast, crf 18": codec.options(None, "ultrafast"),
        "ultrafast, crf 20": codec.options(20, "ultrafast"),
        "ultrafast with CABAC, crf 20": codec.options(20, "ultrafast") | {"x264-params": "cabac=1"},
        "--realtime": quick,
    }
    rows = []
    for name, options in choices.items():

        def encode(options: dict[str, str] = options) -> None:
            with av.open(str(result), "w") as out:
                stream = out.add_stream("libx264", rate=25, options=options)
                stream.width, stream.height, stream.pix_fmt = *LARGE, "yuv420p"
                for number, frame in enumerate(frames):
                    frame.pts, frame.pict_type = number, 0
                    frame.time_base = 1 / stream.average_rate
                    out.mux(stream.encode(frame))
                out.mux(stream.encode())

        cpu = min(timed(encode)[1] for _ in range(3))
        errors = [
            np.mean((frame.to_ndarray()[: LARGE[1]] - luma) ** 2)
            for frame, luma in zip(read_frames(result, Damage()), lumas, strict=True)
        ]
        psnr = 10 * np.log10(255**2 / np.mean(errors))
        size = result.stat().st_size / count / 1e3
        rows.append([name, f"{cpu / count * 1e3:.1f}", f"{size:.1f}", f"{psnr:.2f}"])
    print_table(
        f"x264 at {LARGE[0]}x{LARGE[1]}, {source.name}",
        ["settings", "CPU ms a frame", "kB a frame", "dB to the frames given"],
        rows,
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", default="41d2ce8", help="commit to compare with")
    parser.add_argument("--clip", type=Path, default=DEMO)
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encoders", action="store_true", help="only the encoder's settings")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.encoders:
            encoders(asked.clip, Path(folder))
        else:
            speeds(asked, Path(folder))


if __name__ == "__main__":
    main()
