"""The classic comparison: interpolations, SRCNN, ESPCN, autoencoder, SRGAN at ×2, ×3 and ×4."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from crispen.lab.checkpoint import CHECKPOINT
from crispen.lab.studies.bench import Bench
from crispen.lab.studies.classic_trainings import (
    EPOCHS,
    QUALITIES,
    SRGAN_EPOCHS,
    STRIP,
    UNET,
    classic_trainings,
)
from crispen.lab.studies.measuring import (
    Answer,
    Bytes,
    Entry,
    Measured,
    Picture,
    degraded,
    figures,
    interpolation,
    measure,
)
from crispen.lab.studies.outcome import (
    MSE,
    NAME,
    PARAMETERS,
    PSNR,
    SSIM,
    Column,
    Outcome,
    ResultPicture,
    ResultTable,
    Row,
    gap,
)
from crispen.lab.studies.plates import plate, same_place
from crispen.lab.studies.study import Original, Study
from crispen.media.resample import resize

_PUBLISHED = {"val_loss": 0.00077, "val_accuracy": 0.8783}


def _entries(bench: Bench, scale: int) -> list[Entry]:
    unet = bench.entry(UNET, "autoencoder")
    return [
        interpolation("nearest", scale),
        interpolation("bilinear", scale),
        interpolation("bicubic", scale),
        *(
            bench.entry(
                f"srcnn-x{scale}", f"SRCNN, epoch {epoch}", checkpoint=f"epoch-{epoch:04d}.ckpt"
            )
            for epoch in EPOCHS
            if epoch <= bench.recipes[f"srcnn-x{scale}"].train.epochs
        ),
        bench.entry(f"espcn-x{scale}", "ESPCN"),
        bench.entry(f"espcn-x{scale}-as-built", "ESPCN as built"),
        Entry(unet.name, lambda small: _enlarged_first(unet, small, scale), unet.parameters),
        bench.entry(f"srresnet-x{scale}", "SRResNet"),
        # The checkpoint with the best PSNR is the one that adversarial training changed least.
        bench.entry(f"srgan-x{scale}", "SRGAN", checkpoint=CHECKPOINT),
    ]


def _enlarged_first(unet: Entry, small: Bytes, scale: int) -> Answer:
    """The autoencoder's output has its input's size, so the input is upscaled bicubically first."""
    height, width = (scale * n for n in small.shape[:2])
    return unet.run(resize(small, height, width).astype(small.dtype))


def _measure(bench: Bench) -> Outcome:
    tables, pictures = [], []
    for scale, quality in QUALITIES.items():
        shown = degraded(bench.targets, (), scale=scale)
        results = measure(_entries(bench, scale), shown, border=scale, progress=bench.progress)
        names = ", ".join(bench.sets) or "generated"
        tables.append(
            ResultTable(
                f"x{scale}",
                f"Input of {quality} quality: ×{scale}",
                [NAME, PARAMETERS, PSNR, SSIM, MSE],
                [r.row() for r in results],
                f"Means over {len(shown)} pictures ({names}), downscaled with MATLAB's bicubic "
                f"filter. Measured on Y' (BT.601 studio swing) after 8-bit rounding, with a border "
                f"of {scale} pixels shaved.",
            )
        )
        pictures.append(_picture(scale, results, shown))
    pictures.append(_strip(bench))
    return Outcome([*tables, _misled(bench), _accuracy(bench)], pictures)


def _picture(scale: int, results: list[Measured], pictures: list[Picture]) -> ResultPicture:
    # The picture on which bicubic interpolation has the lowest PSNR.
    bicubic = next(r for r in results if r.name == "bicubic")
    worst = min(range(len(pictures)), key=lambda i: bicubic.each[i]["psnr"])
    answers = [(r.name, f"{r.each[worst]['psnr']:.2f} dB", r.answers[worst]) for r in results]
    cells = same_place(pictures[worst].target, answers, between=(2, 5))
    return ResultPicture(
        f"x{scale}",
        f"×{scale}, {pictures[worst].name}: the crop where bicubic and ESPCN differ most. PSNR is "
        "measured on the whole picture.",
        plate([cells], columns=5),
    )


def _strip(bench: Bench) -> ResultPicture:
    """The same crop after each epoch for which the SRGAN study showed samples."""
    scale = bench.recipes[STRIP].scale
    (picture, *_) = degraded(bench.targets, (), scale=scale)
    last = bench.recipes[STRIP].train.epochs
    epochs = [epoch for epoch in SRGAN_EPOCHS if epoch <= last] or [last]
    entries = [
        interpolation("bicubic", scale),
        bench.entry(f"srresnet-x{scale}", "before the GAN"),
        *(
            bench.entry(STRIP, f"epoch {epoch}", checkpoint=f"epoch-{epoch:04d}.ckpt")
            for epoch in epochs
        ),
    ]
    results = measure(entries, [picture], border=scale, progress=bench.progress)
    answers = [(r.name, f"{r.means['psnr']:.2f} dB", r.answers[0]) for r in results]
    data = bench.recipes[STRIP].data
    return ResultPicture(
        "srgan",
        f"SRGAN ×{scale} on {picture.name} after the epochs that the original study shows, "
        f"{data.epoch // data.batch} steps each: the crop where SRGAN and the network before "
        "adversarial training differ most. PSNR is measured on the whole picture.",
        plate([same_place(picture.target, answers, between=(1, -1))], columns=5),
    )


def accuracy(image: Bytes, target: Bytes) -> float:
    """Keras' "accuracy" of an image: the share of pixels with the target's strongest channel.

    Args:
        image: ``(h, w, 3)``.
        target: ``(h, w, 3)``.

    Returns:
        A share in [0, 1].
    """
    return float((image.argmax(axis=2) == target.argmax(axis=2)).mean())


def _misled(bench: Bench) -> ResultTable:
    """Accuracy and PSNR of outputs whose quality is obvious, to show that the two disagree."""
    scale = 2
    unet = bench.entry(UNET, "autoencoder")
    makers: dict[str, Callable[[Picture], Bytes]] = {
        "target, half as bright": lambda p: (p.target // 2).astype(np.uint8),
        "bicubic": lambda p: interpolation("bicubic", scale).run(p.input).rgb,
        "autoencoder": lambda p: _enlarged_first(unet, p.input, scale).rgb,
        "target, each channel ±1 level": _nudged,
    }
    pictures = degraded(bench.targets, (), scale=scale)
    rows: list[Row] = []
    for name, make in makers.items():
        made = [make(picture) for picture in pictures]
        pairs = [(image, picture.target) for image, picture in zip(made, pictures, strict=True)]
        found = [figures(Answer(image), target, color="rgb") for image, target in pairs]
        rows.append(
            {
                "name": name,
                "accuracy": float(np.mean([accuracy(image, target) for image, target in pairs])),
                "psnr": float(np.mean([one["psnr"] for one in found])),
            }
        )
    return ResultTable(
        "misled",
        "Why accuracy misleads",
        [NAME, Column("accuracy", "accuracy", ".4f", "high"), PSNR],
        rows,
        f"Means over {len(pictures)} pictures at ×{scale}, measured on R'G'B'.",
    )


def _nudged(picture: Picture) -> Bytes:
    """The target with invisible noise of ±1 level, which changes the strongest channel of greys."""
    noise = np.random.default_rng(0).integers(-1, 2, picture.target.shape)
    nudged: Bytes = np.clip(picture.target + noise, 0, 255).astype(np.uint8)
    return nudged


def _accuracy(bench: Bench) -> ResultTable:
    """Validation loss, accuracy and PSNR of the autoencoder's run, and the published figures."""
    log = bench.run(UNET).log
    rows: list[Row] = []
    for step in dict.fromkeys(step for step, _ in log.curve("val_loss")):
        values = {key: dict(log.curve(f"val_{key}")).get(step) for key in ("loss", "accuracy")}
        rows.append({"name": f"step {step:,.0f}"} | values | {"psnr": _at(bench, step)})
    published: Row = {
        "name": "original, final",
        "loss": _PUBLISHED["val_loss"],
        "accuracy": _PUBLISHED["val_accuracy"],
    }
    return ResultTable(
        "accuracy",
        "Validation of the autoencoder during training",
        [
            NAME,
            Column("loss", "validation loss (MSE)", ".5f"),
            Column("accuracy", "accuracy", ".4f"),
            Column("psnr", "PSNR, dB", ".2f"),
        ],
        [*rows, published],
        "Measured on held-out crops. Accuracy is the figure that Keras reports for images: the "
        "share of pixels whose strongest colour channel is the same as in the target.",
    )


