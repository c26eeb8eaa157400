"""Twice ×2 against ×4 at once, against bicubic: with the models that come with Crispen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from crispen.evaluate.contender import Contender, open_contender
from crispen.evaluate.metrics import luma255
from crispen.lab.studies.bench import Bench
from crispen.lab.studies.measuring import (
    Answer,
    Bytes,
    Entry,
    Measured,
    Picture,
    degraded,
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
from crispen.lab.studies.study import Original, Study, Training

FAMILIES = ("espcn", "photo-fast", "photo")
_SCALE = 4
_AS_BUILT = "espcn-as-built"
REPORTED = {"ESPCN, in training": 58.471, "ESPCN, ×2": 8.8502, "ESPCN, ×4 (×2 twice)": 7.55}
_PEAK = 65535


def chained(name: str, steps: Sequence[Contender]) -> Entry:
    """Models one after another; luma goes through them in 16 bits, colour in bytes.

    Args:
        name: In tables.
        steps: Models for luma.
    """

    def run(pixels: Bytes) -> Answer:
        rgb = pixels
        luma: NDArray[np.uint16] = np.rint(luma255(pixels)[..., None] / 255.0 * _PEAK).astype(
            np.uint16
        )
        for step in steps:
            rgb, luma = step.run(rgb), step.run(luma)
        return Answer(rgb, luma[..., 0].astype(np.float64) / _PEAK * 255.0)

    cards = {step.name: step.card for step in steps}
    return Entry(name, run, sum(card.parameters for card in cards.values() if card))


def work(steps: Sequence[Contender], scale: int = _SCALE) -> float:
    """Multiply-adds for a pixel of the result, as every weight is used once a pixel it sees."""
    side, total = 1, 0
    for step in steps:
        total += side**2 * (step.card.parameters if step.card else 0)
        side *= step.scale
    return total / scale**2


def _measure(bench: Bench) -> Outcome:
    pictures = degraded(bench.targets, (), scale=_SCALE)
    with ExitStack() as stack:
        chains: dict[str, list[Contender]] = {}
        for family in FAMILIES:
            half, whole = (
                stack.enter_context(open_contender(f"{family}-x{scale}", scale, device="cpu"))
                for scale in (2, _SCALE)
            )
            chains |= {f"{family}-x2 twice": [half, half], f"{family}-x4 at once": [whole]}
        precision = next(iter(chains.values()))[0].precision
        results = measure(
            [
                interpolation("nearest", _SCALE),
                interpolation("bicubic", _SCALE),
                *(chained(name, steps) for name, steps in chains.items()),
            ],
            pictures,
            border=_SCALE,
            progress=bench.progress,
        )
        rows = [_row(result, work(chains.get(result.name, ()))) for result in results]
    halves = degraded(bench.targets, bench.recipes[_AS_BUILT].degradation, scale=2)
    small = measure(
        [
            interpolation("nearest", 2),
            interpolation("bilinear", 2),
            interpolation("bicubic", 2),
            bench.entry(_AS_BUILT, "ESPCN as built"),
        ],
        halves,
        border=2,
        progress=bench.progress,
    )
    sets = "made by code" if bench.quick else " and ".join(bench.sets)
    return Outcome(
        [
            ResultTable(
                "figures",
                "Four times larger",
                [
                    NAME,
                    PARAMETERS,
                    Column("work", "multiply-adds a pixel", ",.0f"),
                    PSNR,
                    SSIM,
                    MSE,
                ],
                rows,
                f"Means over {len(pictures)} pictures ({sets}), made four times smaller "
                "bicubically as MATLAB does; Y' (BT.601 studio swing) after 8-bit rounding, a "
                f"border of 4 pixels shaved; {precision}. Multiply-adds are those for a pixel of "
                "the result. Between two steps luma is kept in 16 bits.",
            ),
            ResultTable(
                "gap",
                "At once less twice",
                [NAME, Column("psnr", "dB", "+.2f"), Column("better", "better on", "")],
                [_gap(results, family) for family in FAMILIES],
            ),
            ResultTable(
                "as-built",
                "Twice larger, with the study's own network and small pictures",
                [NAME, PARAMETERS, PSNR, SSIM, MSE],
                [result.row() for result in small],
                f"Means over {len(halves)} pictures ({sets}), shrunk by SciPy's decimate; Y' "
                "(BT.601 studio swing) after 8-bit rounding, a border of 2 pixels shaved.",
            ),
            ResultTable(
                "reported",
                "What the original reports",
                [
                    NAME,
                    Column("psnr", "PSNR, dB", ".2f"),
                    Column("mse", "MSE that this is", ".2g"),
                ],
                [
                    {"name": name, "psnr": psnr, "mse": 10 ** (-psnr / 10)}
                    for name, psnr in REPORTED.items()
                ],
                "An MSE is that of values from 0 to 1.",
            ),
        ],
        [_picture(results, pictures)],
    )


def _row(result: Measured, effort: float) -> Row:
    return result.row() | {"work": effort or None}


def _gap(results: Sequence[Measured], family: str) -> Row:
    """How much better one step of ×4 is than two of ×2, and how often."""
    twice, once = (
        next(r for r in results if r.name == f"{family}-{way}")
        for way in ("x2 twice", "x4 at once")
    )
    wins = sum(b["psnr"] > a["psnr"] for a, b in zip(twice.each, once.each, strict=True))
    return {
        "name": family,
        "psnr": once.means["psnr"] - twice.means["psnr"],
        "better": f"{wins} of {len(once.each)} pictures",
    }


def _picture(results: list[Measured], pictures: list[Picture]) -> ResultPicture:
    named = {result.name: i for i, result in enumerate(results)}
    twice, once = named["photo-x2 twice"], named["photo-x4 at once"]
    gaps = [
        b["psnr"] - a["psnr"] for a, b in zip(results[twice].each, results[once].each, strict=True)
    ]
    which = int(np.argmax(gaps))
    answers = [(r.name, f"{r.each[which]['psnr']:.2f} dB", r.answers[which]) for r in results]
    cells = same_place(pictures[which].target, answers, between=(twice, once))
    return ResultPicture(
        "x4",
        f"{pictures[which].name}: the place where photo-x2 twice and photo-x4 at once differ most. "
        "PSNR is that of the whole picture.",
        plate([cells], columns=5),
    )


def _conclude(tables: Mapping[str, ResultTable]) -> list[str]:
    figures, built = tables["figures"], tables["as-built"]
    bicubic = figures.number("bicubic", "psnr")
    return [
        *(
            f"{family}: twice is {gap(figures.number(f'{family}-x2 twice', 'psnr') - bicubic)} "
            f"bicubic, at once {gap(figures.number(f'{family}-x4 at once', 'psnr') - bicubic)}."
            for family in FAMILIES
        ),
        "ESPCN as built, on small pictures as the study made them: "
        f"{gap(built.number('ESPCN as built', 'psnr') - built.number('bicubic', 'psnr'))} bicubic.",
    ]


TWICE = Study(
    name="twice",
    title="Twice ×2, or ×4 at once",
    question=(
        "Is a network for ×2 that is applied twice as good as one that was trained for ×4, and are "
        "both better than bicubic?"
    ),
    trainings=(
        Training(
            _AS_BUILT,
            "espcn-study-x2",
            (
                "data.limit=30",
                "data.memory=stream",
                "data.valid_share=0.05",
                "train.steps=2800",
                "train.warmup=50",
                "train.learning_rate=1e-3",
            ),
        ),
    ),
    measure=_measure,
    quick=(
        # The study's filter rings for 69 pixels on each side of a crop.
        'data={kind="toy", count=6, side=192, color="luma", patch=8, batch=2, valid_share=0.2}',
        "train.steps=12",
        "train.warmup=4",
        "train.validate_every=6",
        "validation.count=2",
    ),
    data="../shared/data/train, for the study's own network; the others come with Crispen",
    pictures=("Set5", "Set14"),
    originals=tuple(
        Original(name, f"{psnr:.2f} dB", *there)
        for (name, psnr), there in zip(
            REPORTED.items(),
            (
                ("as-built", "psnr", "ESPCN as built"),
                ("as-built", "psnr", "ESPCN as built"),
                ("figures", "psnr", "", "espcn-x2 twice"),
            ),
            strict=True,
        )
    ),
    conclude=_conclude,
    remarks=(
        "The second ×2 step sees a picture that is unlike those it learnt from: one that a network "
        "made, not a camera. What ×4 at once saves is work: its layers run at the small picture's "
        "size only.",
        "The comparison flatters ×4 at once a little: those models began with the weights of "
        "their ×2 relatives and trained on, so they had more steps in all.",
        "The original's three figures do not fit together. 58.471 dB in training is an MSE of "
        "0.0000014, while the loss that it prints beside it is 0.0106, which as an MSE would be "
        "19.75 dB. On pictures it has 8.8502 dB for ×2 and 7.55 dB for ×4: less than most pictures "
        "get from an even grey plane, and far below nearest neighbour. Such a PSNR comes of "
        "comparing values of different ranges, or another picture.",
        "What it calls bilinear is nearest neighbour. Its small pictures are made with SciPy's "
        "decimate; a Gaussian blur stands before it in the code, but its result is thrown away, "
        "which the text does not say.",
        "Decimation keeps the first pixel of each cell, so its small pictures lie half a pixel of "
        "the result away from where interpolation expects them. A network learns that shift; part "
        "of its lead over bicubic is nothing else.",
        "The fair opponents are the rows of one family, not those of different ones.",
    ),
)
