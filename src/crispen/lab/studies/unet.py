"""The U-shaped autoencoder study: pairs of equal size, and the accuracy that it reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from crispen.lab.studies.bench import Bench
from crispen.lab.studies.classic import accuracy
from crispen.lab.studies.measuring import Answer, Bytes, Picture, degraded, figures
from crispen.lab.studies.outcome import (
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

PUBLISHED: Row = {"name": "the original", "mse": 0.00077, "accuracy": 0.8783}
_KEY = "autoencoder-unet"
_COUNT, _SIDE = 20, 96
_NOISE = 2
_LOSS = Column("mse", "validation loss (MSE)", ".5f", "low")
_ACCURACY = Column("accuracy", "accuracy", ".4f", "high")
_Make = Callable[[Picture], Bytes]


def strongest_alone(pixels: Bytes) -> Bytes:
    """Pure red, green and blue: the strongest channel of each pixel is 255, the others are 0.

    Args:
        pixels: ``(h, w, 3)`` R'G'B'; so is the result.
    """
    poster: Bytes = (np.eye(3, dtype=np.uint8) * 255)[pixels.argmax(axis=2)]
    return poster


def grainy(pixels: Bytes) -> Bytes:
    """Adds uniform noise of up to ±2 levels, which is invisible; always the same noise.

    Args:
        pixels: ``(h, w, 3)`` R'G'B'; so is the result.
    """
    noise = np.random.default_rng(0).integers(-_NOISE, _NOISE + 1, pixels.shape)
    off: Bytes = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    return off


_MISLEADING: dict[str, _Make] = {
    "target, pure colours": lambda p: strongest_alone(p.target),
    "target, a tenth as bright": lambda p: np.rint(p.target / 10).astype(np.uint8),
    "target, 2 levels off": lambda p: grainy(p.target),
    "target, black and white": lambda p: (
        p.target.mean(axis=2, keepdims=True).repeat(3, 2).astype(np.uint8)
    ),
}


def _measure(bench: Bench) -> Outcome:
    side = 32 if bench.quick else _SIDE
    targets = bench.held_out(_KEY, _COUNT, side)
    pictures = degraded(targets, bench.recipes[_KEY].degradation)
    network = bench.entry(_KEY, "autoencoder")
    makers: dict[str, _Make] = {
        "the input itself": lambda p: p.input,
        network.name: lambda p: network.run(p.input).rgb,
        **_MISLEADING,
    }
    made: dict[str, list[Bytes]] = {}
    with bench.progress.task("measuring", len(makers) * len(pictures), "pictures") as task:
        for name, make in makers.items():
            for picture in pictures:
                made.setdefault(name, []).append(make(picture))
                task.advance()
    rows = {name: _row(name, answers, pictures) for name, answers in made.items()}
    note = (
        f"Means over {len(pictures)} held-out crops of {side}×{side} px, measured on R'G'B' after "
        "8-bit rounding, with no border shaved. Accuracy is the figure that Keras reports for "
        "images: the share of pixels whose strongest channel is the same as in the target."
    )
    return Outcome(
        [
            ResultTable(
                "figures",
                "Comparison with the original study",
                [NAME, _LOSS, _ACCURACY, PSNR, SSIM],
                [rows["the input itself"], rows[network.name], PUBLISHED],
                f"{note} Inputs are downscaled to half size and back with a bicubic filter.",
            ),
            ResultTable(
                "misled",
                "Accuracy of deliberately degraded targets",
                [NAME, _ACCURACY, _LOSS, PSNR],
                [rows[name] for name in (*_MISLEADING, network.name)],
                "The same crops; the network's row is repeated for comparison. Pure colours: the "
                "strongest channel of each pixel is 255, the others are 0. 2 levels off: uniform "
                f"noise of up to ±{_NOISE} levels.",
            ),
            ResultTable(
                "steps",
                "Validation during training",
                [NAME, _LOSS, _ACCURACY],
                _steps(bench),
                "Measured on other held-out crops: those of the run's own validation.",
            ),
        ],
        [_picture(made, pictures)],
    )


def _row(name: str, answers: Sequence[Bytes], pictures: Sequence[Picture]) -> Row:
    found = [
        figures(Answer(rgb), picture.target, color="rgb")
        | {"accuracy": accuracy(rgb, picture.target)}
        for rgb, picture in zip(answers, pictures, strict=True)
    ]
    keys = dict.fromkeys(key for one in found for key in one)
    return {"name": name} | {key: float(np.mean([one[key] for one in found])) for key in keys}


def _steps(bench: Bench) -> list[Row]:
    log = bench.run(_KEY).log
    accuracies = dict(log.curve("val_accuracy"))
    return [
        {"name": f"step {step:,.0f}", "mse": loss, "accuracy": accuracies.get(step)}
        for step, loss in log.curve("val_loss")
    ]


def _picture(made: dict[str, list[Bytes]], pictures: Sequence[Picture]) -> ResultPicture:
    # The most colourful picture; for grey ones, accuracy is chance.
    spread = [np.ptp(picture.target.astype(np.int16), axis=2).mean() for picture in pictures]
    which = int(np.argmax(spread))
    target = pictures[which].target
    answers = [
        (
            name.removeprefix("target, "),
            f"accuracy {accuracy(answers[which], target):.2f}",
            answers[which],
        )
        for name, answers in made.items()
    ]
    return ResultPicture(
        "accuracy",
        "Input, output and four degraded versions of the target, each with its accuracy.",
        plate([same_place(target, answers, between=(0, 1), side=72)], columns=4),
    )


UNET = Study(
    name="unet",
    title="The U-shaped autoencoder, and its accuracy of 0.8783",
    question=(
        "How close does the U-shaped autoencoder get to the figures of its report, on pairs made "
        "from openly licensed pictures, and what does an accuracy of 0.8783 mean?"
    ),
    trainings=(
        Training(
            _KEY,
            "autoencoder-unet",
            (
                "data.patch=64",
                "data.batch=4",
                "train.steps=400",
                "train.schedule='wsd'",
                "train.warmup=20",
                "train.learning_rate=1e-3",
                "train.validate_every=50",
            ),
        ),
    ),
    measure=_measure,
    quick=(
        'data={kind="toy", count=12, side=96, color="rgb", patch=16, batch=2, valid_share=0.2}',
        "train.steps=8",
        "train.warmup=2",
        "train.validate_every=4",
        "validation.count=2",
    ),
    data="../shared/data/train (photographs under open licences)",
    remarks=(
        "Accuracy: the report reads as if 87.83 % of the pixels were correct. They are not: a "
        "pixel counts as correct if the same channel is the strongest in both pictures, however "
        "large the error. So the unprocessed input scores higher than the trained network, the "
        "target reduced to pure red, green and blue scores 1 at about 6 dB, and the target with "
        "invisible noise scores less than that. For grey pixels, whose channels are nearly equal, "
        "accuracy is chance. Crispen logs it next to the loss because the original study did, and "
        "does not use it.",
        "Loss: 0.00077 is an MSE of values in [0, 1], which for a single picture corresponds to "
        "31.1 dB. It depends on the pictures at least as much as on the network: it must be "
        "compared with the MSE of the unprocessed input, which the original study does not give.",
        "Data: the original study had its own pairs of equal size and trained until its validation "
        "loss stopped falling. Here pairs are made from crops of openly licensed pictures, "
        "downscaled to half size and back with a bicubic filter, and the run takes a minute or two "
        "on a busy CPU; `--effort 20` trains longer.",
        "The network predicts the whole picture, as the original one does: even if there is "
        "nothing to restore, it must first learn to reproduce its input. A network that predicts a "
        "residual would start from the figures of the first row.",
    ),
)
