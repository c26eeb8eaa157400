"""Real damage in four grades: our models, bicubic, Lanczos and others' networks.

Pictures that `real-x2` never trained on (its recipe's own split of the open pack), centre-cropped
to 384x384, are degraded by Pillow and NumPy, not by the training code:

1. MATLAB's bicubic to 1/2, JPEG 75
2. a slanted blur of 1.0 and 0.7 px, area to 1/2, noise of 6 levels, JPEG 60
3. a blur of 1.6 px, bicubic to 1/4, noise of 8 levels that grows with brightness, JPEG 40
4. bilinear to 1/2, JPEG 50, Lanczos to 1/4, JPEG 70

PSNR is on Y' with a border of `scale` pixels shaved; LPIPS (AlexNet) and DISTS are on R'G'B', and
lower is better. Their weights are those in ``../shared/data/perceptual`` unless ``$CRISPEN_LPIPS``
and ``$CRISPEN_DISTS`` name others.

`default` is what `crispen enhance` does, and `default@vivid=0.5` what it does with ``--vivid 0.5``.
Others' networks are ONNX files with three channels in [0, 1]: NAME=FILE.onnx, with :border=7 if
their convolutions do not pad. A chain is written with +, as in real-x2+photo-x2; bicubic does any
remaining enlarging. real-x2 alone is blind, real-x2@told gets the true dials; real-x{scale} is
real-x2 or real-x4, as the grade needs.

    python benchmarks/real.py [--data ../shared/data] [--save FOLDER] default real-x{scale}@told …
"""

from __future__ import annotations

import argparse
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from _table import print_table
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.model import load
from crispen.enhance.request import Request
from crispen.evaluate.dists import dists
from crispen.evaluate.lpips import lpips
from crispen.evaluate.metrics import luma255, psnr
from crispen.lab.data.folder import files_in
from crispen.lab.data.splitting import draw
from crispen.lab.recipe import load_recipe
from crispen.media.image import Image, read_image
from crispen.media.resample import resize
from crispen.models.dials import Dials, compression_dial, jpeg_step, noise_dial

Bytes = NDArray[np.uint8]
SIDE = 384
SCALES = (2, 2, 4, 4)
# The dials that a perfect estimator would find for each grade.
TOLD = (
    Dials(0.0, compression_dial(jpeg_step(75)), 0.0),
    Dials(noise_dial(6), compression_dial(jpeg_step(60)), 0.26),
    Dials(noise_dial(8), compression_dial(jpeg_step(40)), 0.2),
    Dials(0.0, compression_dial((jpeg_step(70) ** 2 + (jpeg_step(50) / 2) ** 2) ** 0.5), 0.1),
)


def held_out(folder: Path) -> list[Path]:
    """The pictures held out by the recipe of real-x2."""
    files = files_in(folder)
    data = load_recipe("real-x2").data
    split = draw(range(len(files)), share=data.valid_share, seed=data.split_seed)
    return [files[i] for i in split.valid]


def middle(path: Path) -> Bytes | None:
    """The picture's centre crop; None if the picture is smaller."""
    pixels = read_image(path).as_rgb8()
    height, width = pixels.shape[:2]
    if min(height, width) < SIDE:
        return None
    top, left = (height - SIDE) // 2, (width - SIDE) // 2
    return pixels[top : top + SIDE, left : left + SIDE]


def jpeg(pixels: Bytes, quality: int) -> Bytes:
    """Encodes and decodes with libjpeg, 4:2:0."""
    file = io.BytesIO()
    Pil.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Pil.open(file).convert("RGB"))


