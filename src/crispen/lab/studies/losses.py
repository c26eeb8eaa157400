"""One small network, every loss."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from crispen.evaluate.metrics import luma255
from crispen.lab.checkpoint import CHECKPOINT
from crispen.lab.losses.adversarial import AdversarialKind
from crispen.lab.studies.bench import Bench
from crispen.lab.studies.measuring import Bytes, Entry, Measured, degraded, interpolation, measure
from crispen.lab.studies.outcome import (
    MSE,
    NAME,
    PSNR,
    SSIM,
    Column,
    Outcome,
    ResultPicture,
    ResultTable,
    Row,
)
from crispen.lab.studies.plates import plate, same_place
from crispen.lab.studies.study import Study, Training

SCALE: Literal[4] = 4
# What the runs are called, what tables call them, and the recipe's tables.
LOSSES = {
    "mse": ("MSE", '[{kind="mse"}]'),
    "l1": ("L1", '[{kind="l1"}]'),
    "charbonnier": ("Charbonnier", '[{kind="charbonnier"}]'),
    "psnr": ("PSNR", '[{kind="psnr"}]'),
    "ssim": ("SSIM", '[{kind="ssim"}]'),
    "ms-ssim": ("MS-SSIM", '[{kind="ms-ssim", scales=3}]'),
    "frequency": ("frequency", '[{kind="frequency"}]'),
    "l1-mse": ("L1 + 100 MSE", '[{kind="l1"}, {kind="mse", weight=100.0}]'),
    "l1-ssim": ("L1 + 0.1 SSIM", '[{kind="l1"}, {kind="ssim", weight=0.1}]'),
    "l1-tv": ("L1 + 0.1 TV", '[{kind="l1"}, {kind="total-variation", weight=0.1}]'),
}
_PLAYED: tuple[AdversarialKind, ...] = get_args(AdversarialKind)
_DETAIL = Column("detail", "detail, % of the target's", ".0f")


def _measure(bench: Bench) -> Outcome:
    entries: list[Entry] = [interpolation("bicubic", SCALE)]
    entries += [bench.entry(key, name) for key, (name, _) in LOSSES.items()]
    # The best by PSNR would be the one that the discriminator changed least.
    entries += [
        bench.entry(f"adversarial-{kind}", f"GAN, {kind}", checkpoint=CHECKPOINT)
        for kind in _PLAYED
    ]
    pictures = degraded(bench.targets, (), scale=SCALE)
    results = measure(entries, pictures, border=SCALE, progress=bench.progress)
    targets = [picture.target for picture in pictures]
    rows: list[Row] = [r.row() | {"detail": _detail(r, targets)} for r in results]
    shown = min(range(len(pictures)), key=lambda i: results[0].each[i]["psnr"])
    answers = [(r.name, f"{r.each[shown]['psnr']:.2f} dB", r.answers[shown]) for r in results]
    last = len(answers) - 1
    return Outcome(
        [
            ResultTable(
                "losses",
                "The same network after the same number of steps",
                [NAME, PSNR, SSIM, MSE, _DETAIL],
                rows,
                f"Means over {len(pictures)} pictures, ×{SCALE} after MATLAB's bicubic shrinking; "
                f"Y' (BT.601 studio swing) after 8-bit rounding, a border of {SCALE} pixels "
                "shaved. Detail is the mean step between neighbouring pixels of Y', compared with "
                "that of the target: less than 100 is too soft. It counts noise as detail. MS-SSIM "
                "is on three scales, TV is total variation, and each GAN is L1 with one of the "
                "adversarial losses.",
            )
        ],
        [
            ResultPicture(
                "places",
                f"{pictures[shown].name}: where bicubic and the last one differ most. PSNR is that "
                "of the whole picture.",
                plate([same_place(targets[shown], answers, between=(0, last))], columns=6),
            )
        ],
    )


def _detail(result: Measured, targets: list[Bytes]) -> float:
    shares = [
        _steps(answer) / _steps(target)
        for answer, target in zip(result.answers, targets, strict=True)
    ]
    return 100.0 * float(np.mean(shares))


def _steps(pixels: Bytes) -> float:
    luma = luma255(pixels)
    return float(np.abs(np.diff(luma, axis=0)).mean() + np.abs(np.diff(luma, axis=1)).mean())


_NETWORK = (
    f"scale={SCALE}",
    'network={kind="plain", width=24, depth=5}',
    'data={kind="folder", color="luma", patch=24, batch=16, valid_share=0.05}',
    # Decoding all pictures takes longer than these trainings.
    "data.limit=30",
    "data.memory=stream",
    "train.steps=200",
    "train.warmup=20",
    "train.learning_rate=1e-3",
    "train.validate_every=100",
    "train.sample_every=0",
)

LOSS_STUDY = Study(
    name="losses",
    title="One small network, every loss",
    question=(
        "What does the same small network, ×4 on luma, make of the same pictures in the same time "
        "when only the loss is another?"
    ),
    trainings=(
        *(Training(key, "toy", (*_NETWORK, f"loss={terms}")) for key, (_, terms) in LOSSES.items()),
        *(
            Training(
                f"adversarial-{kind}",
                "toy",
                (
                    *_NETWORK,
                    'loss=[{kind="l1"}]',
                    f'adversarial={{loss="{kind}", weight=3e-3, learning_rate=1e-3, '
                    "pretrain_steps=100, discriminator={width=8}}",
                ),
                ("adversarial.pretrain_steps=4", "adversarial.discriminator.width=4"),
            )
            for kind in _PLAYED
        ),
    ),
    measure=_measure,
    quick=(
        'data={kind="toy", count=12, side=96, color="luma", patch=12, batch=4, valid_share=0.2}',
        "network.width=8",
        "network.depth=2",
        "train.steps=12",
        "train.warmup=4",
        "train.validate_every=6",
        "validation.count=2",
    ),
    data="../shared/data/train (photographs under open licences)",
    pictures=("Set5",),
    remarks=(
        "A loss is an opinion on what may be wrong. A network that is trained for the very figure "
        "that a table is sorted by has an advantage there and nowhere else: look at both PSNR and "
        "SSIM, and at the pictures.",
        "MSE and PSNR have the same best answer for one picture; over a batch, PSNR's logarithm "
        "gives easy pictures more weight. L1 and Charbonnier are L1 with a pointed and a rounded "
        "tip.",
        "SSIM and MS-SSIM hardly mind if a plane is lighter or darker as a whole. Here the "
        "network adds to a bicubic picture, which keeps its tone right; one that carries the "
        "picture itself may shift it (see the residual study).",
        "An adversarial loss costs PSNR by design: it pays for detail that could be true, and "
        "PSNR for none that is false. With so few steps it is seen to begin, no more.",
        "Two losses are missing. kl belongs to variational networks (the denoising study has "
        "one); perceptual needs the weights of a network such as VGG-19, which this study does "
        "not presume.",
    ),
)