def _at(bench: Bench, step: float) -> float | None:
    return dict(bench.run(UNET).log.curve("val_psnr")).get(step)


def _conclude(tables: Mapping[str, ResultTable]) -> list[str]:
    said = []
    for scale in QUALITIES:
        table = tables[f"x{scale}"]
        psnr = table.numbers("psnr")
        best = max(psnr, key=lambda name: psnr[name])
        built = psnr["ESPCN as built"]
        said.append(
            f"×{scale}: {best} has the highest PSNR, {gap(psnr[best] - psnr['bicubic'])} bicubic. "
            "ESPCN as built in the original study, which predicts the whole picture instead of a "
            f"residual, is {gap(built - psnr['ESPCN'])} our ESPCN after the same number of steps."
        )
    return said


CLASSIC = Study(
    name="classic",
    title="The classics: from nearest neighbour to SRGAN",
    question=(
        "How well do interpolation, SRCNN after its first and its twentieth epoch, ESPCN, an "
        "autoencoder and SRGAN upscale inputs of good (×2), medium (×3) and poor (×4) quality?"
    ),
    trainings=classic_trainings(),
    measure=_measure,
    quick=(
        'data={kind="toy", count=12, side=96, color="rgb", patch=8, batch=2, valid_share=0.2}',
        "train.steps=12",
        "train.warmup=4",
        "train.validate_every=6",
        "validation.count=2",
    ),
    data="../shared/data/train (photographs under open licences)",
    pictures=("Set5",),
    originals=(
        Original("autoencoder, validation loss", "0.00077", "accuracy", "loss"),
        Original("autoencoder, accuracy", "0.8783", "accuracy", "accuracy"),
    ),
    conclude=_conclude,
    remarks=(
        "The baseline is bicubic interpolation, not nearest neighbour: most of an improvement over "
        "nearest neighbour needs no network.",
        "SRCNN and the autoencoder predict the whole picture; our ESPCN predicts a residual that "
        "is added to the bicubic picture. The former two must first learn to reproduce their "
        "input, and score below it until then. The original studies trained them for hours to "
        "days: the SRCNN paper reports 36.34 dB at ×2 on Set5 (9-1-5, ImageNet).",
        "Most of SRCNN's gain between its first and its twentieth epoch comes from learning to "
        "reproduce its input. The length of an epoch is arbitrary here: it means nothing without "
        "its number of crops.",
        "SRGAN is measured at its last step. Its checkpoint with the highest PSNR is the one that "
        "adversarial training changed least, so a study that keeps that checkpoint shows SRGAN "
        "without the GAN. The paper trained for 200,000 steps and added a loss on VGG-19 "
        "features: a few steps show the mechanism, not its result.",
        "The original autoencoder study reports a validation loss of 0.00077 and an accuracy of "
        "0.8783. The loss is an MSE (31.1 dB) on its own pairs, which are not published. Accuracy "
        "is the share of pixels whose strongest channel is the same as in the target: a picture "
        "at half the brightness scores almost 1, a picture that is visually identical to the "
        "target scores less, and for grey pixels the result is chance.",
        "The original ESPCN study downscales with a Gaussian blur and keeps every second pixel, "
        "instead of bicubic downscaling (crispen train espcn-gaussian-x2). A network that was "
        "trained on one of the two sharpens the other too much or too little, and figures on the "
        "two are not comparable.",
    ),
)
