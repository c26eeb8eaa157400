"""Compressed clips, enlarged x2 by our models and by bicubic, at four compression strengths.

Clips are made from pictures that no model trained on: a window of 384x256 moves, zooms and shakes
over each for 12 frames. Each is shrunk to half by Pillow (area, bicubic and Lanczos in turn),
encoded by x264 or x265 at the given crf, decoded, and enlarged. Filmed clips are treated the same,
and stand in rows of their own: their pictures are softer. PSNR is on Y' with 2 border pixels
shaved, over every third frame. The last table is of pictures that stand still under noise (of 20
levels, before coding): how much two frames in a row differ, as a share of bicubic's.

`default` is what `crispen enhance` does. video-x2 alone is blind; video-x2@told knows the crf;
video-x2@seen gets the noise and compression that are measured in the clip.

    python benchmarks/clips.py [--data ../shared/data] [--codec h264] photo-fast-x2 video-x2@seen …
"""

from __future__ import annotations

import argparse
import functools
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from _table import print_table
from crispen.enhance.api import enhance_video
from crispen.enhance.model import load
from crispen.enhance.video.damage import damage_in_clip
from crispen.evaluate.metrics import luma255, psnr
from crispen.media.image import Image, read_image
from crispen.media.resample import resize
from crispen.media.video.container import Damage, read_frames
from crispen.models.dials import Dials, compression_dial, crf_step
from real import held_out

Bytes = NDArray[np.uint8]
FRAMES, WIDTH, HEIGHT = 12, 384, 256
ENCODERS = {"h264": "libx264", "hevc": "libx265"}
CRFS = (18, 24, 30, 36)
NOISE = 20.0
WAYS = (Pil.Resampling.BOX, Pil.Resampling.BICUBIC, Pil.Resampling.LANCZOS)


def scene(pixels: Bytes, number: int) -> list[Bytes]:
    """A window that moves over a picture."""
    rng = np.random.default_rng((5, number))
    height, width = pixels.shape[:2]
    picture = Pil.fromarray(pixels)
    step, zoom = rng.uniform(-4, 4, 2), rng.uniform(0.995, 1.005)
    room = np.array([width - WIDTH, height - HEIGHT]) / 2
    frames = []
    for i in range(FRAMES):
        shake = rng.normal(0, 0.4, 2) if number % 3 == 0 else 0.0
        size = np.array([WIDTH, HEIGHT]) * zoom**i
        left, top = np.clip(room + step * i + shake, 0, [width, height] - size)
        box = (left, top, min(width, left + size[0]), min(height, top + size[1]))
        frames.append(np.asarray(picture.resize((WIDTH, HEIGHT), Pil.Resampling.BICUBIC, box)))
    return frames


