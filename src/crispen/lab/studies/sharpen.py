"""The sharpening study: pixelated pictures, patches that overlap or not, bytes clipped or not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from crispen.evaluate.filters import unsharp
from crispen.evaluate.metrics import Array
from crispen.lab.degradations import Pixelate
from crispen.lab.networks import Network
from crispen.lab.studies.bench import Bench
from crispen.lab.studies.measuring import Answer, Bytes, Picture, degraded, figures
from crispen.lab.studies.outcome import (
    NAME,
    Column,
    Outcome,
    ResultPicture,
    ResultTable,
    Row,
)
from crispen.lab.studies.plates import CUT_PX, Cell, plate, same_place
from crispen.lab.studies.study import Study, Training
from crispen.lab.studies.tiles import averaged, exact, seam
from crispen.lab.validation import run_whole

SIZES = (0.5, 0.25)
_PATCH, _QUICK_PATCH = 100, 32
_STRIDES, _QUICK_STRIDES = (100, 50, 25, 10), (32, 16)
_SWEPT = 2
_FRAME = (640, 360)
_AMPLIFIED = 16
_KEY = "autoencoder-sharpen"


def raw_answer(network: Network, pixels: Bytes) -> Array:
    """``(h, w, 3)`` grey levels, neither clipped nor rounded."""
    with torch.inference_mode():
        return _levels(run_whole(network, _tensor(network, pixels)))


def clipped(levels: Array) -> Bytes:
    """Bytes as they should be made."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def wrapped(levels: Array) -> Bytes:
    """Bytes as they come out of a plain conversion, which keeps the last 8 bits.

    >>> wrapped(np.array([-3.0, 7.2, 258.0])).tolist()
    [253, 7, 2]
    """
    return np.rint(levels).astype(np.int64).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class _Swept:
    """One way to put a picture together.

    Attributes:
        name: In the table.
        stride: Where patches begin.
        patches: How many the network saw, for all pictures.
        seconds: Of CPU time for all pictures.
        answers: ``(h, w, 3)`` grey levels of each picture.
    """

    name: str
    stride: int
    patches: int
    seconds: float
    answers: tuple[Array, ...]


def _measure(bench: Bench) -> Outcome:
    network = bench.network(_KEY)
    # It has neither dropout nor normalisation: all that training mode changes is the clipping.
    network.train()
    patch = _QUICK_PATCH if bench.quick else _PATCH
    quality, wraps = _quality(bench, network)
    swept = [
        Picture(p.name, _middle(p.input, 2 * patch), _middle(p.target, 2 * patch))
        for p in degraded(bench.targets[:_SWEPT], [Pixelate(size=(0.5, 0.5))])
    ]
    ways = _sweep(bench, network, swept, patch)
    return Outcome([quality, _sweep_table(ways, swept, patch)], [wraps, _seams(ways, patch)])


def _quality(bench: Bench, network: Network) -> tuple[ResultTable, ResultPicture]:
    """Clipping on and off, beside the input and unsharp masking; and the worst place."""
    scores: dict[str, dict[str, list[float]]] = {}
    outside: dict[str, list[float]] = {}
    cells: list[list[Cell]] = []
    with bench.progress.task("pictures", len(SIZES) * len(bench.targets), "pictures") as task:
        for size in SIZES:
            key = f"{size:.0%}"
            shown = degraded(bench.targets, [Pixelate(size=(size, size))])
            worst: tuple[float, list[Cell]] = (-1.0, [])
            for picture in shown:
                levels = raw_answer(network, picture.input)
                answers = {
                    "pixelated": picture.input,
                    "unsharp masking": unsharp(picture.input),
                    "unclipped": wrapped(levels),
                    "clipped": clipped(levels),
                }
                psnrs = {
                    name: figures(Answer(rgb), picture.target, color="rgb")["psnr"]
                    for name, rgb in answers.items()
                }
                for name, value in psnrs.items():
                    scores.setdefault(name, {}).setdefault(key, []).append(value)
                outside.setdefault(key, []).append(_share_outside(levels))
                harm = psnrs["clipped"] - psnrs["unclipped"]
                if harm > worst[0]:
                    worst = (harm, _wrap_cells(picture, answers, psnrs))
                task.advance()
            cells.append(worst[1])
    rows: list[Row] = [
        {"name": _TITLES.get(name, name)} | {k: float(np.mean(v)) for k, v in by_size.items()}
        for name, by_size in scores.items()
    ]
    shares = ", ".join(f"{np.mean(v):.2%} at {key}" for key, v in outside.items())
    sets = "made by code" if bench.quick else " and ".join(bench.sets)
    table = ResultTable(
        "figures",
        "PSNR by what pixelation left of each side, dB",
        [NAME, *(Column(f"{s:.0%}", f"{s:.0%}", ".2f", "high") for s in SIZES)],
        rows,
        f"Means over {len(bench.targets)} pictures ({sets}), R'G'B' after conversion to bytes, no "
        f"border shaved. Values outside of 0 to 255 before that: {shares}.",
    )
    place = ResultPicture(
        "wrapped",
        "The place where bytes that wrapped around differ most from clipped ones, at "
        f"{' and '.join(f'{s:.0%}' for s in SIZES)}.",
        plate([line for line in cells if line]),
    )
    return table, place


