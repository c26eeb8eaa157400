"""What a video network gains from the frames around one: none, stacked, moved, or its last result.

All start as ``video-x2``, with weights of zero for what they see besides the frame (or, "averaged",
with equal shares of the frame's own), and train alike on clips of `clips.py` made from training
pictures. "Moved" frames are warped onto the frame by optical flow (OpenCV's DIS). Y' PSNR in dB on
held-out made clips and filmed ones: of the first over bicubic, of the others over the first.

    python benchmarks/neighbours.py [--steps 3000] [--clips 500] [--data ../shared/data] [WAY …]
    python benchmarks/neighbours.py --smoke            # seconds: whether it runs
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from _table import print_table
from clips import CRFS, HEIGHT, WAYS, WIDTH, Bytes, Coded, compressed, filmed, scene
from crispen.evaluate.metrics import luma255, psnr
from crispen.lab.data.folder import files_in
from crispen.lab.networks.plain import Plain
from crispen.lab.start import start_from
from crispen.media.image import read_image
from crispen.models.dials import Dials, compression_dial, crf_step
from real import held_out

Floats = NDArray[np.float32]
PATCH, BATCH, RATE = 48, 12, 5e-4
# The frames that are looked at: each has two before it and one after it.
SHOWN = (2, 5, 8)


@dataclass
class Sample:
    """A frame at half size with its neighbours; all in [0, 1].

    Attributes:
        lumas: ``(4, h, w)``: two before it, one before it, itself, and one after it.
        flows: ``(3, 2, h, w)``: from it to the one before and to the one after, and from the one
            before it to the one before that; in pixels, x first.
        dials: ``(6,)``.
        large: ``(2h, 2w)``: what it was.
    """

    lumas: Tensor
    flows: Tensor
    dials: Tensor
    large: Tensor


def samples(coded: Coded, clip: list[Bytes], at: tuple[int, ...]) -> Iterator[Sample]:
    """The frames `at` of a clip."""
    lumas = [np.asarray(luma255(frame), np.float32) for frame in coded.frames]
    dials = Dials(0.0, compression_dial(crf_step(coded.codec, coded.crf)), 0.0)
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def flow(source: int, target: int) -> Floats:
        first, second = (np.rint(lumas[i]).astype(np.uint8) for i in (source, target))
        return np.asarray(search.calc(first, second, None), np.float32).transpose(2, 0, 1)

    for i in at:
        yield Sample(
            torch.from_numpy(np.stack(lumas[i - 2 : i + 2]) / 255),
            torch.from_numpy(np.stack([flow(i, i - 1), flow(i, i + 1), flow(i - 1, i - 2)])),
            torch.tensor(dials.inputs()),
            torch.from_numpy(np.asarray(luma255(clip[i]), np.float32) / 255),
        )


def moved(x: Tensor, flow: Tensor) -> Tensor:
    """``(N, C, H, W)`` fetched from where `flow` ``(N, 2, H, W)`` points."""
    height, width = x.shape[-2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    across = (columns + flow[:, 0] + 0.5) * 2 / width - 1
    down = (rows + flow[:, 1] + 0.5) * 2 / height - 1
    grid = torch.stack([across, down], dim=-1)
    return F.grid_sample(x, grid, mode="bicubic", padding_mode="border", align_corners=False)


def doubled(flow: Tensor) -> Tensor:
    """The flow of pictures of twice the size."""
    return 2 * F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=False)


class Seer(nn.Module):
    """video-x2, with more planes before its first layer.

    Args:
        more: How many.
        look: ``(own network, lumas, flows, dials)`` to these planes.
        averaged: Begin with the mean of all planes in place of the frame.
    """

    def __init__(self, more: int, look: Callable[..., Tensor], averaged: bool = False) -> None:
        super().__init__()
        self.net = Plain(2, 1, 16, 10, "clipped-relu", dials=True)
        start_from(self.net, "video-x2")
        old = self.net.head
        head = nn.Conv2d(1 + more, 16, 3, padding=1)
        with torch.no_grad():
            head.weight.zero_()
            head.weight[:, :1] = old.weight
            if averaged:
                head.weight.copy_(old.weight.expand_as(head.weight) / (1 + more))
            head.bias.copy_(old.bias)
        self.net.head = head
        self.look = look

    def frame(self, x: Tensor, more: Tensor, dials: Tensor) -> Tensor:
        """The frame ``(N, 1, h, w)`` enlarged, not clipped."""
        residual = self.net.residual(torch.cat([x, more], dim=1), dials)
        return self.net.compose(x, residual)

    def forward(self, lumas: Tensor, flows: Tensor, dials: Tensor) -> Tensor:
        """``(N, 1, 2h, 2w)``."""
        return self.frame(lumas[:, 2:3], self.look(self, lumas, flows, dials), dials)


def nothing(_: Seer, lumas: Tensor, flows: Tensor, dials: Tensor) -> Tensor:
    """No other frame."""
    return lumas[:, :0]


def stacked(_: Seer, lumas: Tensor, flows: Tensor, dials: Tensor) -> Tensor:
    """The frames before and after."""
    return torch.cat([lumas[:, 1:2], lumas[:, 3:4]], dim=1)


def stacked_moved(_: Seer, lumas: Tensor, flows: Tensor, dials: Tensor) -> Tensor:
    """The frames before and after, moved."""
    before = moved(lumas[:, 1:2], flows[:, 0])
    return torch.cat([before, moved(lumas[:, 3:4], flows[:, 1])], dim=1)


@torch.no_grad()
def fed_back(own: Seer, lumas: Tensor, flows: Tensor, dials: Tensor) -> Tensor:
    """The last result, moved; the first of the clip sees an interpolated frame."""
    first = F.interpolate(lumas[:, :1], scale_factor=2, mode="bicubic", align_corners=False)
    past = own.frame(lumas[:, :1], F.pixel_unshuffle(first, 2), dials)
    past = F.pixel_unshuffle(moved(past, doubled(flows[:, 2])), 2)
    last = own.frame(lumas[:, 1:2], past, dials)
    return F.pixel_unshuffle(moved(last, doubled(flows[:, 0])), 2)


WAYS_TO_SEE: dict[str, tuple[int, Callable[..., Tensor], bool]] = {
    "one frame": (0, nothing, False),
    "three, stacked": (2, stacked, False),
    "three, moved": (2, stacked_moved, False),
    "three, moved, averaged": (2, stacked_moved, True),
    "last result, moved": (4, fed_back, False),
}


def batch(data: list[Sample], rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Random crops, turned at random; flows are turned with them."""
    picked = []
    for _ in range(BATCH):
        one = data[rng.integers(len(data))]
        height, width = one.lumas.shape[-2:]
        top, left = rng.integers(height - PATCH + 1), rng.integers(width - PATCH + 1)
        rows, columns = slice(top, top + PATCH), slice(left, left + PATCH)
        large = one.large[2 * top : 2 * (top + PATCH), 2 * left : 2 * (left + PATCH)]
        parts = [one.lumas[:, rows, columns], one.flows[:, :, rows, columns], large]
        flips = rng.integers(2, size=3)
        if flips[0]:
            parts = [part.transpose(-1, -2) for part in parts]
            parts[1] = parts[1].flip(1)
        for axis, flip in zip((-1, -2), flips[1:], strict=True):
            if flip:
                parts = [part.flip(axis) for part in parts]
                sign = torch.tensor([-1.0, 1.0] if axis == -1 else [1.0, -1.0])
                parts[1] = parts[1] * sign[:, None, None]
        picked.append((parts[0], parts[1], one.dials, parts[2][None]))
    return tuple(torch.stack(part) for part in zip(*picked, strict=True))


