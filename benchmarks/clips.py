"""Compressed clips, enlarged x2 by our models and by bicubic, at four compression strengths.

Clips are made from pictures that no model trained on: a window of 384x256 moves, zooms and shakes
over each for 12 frames. Each is shrunk to half by Pillow (area, bicubic and Lanczos in turn),
encoded by x264 or x265 at the given crf, decoded, and enlarged. Filmed clips are treated the same,
and stand in rows of their own: their pictures are softer. PSNR is on Y' with 2 border pixels
shaved, over every third frame.

video-x2 alone is blind; video-x2@told knows the crf; video-x2@seen gets the noise and compression
that `crispen.look` measures in the first frame.

    python benchmarks/clips.py [--data ../shared/data] [--codec h264] photo-fast-x2 video-x2@seen …
"""

from __future__ import annotations

import argparse
import functools
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from _table import print_table
from crispen.enhance.model import load
from crispen.evaluate.metrics import luma255, psnr
from crispen.lab.degradations.codecs import coded_clip
from crispen.look.looking import damage_of
from crispen.media.image import Image, read_image
from crispen.media.resample import resize
from crispen.models.dials import Dials, compression_dial, crf_step
from real import held_out

Bytes = NDArray[np.uint8]
FRAMES, WIDTH, HEIGHT = 12, 384, 256
CRFS = (18, 24, 30, 36)
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
    import av

    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)][:FRAMES]
    height, width = (n // 4 * 4 for n in frames[0].shape[:2])
    return [frame[:height, :width] for frame in frames]


def shrunk_to(frame: Bytes, width: int, height: int, how: Pil.Resampling) -> Bytes:
    """Resizes with Pillow, which antialiases."""
    return np.asarray(Pil.fromarray(frame).resize((width, height), how))


def compressed(clip: list[Bytes], how: Pil.Resampling, codec: str, crf: int) -> Bytes:
    """``(frames, height, width, 3)``: the clip at half its size, encoded and decoded."""
    height, width = (n // 2 for n in clip[0].shape[:2])
    return coded_clip(np.stack([shrunk_to(f, width, height, how) for f in clip]), codec, crf)


def contender(text: str) -> Callable[[list[Bytes], str, int], list[Bytes]]:
    """A model's result for the frames."""
    if text == "bicubic":
        return lambda frames, codec, crf: [
            resize(f, 2 * f.shape[0], 2 * f.shape[1]).astype(np.uint8) for f in frames
        ]
    name, _, how = text.partition("@")

    @functools.cache
    def model(dials: Dials | None) -> Callable[[Image], Image]:
        return load(name, dials=dials)

    def run(frames: list[Bytes], codec: str, crf: int) -> list[Bytes]:
        dials = None
        if how == "told":
            dials = Dials(0.0, compression_dial(crf_step(codec, crf)), 0.0)
        elif how == "seen":
            seen = damage_of(frames[0], lossy=True)
            dials = Dials(seen.noise, seen.compression, 0.0).rounded()
        enlarge = model(dials)
        return [enlarge(Image(frame)).as_rgb8() for frame in frames]

    return run


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--codec", choices=("h264", "hevc"), default="h264")
    parser.add_argument("--scenes", type=int, default=99)
    parser.add_argument("contenders", nargs="*", default=["photo-fast-x2", "video-x2@seen"])
    given = parser.parse_args()
    pictures = [read_image(p).as_rgb8() for p in held_out(given.data / "train")]
    large = [p for p in pictures if p.shape[0] > HEIGHT + 48 and p.shape[1] > WIDTH + 48]
    clips = [("made", scene(p, n)) for n, p in enumerate(large)][: given.scenes]
    clips += [(p.stem, filmed(p)) for p in sorted((given.data / "video").glob("*.mp4"))]
    runs = {name: contender(name) for name in ("bicubic", *given.contenders)}
    scores: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for number, (kind, clip) in enumerate(clips):
        for crf in CRFS:
            coded = compressed(clip, WAYS[number % len(WAYS)], given.codec, crf)
            seen = range(2, len(coded), 3)
            for name, run in runs.items():
                made = run([coded[i] for i in seen], given.codec, crf)
                for i, frame in zip(seen, made, strict=True):
                    luma = psnr(np.rint(luma255(frame)), luma255(clip[i]), border=2)
                    scores[kind, name, crf].append(luma)
    counts = Counter(kind for kind, _ in clips)
    for kind, count in counts.items():
        print_table(
            f"Y' PSNR in dB, x2, {given.codec}: {f'{count} made clips' if count > 1 else kind}",
            ["", *(f"crf {crf}" for crf in CRFS)],
            [[name, *(f"{np.mean(scores[kind, name, crf]):.2f}" for crf in CRFS)] for name in runs],
        )


if __name__ == "__main__":
    main()