_TITLES = {
    "unclipped": "autoencoder, unclipped bytes",
    "clipped": "autoencoder, clipped bytes",
}


def _wrap_cells(
    picture: Picture, answers: Mapping[str, Bytes], psnrs: Mapping[str, float]
) -> list[Cell]:
    named = [(name, f"{psnrs[name]:.2f} dB", rgb) for name, rgb in answers.items()]
    return same_place(picture.target, named, between=(2, 3))


def _share_outside(levels: Array) -> float:
    whole = np.rint(levels)
    return float(((whole < 0) | (whole > 255)).mean())


def _sweep(bench: Bench, network: Network, pictures: list[Picture], patch: int) -> list[_Swept]:
    ways: list[tuple[str, int, Callable[[Tensor], tuple[Tensor, int]]]] = [
        ("the whole picture at once", patch, lambda x: (network(x), 1)),
        (f"tiles of {patch} px with their halo", patch, lambda x: exact(network, x, patch)),
    ]
    for stride in _QUICK_STRIDES if bench.quick else _STRIDES:

        def overlapped(x: Tensor, stride: int = stride) -> tuple[Tensor, int]:
            return averaged(network, x, patch, stride)

        ways.append((f"patches of {patch} px, stride {stride}", stride, overlapped))
    found = []
    with (
        torch.inference_mode(),
        bench.progress.task("strides", len(ways) * len(pictures), "pictures") as task,
    ):
        for name, stride, run in ways:
            answers, patches = [], 0
            began = time.process_time()
            for picture in pictures:
                out, count = run(_tensor(network, picture.input))
                answers.append(_levels(out))
                patches += count
                task.advance()
            seconds = time.process_time() - began
            found.append(_Swept(name, stride, patches, seconds, tuple(answers)))
    return found


def _sweep_table(ways: list[_Swept], pictures: list[Picture], patch: int) -> ResultTable:
    whole = ways[0]
    megapixels = sum(p.input[..., 0].size for p in pictures) / 1e6
    frame = _FRAME[0] * _FRAME[1] / 1e6
    rows: list[Row] = []
    for way in ways:
        pairs = list(zip(way.answers, whole.answers, strict=True))
        psnrs = [
            figures(Answer(clipped(levels)), p.target, color="rgb")["psnr"]
            for levels, p in zip(way.answers, pictures, strict=True)
        ]
        rows.append(
            {
                "name": way.name,
                "patches": way.patches / len(pictures),
                "psnr": float(np.mean(psnrs)),
                "seam": float(np.mean([seam(a, b, way.stride) for a, b in pairs])),
                "most": max(float(np.abs(a - b).max()) for a, b in pairs),
                "seconds": way.seconds / megapixels,
                "frame": way.seconds / megapixels * frame,
            }
        )
    side = 2 * patch
    return ResultTable(
        "strides",
        "Patches put together",
        [
            NAME,
            Column("patches", "patches", ",.0f"),
            Column("psnr", "PSNR, dB", ".2f"),
            Column("seam", "jump at borders", ".3f", "low"),
            Column("most", "largest difference", ".3f", "low"),
            Column("seconds", "s a megapixel", ",.1f", "low"),
            Column("frame", f"s, {_FRAME[0]}×{_FRAME[1]}", ",.1f", "low"),
        ],
        rows,
        f"The middle {side}×{side} px of {len(pictures)} pictures, pixelated to 50 %. Jumps (the "
        "mean, where a patch begins) and differences are those from the whole picture at once, in "
        "grey levels. Seconds are CPU time of PyTorch in fp32; the last column is the one before, "
        "for a video frame.",
    )


