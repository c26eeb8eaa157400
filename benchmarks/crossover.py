"""The amount of damage above which repairing a picture beats plain enlarging.

Set14, and centre crops of the pictures that `real-x2` never trained on, are degraded in one way at
a time, at half their size, and enlarged again: by bicubic, by the network for clean pictures
(``--as-is``), by the restoration network with the dials that `crispen.look` measures, and by the
default, which chooses. Each row shows the average measured noise, compression and blur, as dials.
The last columns count the pictures where repairing beats enlarging, and those where the default is
worse than bicubic by more than 0.05 dB.

    python benchmarks/crossover.py [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from _table import print_table
from crispen.enhance.choice import dials_for, is_damaged
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.request import Request
from crispen.evaluate.metrics import luma255, psnr
from crispen.look.looking import damage_of
from crispen.media.image import Image, read_image
from crispen.media.resample import resize
from crispen.models.dials import jpeg_step
from real import blurred, held_out, jpeg, middle, shrunk, whole

Bytes = NDArray[np.uint8]
Damage = Callable[[Bytes], Bytes]


def half(pixels: Bytes) -> Bytes:
    """Shrinks by MATLAB's bicubic."""
    return resize(pixels, pixels.shape[0] // 2, pixels.shape[1] // 2)


def noisy(pixels: Bytes, sigma: float) -> Bytes:
    """Adds white noise, the same for the same picture."""
    rng = np.random.default_rng((7, pixels.shape[0], pixels.shape[1]))
    return whole(pixels + rng.normal(0, sigma, pixels.shape))


def webp(pixels: Bytes, quality: int) -> Bytes:
    """Encodes and decodes with libwebp."""
    file = io.BytesIO()
    Pil.fromarray(pixels).save(file, "WEBP", quality=quality)
    return np.asarray(Pil.open(file).convert("RGB"))


QUALITIES = (98, 95, 92, 90, 85, 75, 60, 40)
DAMAGES: dict[str, Damage] = {
    "none": half,
    "none, by area": lambda p: shrunk(p, 2, Pil.Resampling.BOX),
    "none, by Lanczos": lambda p: shrunk(p, 2, Pil.Resampling.LANCZOS),
    **{f"JPEG {q}": lambda p, q=q: jpeg(half(p), q) for q in QUALITIES},  # type: ignore[misc]
    **{f"WebP {q}": lambda p, q=q: webp(half(p), q) for q in (90, 75)},  # type: ignore[misc]
    **{f"noise {s}": lambda p, s=s: noisy(half(p), s) for s in (1, 2, 3, 5, 10)},  # type: ignore[misc]
    **{f"blur {s}": lambda p, s=s: half(blurred(p, 2 * s, 2 * s, 0)) for s in (0.3, 0.5, 0.8)},  # type: ignore[misc]
}


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("damages", nargs="*", help="only these")
    given = parser.parse_args()
    found = [read_image(f).as_rgb8() for f in sorted((given.data / "valid/Set14/HR").iterdir())]
    found += [p for p in map(middle, held_out(given.data / "train")) if p is not None]
    truths = [p[: p.shape[0] // 2 * 2, : p.shape[1] // 2 * 2] for p in found]
    clean = Enhancer("photo-x2")
    rows = []
    for name, damage in DAMAGES.items():
        if given.damages and name not in given.damages:
            continue
        step = jpeg_step(int(name[5:])) if name.startswith("JPEG") else None
        scores, dials = [], []
        for truth in truths:
            small = damage(truth)
            seen = damage_of(small, step, lossy=name.startswith("WebP"))
            with Enhancer("real-x2", dials=dials_for(Request(), seen).rounded()) as repair:
                repaired = repair.enhance(Image(small)).as_rgb8()
            enlarged = clean.enhance(Image(small)).as_rgb8()
            made = (
                resize(small, *truth.shape[:2]),
                enlarged,
                repaired,
                repaired if is_damaged(seen) else enlarged,
            )
            scores.append([psnr(np.rint(luma255(m)), luma255(truth), border=2) for m in made])
            dials.append([v or 0.0 for v in seen.values])
        table = np.array(scores)
        means = " ".join(f"{v:.2f}" for v in np.mean(dials, axis=0))
        better = int((table[:, 2] > table[:, 1]).sum())
        worse = int((table[:, 3] < table[:, 0] - 0.05).sum())
        rows.append(
            [name, means, *(f"{v:.2f}" for v in table.mean(axis=0)), f"{better}", f"{worse}"]
        )
    heads = ["damage", "measured", "bicubic", "photo-x2", "real-x2", "default"]
    print_table(
        f"Y' PSNR in dB on {len(truths)} pictures, x2",
        [*heads, "real better", "worse than bicubic"],
        rows,
    )


if __name__ == "__main__":
    main()