def train(network: Seer, data: list[Sample], steps: int) -> float:
    """Returns seconds a step."""
    rng = np.random.default_rng(1)
    optimizer = torch.optim.Adam(network.parameters(), RATE, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    network.train()
    start = time.perf_counter()
    for _ in range(steps):
        lumas, flows, dials, large = batch(data, rng)
        # Borders do not know what lies beyond the crop.
        error = (network(lumas, flows, dials) - large)[..., 16:-16, 16:-16]
        optimizer.zero_grad()
        error.abs().mean().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return (time.perf_counter() - start) / steps


@torch.no_grad()
def score(
    network: Seer, tests: list[tuple[str, int, Sample, float]]
) -> dict[tuple[str, int], float]:
    """Mean dB over bicubic for each kind of clip and crf."""
    network.eval()
    gains = defaultdict(list)
    for kind, crf, one, bicubic in tests:
        out = network(one.lumas[None], one.flows[None], one.dials[None])[0, 0].clamp(0, 1)
        gains[kind, crf].append(luma_psnr(out, one) - bicubic)
    return {key: float(np.mean(values)) for key, values in gains.items()}


def luma_psnr(out: Tensor, one: Sample) -> float:
    """As `clips.py` measures."""
    return psnr(np.rint(out.numpy() * 255), one.large.numpy() * 255, border=2)


def made(path: Path, number: int, soft: float, rng: np.random.Generator) -> list[Bytes] | None:
    """A clip of a picture, with a probability of `soft` a blurred one; None if it is too small."""
    pixels = read_image(path).as_rgb8()
    height, width = pixels.shape[:2]
    if height <= HEIGHT + 48 or width <= WIDTH + 48:
        return None
    if rng.random() < soft:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 1.5)), np.uint8)
    return scene(pixels, number)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("ways", nargs="*", default=[*WAYS_TO_SEE])
    given = parser.parse_args()
    if given.smoke:
        given.steps, given.clips = 2, 2
    torch.set_num_threads(1)
    torch.manual_seed(0)
    plain = Plain(2, 1)
    unseen = held_out(given.data / "train")
    seen = [path for path in files_in(given.data / "train") if path not in unseen]
    rng = np.random.default_rng(0)
    data: list[Sample] = []
    tests: list[tuple[str, int, Sample, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        while len(data) < len(SHOWN) * given.clips:
            clip = made(seen[rng.integers(len(seen))], len(data), soft=1 / 3, rng=rng)
            if clip is not None:
                codec, crf = "hevc" if rng.random() < 0.3 else "h264", int(rng.integers(16, 41))
                coded = compressed(folder, clip, WAYS[rng.integers(3)], codec, crf)
                data += samples(coded, clip, SHOWN)
        large = [made(p, n, soft=0, rng=rng) for n, p in enumerate(unseen)]
        shown = [("made", c) for c in large if c is not None][: 1 if given.smoke else 12]
        films = sorted((given.data / "video").glob("*.mp4"))
        shown += [] if given.smoke else [(p.stem, filmed(p)) for p in films]
        for number, (kind, clip) in enumerate(shown):
            for crf in CRFS:
                coded = compressed(folder, clip, WAYS[number % 3], "h264", crf)
                for one in samples(coded, clip, SHOWN):
                    frame = one.lumas[None, 2:3]
                    # PyTorch's own bicubic is another one, and 1 dB worse on soft footage.
                    bicubic = plain.compose(frame, frame.new_zeros(1, 4, *frame.shape[2:]))
                    tests.append((kind, crf, one, luma_psnr(bicubic[0, 0].clamp(0, 1), one)))
    print(f"{len(data)} frames to learn from, {len(tests)} to measure", flush=True)
    kinds = list(dict.fromkeys(kind for kind, *_ in tests))
    rows: list[list[str]] = []
    first = np.zeros(len(CRFS))
    for name in given.ways:
        network = Seer(*WAYS_TO_SEE[name])
        seconds = train(network, data, given.steps)
        gains = score(network, tests)
        means = np.array([np.mean([gains[kind, crf] for kind in kinds]) for crf in CRFS])
        first = first if rows else means
        rows.append([name, *(f"{mean:+.2f}" for mean in (means - first if rows else means))])
        print(
            name, f"{seconds:.2f} s a step", {k: round(v, 2) for k, v in gains.items()}, flush=True
        )
    print_table(
        f"Y' PSNR in dB over bicubic, then over one frame; mean over {', '.join(kinds)}",
        ["", *(f"crf {crf}" for crf in CRFS)],
        rows,
    )


if __name__ == "__main__":
    main()
