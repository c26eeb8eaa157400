"""The U-shaped autoencoder on pairs of equal size, and the accuracy in its report."""

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
    """Pure red, green and blue: of each pixel the strongest channel in full, the others black."""
    poster: Bytes = (np.eye(3, dtype=np.uint8) * 255)[pixels.argmax(axis=2)]
    return poster


def grainy(pixels: Bytes) -> Bytes:
    """Every value up to two grey levels off, which nobody sees."""
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
        f"Means over {len(pictures)} held-out crops of {side}×{side} px; R'G'B' after 8-bit "
        "rounding, no border shaved. Accuracy is what Keras reports for pictures: the share of "
        "pixels whose strongest channel is the right one."
    )
    return Outcome(
        [
            ResultTable(
                "figures",
                "Beside the original",
                [NAME, _LOSS, _ACCURACY, PSNR, SSIM],
                [rows["the input itself"], rows[network.name], PUBLISHED],
                f"{note} Inputs: bicubically half as large and back.",
            ),
            ResultTable(
                "misled",
                "What accuracy likes",
                [NAME, _ACCURACY, _LOSS, PSNR],
                [rows[name] for name in (*_MISLEADING, network.name)],
                "The same crops, and the network again. Pure colours: of each pixel the strongest "
                f"channel in full, the others black. Levels off: at random, ±{_NOISE} at most.",
            ),
            ResultTable(
                "steps",
                "While it trained",
                [NAME, _LOSS, _ACCURACY],
                _steps(bench),
                "On other held-out crops, those that the training measured itself with.",
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
    # The most colourful one; in grey ones it is all chance.
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
        "Answers to one input, and its target changed in four ways, each with its accuracy.",
        plate([same_place(target, answers, between=(0, 1), side=72)], columns=4),
    )


UNET = Study(
    name="unet",
    title="The U-shaped autoencoder, and its accuracy of 0.8783",
    question=(
        "How near does the U-shaped autoencoder get to the figures of its report, on pairs made "
        "from pictures under open licences, and what is an accuracy of 0.8783 worth?"
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
        "Accuracy: the report reads as if 87.83 % of the pixels were right. They are not: a "
        "pixel counts as right when red, green or blue is the strongest in both pictures, "
        "however far the values are off. So the untouched input scores higher than a network "
        "that trained on it, the target as pure red, green and blue scores 1 at some 6 dB, and "
        "the target itself with changes that nobody sees scores less than that. In grey places, "
        "where the three channels are nearly equal, it tosses a coin. Crispen logs it beside the "
        "loss because the original did, and decides nothing by it.",
        "Loss: 0.00077 is an MSE of values in [0, 1], and the same as 31.1 dB if it were that of "
        "one picture. It depends on the pictures at least as much as on the network: the "
        "untouched input's own MSE, which the original does not give, is what it must be held "
        "against.",
        "Data: the original had its own pairs of equal size and trained until its validation "
        "loss stood still. Here pairs are made of crops of open pictures, bicubically half as "
        "large and back, and the run takes a minute or two of one busy CPU; `--effort 20` "
        "continues where this one stops learning.",
        "The network carries the picture itself, as the original's does: even with nothing to "
        "repair it must first learn to copy. With a correction added to the input it would begin "
        "where the first row stands.",
    ),
)
