"""×2 applied twice, ×4 and bicubic, compared with the models that come with Crispen."""

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
    """An entry that applies models in sequence; luma is passed on in 16 bits, R'G'B' in 8 bits.

    Args:
        name: Name in tables.
        steps: Luma models, in order.
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
    """Multiply-adds per output pixel, if each weight is used once per input pixel of its model.

    Args:
        steps: Models, in order.
        scale: Scale of all of them together.
    """
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
    sets = "generated" if bench.quick else " and ".join(bench.sets)
    return Outcome(
        [
            ResultTable(
                "figures",
                "×4",
                [
                    NAME,
                    PARAMETERS,
                    Column("work", "multiply-adds per pixel", ",.0f"),
                    PSNR,
                    SSIM,
                    MSE,
                ],
                rows,
                f"Means over {len(pictures)} pictures ({sets}), downscaled by 4 with MATLAB's "
                "bicubic filter. Measured on Y' (BT.601 studio swing) after 8-bit rounding, with a "
                f"border of 4 pixels shaved; {precision}. Multiply-adds are per pixel of the "
                "output. Between two ×2 steps luma is kept in 16 bits.",
            ),
            ResultTable(
                "gap",
                "PSNR of ×4 minus PSNR of ×2 applied twice",
                [NAME, Column("psnr", "dB", "+.2f"), Column("better", "×4 is better on", "")],
                [_gap(results, family) for family in FAMILIES],
            ),
            ResultTable(
                "as-built",
                "×2 with the original study's network and downscaling",
                [NAME, PARAMETERS, PSNR, SSIM, MSE],
                [result.row() for result in small],
                f"Means over {len(halves)} pictures ({sets}), downscaled with SciPy's decimate. "
                "Measured on Y' (BT.601 studio swing) after 8-bit rounding, with a border of 2 "
                "pixels shaved.",
            ),
            ResultTable(
                "reported",
                "Figures of the original study",
                [
                    NAME,
                    Column("psnr", "PSNR, dB", ".2f"),
                    Column("mse", "equivalent MSE", ".2g"),
                ],
                [
                    {"name": name, "psnr": psnr, "mse": 10 ** (-psnr / 10)}
                    for name, psnr in REPORTED.items()
                ],
                "MSE of values in [0, 1].",
            ),
        ],
        [_picture(results, pictures)],
    )


def _row(result: Measured, effort: float) -> Row:
    return result.row() | {"work": effort or None}


def _gap(results: Sequence[Measured], family: str) -> Row:
    """A row with the mean PSNR gain of ×4 over ×2 twice, and the number of pictures it wins."""
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
        f"{pictures[which].name}: the crop where photo-x2 twice and photo-x4 at once differ most. "
        "PSNR is measured on the whole picture.",
        plate([cells], columns=5),
    )


def _conclude(tables: Mapping[str, ResultTable]) -> list[str]:
    figures, built = tables["figures"], tables["as-built"]
    bicubic = figures.number("bicubic", "psnr")
    return [
        *(
            f"{family}: ×2 applied twice is "
            f"{gap(figures.number(f'{family}-x2 twice', 'psnr') - bicubic)} bicubic, ×4 is "
            f"{gap(figures.number(f'{family}-x4 at once', 'psnr') - bicubic)}."
            for family in FAMILIES
        ),
        "ESPCN as built, with the original study's downscaling: "
        f"{gap(built.number('ESPCN as built', 'psnr') - built.number('bicubic', 'psnr'))} bicubic.",
    ]


TWICE = Study(
    name="twice",
    title="×2 applied twice, or ×4",
    question=(
        "Is a ×2 network that is applied twice as good as a network that was trained for ×4, and "
        "are both better than bicubic?"
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
        # The filter of the original study affects 69 pixels on each side of a crop.
        'data={kind="toy", count=6, side=192, color="luma", patch=8, batch=2, valid_share=0.2}',
        "train.steps=12",
        "train.warmup=4",
        "train.validate_every=6",
        "validation.count=2",
    ),
    data="../shared/data/train for the original study's network; the others come with Crispen",
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
        "The second ×2 step gets an input unlike its training data: a network's output, not a "
        "photograph. ×4 in one step costs less computation: its layers run at the size of the "
        "input only.",
        "The comparison slightly favours ×4: those models started from the weights of their ×2 "
        "counterparts and trained further, so they had more steps in total.",
        "The original study's three figures are inconsistent. Its 58.471 dB in training "
        "corresponds to an MSE of 0.0000014, while the loss printed next to it is 0.0106, which as "
        "an MSE would be 19.75 dB. On test pictures it reports 8.8502 dB for ×2 and 7.55 dB for "
        "×4: less than a uniform grey image scores on most pictures, and far below nearest "
        "neighbour. Such a PSNR results from comparing values of different ranges, or different "
        "pictures.",
        "What it calls bilinear is nearest neighbour. It downscales with SciPy's decimate; its "
        "code first applies a Gaussian blur but discards the result, which its text does not "
        "mention.",
        "Decimation keeps the first pixel of each cell, so its inputs are shifted by half an "
        "output pixel relative to what interpolation assumes. A network learns that shift, and "
        "part of its gain over bicubic comes from it.",
        "Compare rows within a family of models, not across families.",
    ),
)