def _seams(ways: list[_Swept], patch: int) -> ResultPicture:
    """The corner where four patches meet: answers, and what is wrong with them."""
    whole = ways[0].answers[0]
    top = patch - CUT_PX // 2 if patch > CUT_PX else 0
    cut = slice(top, top + CUT_PX)
    shown = [ways[1], *ways[2:]]
    names = ["tiles with halo", *(f"stride {way.stride}" for way in ways[2:])]
    answers: list[Cell] = []
    wrong: list[Cell] = []
    for name, way in zip(names, shown, strict=True):
        levels = way.answers[0]
        answers.append((name, "", clipped(levels)[cut, cut]))
        difference = 128 + _AMPLIFIED * (levels - whole)
        wrong.append((f"its error ×{_AMPLIFIED}", "", clipped(difference)[cut, cut]))
    return ResultPicture(
        "seams",
        "Where four patches meet. Above: the answers; below: what they differ by from the whole "
        f"picture at once, {_AMPLIFIED} times as strong, grey being none.",
        plate([answers, wrong]),
    )


def _middle(pixels: Bytes, side: int) -> Bytes:
    top, left = ((n - side) // 2 for n in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def _tensor(network: Network, pixels: Bytes) -> Tensor:
    device = next(network.parameters()).device
    planes = torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255.0)
    return planes.to(device).contiguous(memory_format=torch.channels_last)


def _levels(out: Tensor) -> Array:
    levels: Array = out[0].cpu().numpy().transpose(1, 2, 0).astype(np.float64) * 255.0
    return levels


SHARPEN = Study(
    name="sharpen",
    title="The sharpening study: seams between patches, and bytes that wrap around",
    question=(
        "How far does the sharpening autoencoder get with pixelated pictures, where do the seams "
        "and the black spots of the original come from, and what cures them?"
    ),
    trainings=(
        Training(
            _KEY,
            "autoencoder-sharpen",
            (
                "data.patch=48",
                "data.stride=24",
                "train.steps=450",
                "train.warmup=30",
                "train.learning_rate=1e-3",
                "train.clip=1.0",
                "train.validate_every=150",
                "validation.count=16",
            ),
        ),
    ),
    measure=_measure,
    quick=(
        'data={kind="toy", count=12, side=96, color="rgb", patch=16, batch=2, valid_share=0.2}',
        "train.steps=8",
        "train.warmup=2",
        "train.validate_every=8",
        "validation.count=2",
    ),
    data="../shared/data/train (photographs under open licences)",
    pictures=("Set5",),
    remarks=(
        "Spots: the network carries the picture itself, and beside an edge to white its answer "
        "goes a little above 1. A plain conversion to bytes keeps the last 8 bits, so 256 "
        "becomes 0: white turns black, or blue and cyan where only some channels go over. "
        "Clipping to [0, 1] before the conversion is the whole cure; every network here does it, "
        "in the exported file too.",
        "Seams: a patch is padded with zeros, so the outermost pixels of its answer, as many as "
        "its halo, are computed from a black frame. Overlapping and averaging only dilutes that: "
        "the jumps get smaller with the stride, never zero, and the work grows with its inverse "
        "square.",
        "The cure: the network is fully convolutional and has a halo of 10 pixels. Tiles that "
        "bring this halo along, and begin at even pixels because of the pooling, give the whole "
        "picture's answer to float rounding, for the work of their rims alone, which is the less "
        "the larger they are. `crispen enhance` does this with every network that has a finite "
        "halo.",
        "The original's figures, under 10 s an image and about 4 s a video frame, come without "
        "sizes and machine, so they cannot be compared, only placed: its stride was 25, and the "
        "last column is CPU time, on a busy machine, for a frame of a size that was usual. Tiles "
        "with their halo take a quarter of that.",
        "The original trained on 100×100 patches at a stride of 25, as the recipe does; the "
        "study makes do with 48×48 crops and a minute or two. A picture that kept half of each "
        "side is hard to beat for a network that must first learn to copy it past a pooling; one "
        "that only adds a correction to it (`sharpen-photo`) begins with the picture as it is.",
    ),
)
