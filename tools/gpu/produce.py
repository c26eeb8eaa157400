"""Makes pairs of degraded and clean tiles on all CPU cores, while the GPU learns from them.

Each worker writes files of tiles: ``lr`` (N, side, side, 3) and ``hr`` (N, s·side, s·side, 3) in
whole levels, and ``dials`` (N, 3), the true noise, compression and blur of each. The network gets
less than the truth; that is decided when a tile is drawn (`gpu.pool`).
"""

from __future__ import annotations

import os
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from crispen.lab.data.bilevel import make_bilevel
from crispen.lab.data.drawn import page
from crispen.lab.data.mixing import with_patterns, with_soft
from crispen.lab.degradations import Life, Pipeline
from crispen.lab.degradations.resampling import resample

Bytes = NDArray[np.uint8]
SIDES = {1: 96, 2: 96, 4: 64}
"""Side of the tiles at each scale."""
CHUNK = 32
# Shares of tiles: drawn pages, patterns, black and white, soft, and photographs shrunk first.
_PAGES, _PATTERNS, _BILEVEL, _SOFT, _SMALLER = 0.05, 0.025, 0.01, 0.12, 0.25


class Maker:
    """Draws tiles of one scale.

    Args:
        pictures: ``(H, W, 3)`` each.
        scale: 1, 2 or 4.
        video: Whether PyAV is available to encode frames.
        seed: Seed of all randomness.
    """

    def __init__(self, pictures: list[Bytes], scale: int, video: bool, seed: int) -> None:
        side = SIDES[scale]
        life = Life(unknown=0, jitter=0, groups=8)
        if not video:
            life = life.model_copy(update={"video": 0.0})
        self.scale, self.side = scale, side
        self.pipeline = Pipeline((life,), scale=scale, patch=side)
        self.crop = self.pipeline.crop
        self.pictures = [p for p in pictures if min(p.shape[:2]) >= self.crop]
        area = np.array([p.shape[0] * p.shape[1] for p in self.pictures], float)
        self.shares = area / area.sum()
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)

    def tiles(self, count: int = CHUNK) -> dict[str, NDArray[np.generic]]:
        """See the module."""
        crops = np.stack([self._crop() for _ in range(count)])
        x = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
        x = with_soft(x, _SOFT, self.generator)
        x = make_bilevel(x, _BILEVEL, "rgb", self.generator)
        pair = with_patterns(self.pipeline(x, self.generator), _PATTERNS, self.generator)
        assert pair.dials is not None
        dials = pair.dials[:, ::2]
        return {"lr": _whole(pair.input), "hr": _whole(pair.target), "dials": dials.numpy()}

    def _crop(self) -> Bytes:
        rng, side = self.rng, self.crop
        if rng.random() < _PAGES:
            return page(rng, side)
        picture = self.pictures[int(rng.choice(len(self.pictures), p=self.shares))]
        room = min(picture.shape[:2]) / side
        part = rng.uniform(1, min(room, 1.8)) if rng.random() < _SMALLER else 1.0
        taken = min(int(side * part), *picture.shape[:2])
        top, left = (int(rng.integers(0, n - taken + 1)) for n in picture.shape[:2])
        crop = picture[top : top + taken, left : left + taken]
        if taken == side:
            return crop
        x = torch.from_numpy(crop.copy()).permute(2, 0, 1)[None].float() / 255
        return _whole(resample(x, side, side, "lanczos").clamp(0, 1))[0]


def _whole(x: torch.Tensor) -> Bytes:
    return (x * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def decode(folder: Path) -> list[Bytes]:
    """All pictures of a folder."""
    from PIL import Image

    files = [f for f in sorted(folder.iterdir()) if f.suffix == ".avif"]
    return [np.array(Image.open(f).convert("RGB")) for f in files]


def _work(
    pictures: list[Bytes], out: Path, shares: dict[int, float], caps: dict[int, int], worker: int
) -> None:
    torch.set_num_threads(1)
    try:
        import av  # noqa: F401

        video = True
    except ImportError:
        video = False
    seed = int(time.time()) % 100_000 * 100 + worker
    makers = {s: Maker(pictures, s, video, seed * 10 + s) for s in shares}
    rng = np.random.default_rng(seed)
    number = 0
    while shares:
        scales = list(shares)
        odds = np.array([shares[s] for s in scales])
        scale = int(rng.choice(scales, p=odds / odds.sum()))
        if number % 8 == 0 and len(list((out / f"x{scale}").iterdir())) * CHUNK >= caps[scale]:
            del shares[scale]
            continue
        name = out / f"x{scale}" / f"{seed}-{number:06}"
        np.savez(name.with_suffix(".part.npz"), **makers[scale].tiles())
        os.replace(name.with_suffix(".part.npz"), name.with_suffix(".npz"))
        number += 1


def produce(
    folder: Path, out: Path, workers: int, shares: dict[int, float], caps: dict[int, int]
) -> None:
    """Runs until there are enough tiles of each scale.

    Args:
        folder: Folder of the pictures.
        out: Output folder for ``x1``, ``x2`` and ``x4``.
        workers: Number of processes.
        shares: How often each scale is drawn.
        caps: Number of tiles needed at each scale.
    """
    for scale in shares:
        (out / f"x{scale}").mkdir(parents=True, exist_ok=True)
    pictures = decode(folder)
    context = get_context("fork")
    started = [
        context.Process(target=_work, args=(pictures, out, dict(shares), caps, n))
        for n in range(workers)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
