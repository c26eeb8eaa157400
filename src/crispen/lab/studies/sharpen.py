"""The sharpening study: seams between patches, and integer overflow of unclipped outputs."""

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
    """The network's output in levels of 255, ``(h, w, 3)`` float64, neither clipped nor rounded.

    Args:
        network: A network of scale 1, in training mode: otherwise it clips its output.
        pixels: Input, ``(h, w, 3)`` R'G'B'.
    """
    with torch.inference_mode():
        return _levels(run_whole(network, _tensor(network, pixels)))


def clipped(levels: Array) -> Bytes:
    """Levels rounded and clipped to 8 bits."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def wrapped(levels: Array) -> Bytes:
    """Levels rounded and cast to 8 bits without clipping, which keeps them modulo 256.

    >>> wrapped(np.array([-3.0, 7.2, 258.0])).tolist()
    [253, 7, 2]
    """
    return np.rint(levels).astype(np.int64).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class _Swept:
    """A way to run the network on pictures in pieces, and its results.

    Attributes:
        name: Name in the table.
        stride: Distance in pixels from one patch to the next.
        patches: Number of patches or tiles, over all pictures.
        seconds: CPU time in seconds, over all pictures.
        answers: Output of each picture in levels of 255, ``(h, w, 3)``.
    """

    name: str
    stride: int
    patches: int
    seconds: float
    answers: tuple[Array, ...]


def _measure(bench: Bench) -> Outcome:
    network = bench.network(_KEY)
    # The network has no dropout or normalisation: training mode only disables the clipping.
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
    """PSNR of input, unsharp masking and unclipped and clipped outputs, and the worst crop."""
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
    sets = "generated" if bench.quick else " and ".join(bench.sets)
    table = ResultTable(
        "figures",
        "PSNR in dB by pixelation: resolution kept along each side",
        [NAME, *(Column(f"{s:.0%}", f"{s:.0%}", ".2f", "high") for s in SIZES)],
        rows,
        f"Means over {len(bench.targets)} pictures ({sets}), measured on R'G'B' after conversion "
        "to 8 bits, with no border shaved. Share of values outside [0, 255] before conversion: "
        f"{shares}.",
    )
    place = ResultPicture(
        "wrapped",
        "The crop where wrapped-around and clipped outputs differ most, at "
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
        "Outputs assembled from patches",
        [
            NAME,
            Column("patches", "patches", ",.0f"),
            Column("psnr", "PSNR, dB", ".2f"),
            Column("seam", "step at patch borders", ".3f", "low"),
            Column("most", "largest difference", ".3f", "low"),
            Column("seconds", "s per megapixel", ",.1f", "low"),
            Column("frame", f"s per {_FRAME[0]}×{_FRAME[1]} frame", ",.1f", "low"),
        ],
        rows,
        f"The central {side}×{side} px of {len(pictures)} pictures, pixelated to 50 %. The step is "
        "the mean change of the error across the borders of patches, and the error and the largest "
        "difference are relative to the output for the whole picture, in levels of 255. Seconds "
        "are CPU time of PyTorch in fp32; the last column scales them to a video frame.",
    )


def _seams(ways: list[_Swept], patch: int) -> ResultPicture:
    """The corner where four patches meet: outputs, and their errors."""
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
        "The corner where four patches meet. Above: the outputs; below: their difference from the "
        f"output for the whole picture, amplified {_AMPLIFIED} times (mid-grey is no difference).",
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
    title="The sharpening study: patch seams and integer overflow",
    question=(
        "How well does the sharpening autoencoder restore pixelated pictures, what causes the "
        "seams and the black spots in the original study, and how are they avoided?"
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
        "Spots: the network predicts the whole picture, and next to white areas its output "
        "slightly exceeds 1. A plain cast to 8 bits keeps values modulo 256, so 256 becomes 0: "
        "white turns black, or blue and cyan if only some channels overflow. Clipping to [0, 1] "
        "before the conversion prevents this; every network here clips, in the exported file too.",
        "Seams: convolutions pad a patch with zeros, so the outputs within one halo of its border "
        "depend on a black frame. Averaging overlapping patches only reduces this error: the "
        "steps shrink with the stride but never vanish, and the cost grows with the inverse square "
        "of the stride.",
        "Solution: the network is fully convolutional and has a halo of 10 pixels. Tiles that "
        "include this halo and begin at even pixels, because of the pooling, give the same output "
        "as the whole picture, up to float rounding. The only extra cost is computing the halos, "
        "and it falls as tiles grow. `crispen enhance` does this with every network that has a "
        "finite halo.",
        "The original study reports under 10 s per image and about 4 s per video frame, without "
        "sizes or hardware, so only a rough comparison is possible: its stride was 25, and the "
        "last column is CPU time, on a busy machine, for a frame of a common size. Tiles with "
        "their halo take about a quarter of the time of that stride.",
        "The original study trained on 100×100 patches at a stride of 25, as the recipe does; this "
        "study uses 48×48 crops and trains for a minute or two. At 50 % the input is hard to beat "
        "for a network that must first learn to reproduce it through a pooling layer; a network "
        "that predicts a residual (`sharpen-photo`) starts from the input.",
    ),
)
