"""The loss study: the same small network trained with each loss."""

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
# By key of the run: the name in tables, and the recipe's `loss`.
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
    # The checkpoint with the best PSNR is the one that adversarial training changed least.
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
                f"Means over {len(pictures)} pictures at ×{SCALE}, downscaled with MATLAB's "
                "bicubic filter. Measured on Y' (BT.601 studio swing) after 8-bit rounding, with a "
                f"border of {SCALE} pixels shaved. Detail is the mean absolute difference between "
                "neighbouring pixels of Y', in percent of the target's: less than 100 is too soft. "
                "Noise counts as detail. MS-SSIM uses three scales, TV is total variation, and "
                "each GAN is L1 plus an adversarial loss.",
            )
        ],
        [
            ResultPicture(
                "places",
                f"{pictures[shown].name}: the crop where bicubic and the last network differ most. "
                "PSNR is measured on the whole picture.",
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
    # Decoding all pictures would take longer than these runs.
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
        "How do the results of a small ×4 network on luma change with the loss, if the pictures "
        "and the number of steps stay the same?"
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
        "A loss defines which errors matter. A network that is trained on the metric of a table "
        "has an advantage in that metric only: compare both PSNR and SSIM, and the pictures.",
        "MSE and PSNR have the same minimiser for a single picture; over a batch, the logarithm of "
        "PSNR gives easy pictures more weight. Charbonnier is L1 with a smooth minimum.",
        "SSIM and MS-SSIM are almost insensitive to a uniform change of brightness. Here the "
        "network predicts a residual over the bicubic picture, which keeps the brightness right; a "
        "network that predicts the whole picture may shift it (see the residual study).",
        "An adversarial loss lowers PSNR by design: it rewards plausible detail, while PSNR "
        "penalises any detail that differs from the target. So few steps show only the beginning "
        "of its effect.",
        "Two losses are not included: kl applies to variational networks only (the denoising study "
        "has one), and perceptual needs the weights of a network such as VGG-19, which this study "
        "does not require.",
    ),
)