def shrunk(pixels: Bytes, factor: int, how: Pil.Resampling) -> Bytes:
    """Resizes with Pillow, which antialiases."""
    height, width = (side // factor for side in pixels.shape[:2])
    return np.asarray(Pil.fromarray(pixels).resize((width, height), how))


def blurred(pixels: Bytes, long: float, short: float, angle: float) -> Bytes:
    """Blurs by a slanted Gaussian."""
    radius = int(np.ceil(3 * long))
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    kernel = np.exp(-0.5 * ((along / long) ** 2 + (across / short) ** 2))
    wide = np.pad(pixels.astype(float), ((radius, radius), (radius, radius), (0, 0)), "edge")
    windows = np.lib.stride_tricks.sliding_window_view(wide, kernel.shape, axis=(0, 1))
    return whole(np.einsum("hwckl,kl->hwc", windows, kernel / kernel.sum()))


def whole(levels: NDArray[np.floating]) -> Bytes:
    """Rounded and clipped."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def damaged(pixels: Bytes, grade: int, seed: int) -> Bytes:
    """The degraded picture, as a user would have it."""
    rng = np.random.default_rng((11, grade, seed))
    how = Pil.Resampling
    match grade:
        case 1:
            return jpeg(resize(pixels, SIDE // 2, SIDE // 2), 75)
        case 2:
            small = shrunk(blurred(pixels, 1.0, 0.7, rng.uniform(0, np.pi)), 2, how.BOX)
            return jpeg(whole(small + rng.normal(0, 6, small.shape)), 60)
        case 3:
            small = shrunk(blurred(pixels, 1.6, 1.6, 0), 4, how.BICUBIC)
            strength = 8 * np.sqrt(0.3 + 0.7 * small / 127.5)
            return jpeg(whole(small + strength * rng.normal(0, 1, small.shape)), 40)
        case _:
            half = jpeg(shrunk(pixels, 2, how.BILINEAR), 50)
            return jpeg(shrunk(half, 2, how.LANCZOS), 70)


def ours(text: str) -> Callable[[Bytes, int], Bytes]:
    """Crispen models in sequence."""

    @functools.cache
    def model(step: str, grade: int) -> Callable[[Image], Image]:
        name, _, how = step.partition("@")
        return load(name, dials=TOLD[grade - 1] if how == "told" else None)

    def run(pixels: Bytes, grade: int) -> Bytes:
        image = Image(pixels)
        for step in text.format(scale=SCALES[grade - 1]).split("+"):
            if image.height < SIDE:
                image = model(step, grade)(image)
        return image.as_rgb8()

    return run


def as_it_comes(**asked: float) -> Callable[[Bytes, int], Bytes]:
    """What ``crispen enhance`` does with a request."""

    def run(pixels: Bytes, grade: int) -> Bytes:
        request = Request.of(scale=float(SCALES[grade - 1]), **asked)
        with Enhancer(request=request) as enhancer:
            return enhancer.enhance(Image(pixels)).as_rgb8()

    return run


def theirs(text: str) -> Callable[[Bytes, int], Bytes]:
    """A third-party ONNX file, run until the picture is large enough."""
    import openvino as ov

    path, _, border = text.partition(":border=")
    edge = int(border or 0)
    model = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(pixels: Bytes, grade: int) -> Bytes:
        while pixels.shape[0] < SIDE:
            x = np.pad(pixels, ((edge, edge), (edge, edge), (0, 0)), "edge")
            x = x.transpose(2, 0, 1)[None].astype(np.float32) / 255
            (out,) = model(x).values()
            pixels = whole(out[0].transpose(1, 2, 0) * 255.0)
        return pixels

    return run


def fitted(pixels: Bytes) -> Bytes:
    """Enlarged bicubically, or shrunk, to the size of the truth."""
    return pixels if pixels.shape[0] == SIDE else resize(pixels, SIDE, SIDE)


def contender(text: str) -> tuple[str, Callable[[Bytes, int], Bytes]]:
    """A name, and its result for a degraded picture."""
    if "=" in text and ".onnx" in text:
        name, _, file = text.partition("=")
        return name, theirs(file)
    if text.partition("@")[0] == "default":
        key, _, value = text.partition("@")[2].partition("=")
        return text, as_it_comes(**{key: float(value)} if key else {})
    if text == "bicubic":
        return text, lambda pixels, grade: pixels
    if text == "lanczos":
        how = Pil.Resampling.LANCZOS
        return text, lambda pixels, grade: np.asarray(
            Pil.fromarray(pixels).resize((SIDE, SIDE), how)
        )
    return text, ours(text)


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--save", type=Path, help="folder for the results as PNG")
    parser.add_argument("--psnr", action="store_true", help="PSNR alone, which is faster")
    parser.add_argument("contenders", nargs="*", default=["lanczos", "photo-x2+photo-x2"])
    given = parser.parse_args()
    weights = given.data / "perceptual"
    os.environ.setdefault("CRISPEN_LPIPS", str(weights / "alexnet-lpips.safetensors"))
    os.environ.setdefault("CRISPEN_DISTS", str(weights))
    pictures = [p for p in map(middle, held_out(given.data / "train")) if p is not None]
    rows = []
    for name, run in map(contender, given.contenders):
        cells = [name]
        for grade, scale in enumerate(SCALES, 1):
            scores = []
            for i, truth in enumerate(pictures):
                made = fitted(run(damaged(truth, grade, i), grade))
                seen = () if given.psnr else (lpips(made, truth), dists(made, truth))
                luma = psnr(np.rint(luma255(made)), luma255(truth), border=scale)
                scores.append([luma, *(np.nan if x is None else x for x in seen)])
                if given.save:
                    given.save.mkdir(parents=True, exist_ok=True)
                    tag = name.replace("/", "_")
                    Pil.fromarray(made).save(given.save / f"{grade}-{i:02}-{tag}.png")
            luma, *distances = np.mean(scores, axis=0)
            cells.append(" / ".join([f"{luma:.2f}", *(f"{x:.3f}" for x in distances)]))
        print(*cells, flush=True)
        rows.append(cells)
    print_table(
        f"Y' PSNR in dB{'' if given.psnr else ' / LPIPS / DISTS'}, {len(pictures)} pictures",
        ["", *(f"grade {g} (x{s})" for g, s in enumerate(SCALES, 1))],
        rows,
    )


if __name__ == "__main__":
    main()