def filmed(path: Path) -> list[Bytes]:
    """Frames of a clip, of even size."""
    frames = shown(path)[:FRAMES]
    height, width = (n // 4 * 4 for n in frames[0].shape[:2])
    return [frame[:height, :width] for frame in frames]


def shrunk_to(frame: Bytes, width: int, height: int, how: Pil.Resampling) -> Bytes:
    """Resizes with Pillow, which antialiases."""
    return np.asarray(Pil.fromarray(frame).resize((width, height), how))


@dataclass
class Coded:
    """A clip at half its size, as a file and as its frames."""

    path: Path
    codec: str
    crf: int

    @functools.cached_property
    def frames(self) -> list[Bytes]:
        """``(height, width, 3)``: what a decoder shows."""
        return shown(self.path)


def shown(path: Path) -> list[Bytes]:
    """All frames of a file, in R'G'B'."""
    return [frame.to_ndarray(format="rgb24") for frame in read_frames(path, Damage())]


def compressed(folder: str, clip: list[Bytes], how: Pil.Resampling, codec: str, crf: int) -> Coded:
    """A file of the clip at half its size."""
    height, width = (n // 2 for n in clip[0].shape[:2])
    path = Path(folder) / "clip.mp4"
    quiet = {"x265-params": "log-level=none"} if codec == "hevc" else {}
    with av.open(str(path), "w") as container:
        options = {"crf": str(crf), "preset": "veryfast", **quiet}
        stream = container.add_stream(ENCODERS[codec], rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in clip:
            pixels = shrunk_to(frame, width, height, how)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    return Coded(path, codec, crf)


def contender(text: str) -> Callable[[Coded], list[Bytes]]:
    """What makes all frames of a clip."""
    if text == "bicubic":
        return lambda clip: [
            resize(f, 2 * f.shape[0], 2 * f.shape[1]).astype(np.uint8) for f in clip.frames
        ]
    if text == "default":
        return as_it_comes
    name, _, how = text.partition("@")

    @functools.cache
    def model(dials: Dials | None) -> Callable[[Image], Image]:
        return load(name, dials=dials)

    def run(clip: Coded) -> list[Bytes]:
        dials = None
        if how == "told":
            dials = Dials(0.0, compression_dial(crf_step(clip.codec, clip.crf)), 0.0)
        elif how == "seen":
            dials = damage_in_clip(clip.path)
        return [model(dials)(Image(frame)).as_rgb8() for frame in clip.frames]

    return run


def as_it_comes(clip: Coded) -> list[Bytes]:
    """What ``crispen enhance`` does to a clip, without another lossy codec after it."""
    large = clip.path.with_name("large.mkv")
    enhance_video(clip.path, large, scale=2, codec="ffv1", overwrite=True)
    return shown(large)


def still(pixels: Bytes, number: int) -> list[Bytes]:
    """A window that stands still, under noise that does not."""
    rng = np.random.default_rng((7, number))
    clean = scene(pixels, number)[0].astype(np.float32)
    noisy = (clean + rng.normal(0, NOISE, clean.shape) for _ in range(FRAMES))
    return [np.rint(frame).clip(0, 255).astype(np.uint8) for frame in noisy]


def flicker(frames: list[Bytes]) -> float:
    """The mean difference of Y' between two frames in a row."""
    luma = np.stack([luma255(frame) for frame in frames])
    return float(np.abs(np.diff(luma, axis=0)).mean())


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--codec", choices=("h264", "hevc"), default="h264")
    parser.add_argument("--scenes", type=int, default=99)
    parser.add_argument("contenders", nargs="*", default=["photo-fast-x2", "default"])
    given = parser.parse_args()
    pictures = [read_image(p).as_rgb8() for p in held_out(given.data / "train")]
    large = [p for p in pictures if p.shape[0] > HEIGHT + 48 and p.shape[1] > WIDTH + 48]
    clips = [("made", scene(p, n)) for n, p in enumerate(large)][: given.scenes]
    clips += [(p.stem, filmed(p)) for p in sorted((given.data / "video").glob("*.mp4"))]
    runs = {name: contender(name) for name in ("bicubic", *given.contenders)}
    scores: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, clip) in enumerate(clips):
            for crf in CRFS:
                coded = compressed(folder, clip, WAYS[number % len(WAYS)], given.codec, crf)
                for name, run in runs.items():
                    for frame, true in list(zip(run(coded), clip, strict=True))[2::3]:
                        luma = psnr(np.rint(luma255(frame)), luma255(true), border=2)
                        scores[kind, name, crf].append(luma)
        for number, picture in enumerate(large[: given.scenes]):
            for crf in CRFS:
                coded = compressed(folder, still(picture, number), WAYS[0], given.codec, crf)
                for name, run in runs.items():
                    rates[name, crf].append(flicker(run(coded)))
    counts = Counter(kind for kind, _ in clips)
    for kind, count in counts.items():
        print_table(
            f"Y' PSNR in dB, x2, {given.codec}: {f'{count} made clips' if count > 1 else kind}",
            ["", *(f"crf {crf}" for crf in CRFS)],
            [[name, *(f"{np.mean(scores[kind, name, crf]):.2f}" for crf in CRFS)] for name in runs],
        )
    print_table(
        f"Flicker of {len(rates['bicubic', CRFS[0]])} still pictures, bicubic's being 1",
        ["", *(f"crf {crf}" for crf in CRFS)],
        [
            [
                name,
                *(
                    f"{np.mean(rates[name, crf]) / np.mean(rates['bicubic', crf]):.2f}"
                    for crf in CRFS
                ),
            ]
            for name in runs
        ],
    )


if __name__ == "__main__":
    main()
