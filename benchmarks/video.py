"""Frames per second of video enhancement, and where the time goes.

Each part is measured alone, then all together, including start and end. The clip is made from a
real one, the demo's unless given, so that the encoder gets natural pictures.

    python benchmarks/video.py [--clip FILE] [--size 960x540] [--frames 150] [--model photo-fast-x2]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np

from _table import print_table
from crispen.enhance.api import enhance_video
from crispen.enhance.model import load
from crispen.enhance.target import parse_size
from crispen.enhance.video.frames import BICUBIC
from crispen.media.video.codecs import find_codec
from crispen.media.video.container import Damage, read_frames
from crispen.media.video.pixel_formats import plane

DEMO = Path(__file__).parents[1] / "docs/demo/clip.mp4"


def made_clip(path: Path, source: Path, size: tuple[int, int], count: int) -> None:
    """A clip of `count` frames, repeating `source`."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        pictures = list(islice(read_frames(source, Damage()), count))
        for number, picture in enumerate(islice(cycle(pictures), count)):
            frame = picture.reformat(*size, "yuv420p", interpolation="BICUBIC")
            frame.pts, frame.pict_type = number, 0
            frame.time_base = 1 / stream.average_rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", type=Path, default=DEMO)
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--model", default="photo-fast-x2")
    asked = parser.parse_args()
    size = parse_size(asked.size)
    with tempfile.TemporaryDirectory() as folder:
        clip, result = Path(folder, "clip.mp4"), Path(folder, "result.mp4")
        made_clip(clip, asked.clip, size, asked.frames)
        model = load(asked.model)
        scale = model.card.scale
        large = size[0] * scale, size[1] * scale
        frames = list(islice(read_frames(clip, Damage()), 32))
        lumas = [np.ascontiguousarray(plane(f, 0, np.dtype(np.uint8)))[..., None] for f in frames]
        engine = model.engine
        engine.run(lumas[0], studio=True)
        rows: list[tuple[str, int, float, float]] = []

        def measure(name: str, count: int, work: Callable[[], object]) -> None:
            rows.append((name, count, *timed(work)))

        measure("decode", asked.frames, lambda: [None for _ in read_frames(clip, Damage())])
        measure("network", len(frames), lambda: [engine.run(luma, studio=True) for luma in lumas])
        shaper = av.video.reformatter.VideoReformatter()
        enlarged: list[av.VideoFrame] = []
        measure(
            "chroma (and bicubic luma)",
            len(frames),
            lambda: enlarged.extend(
                shaper.reformat(f, *large, "yuv420p", interpolation=BICUBIC, threads=1)
                for f in frames
            ),
        )
        with av.open(str(Path(folder, "encoded.mp4")), "w") as out:
            options = find_codec(None, ".mp4").options(None, None)
            stream = out.add_stream("libx264", rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = *large, "yuv420p"

            def encode() -> None:
                for number, frame in enumerate(enlarged):
                    frame.pts, frame.pict_type = number, 0
                    frame.time_base = 1 / stream.average_rate
                    packets.extend(stream.encode(frame))
                packets.extend(stream.encode())

            packets: list[av.Packet] = []
            measure("encode", len(enlarged), encode)
            measure("mux", len(enlarged), lambda: out.mux(packets))
        measure(
            "all together", asked.frames, lambda: enhance_video(clip, result, scale, model=model)
        )
    print_table(
        f"Video, {asked.model}, {size[0]}x{size[1]} to {large[0]}x{large[1]}, H.264 both",
        ["part", "ms a frame", "CPU ms a frame", "frames a second"],
        [
            [name, f"{wall / n * 1e3:.1f}", f"{cpu / n * 1e3:.1f}", f"{n / wall:.1f}"]
            for name, n, wall, cpu in rows
        ],
    )


if __name__ == "__main__":
    main()
