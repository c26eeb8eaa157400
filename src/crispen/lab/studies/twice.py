"""Twice ×2 against ×4 at once, against bicubic: with the models that come with Crispen."""

from __future__ import annotations

from collections.abc import Sequence
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
)
from crispen.lab.studies.plates import plate, same_place
from crispen.lab.studies.study import Study

FAMILIES = ("espcn", "photo-fast", "photo")
_SCALE = 4
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


TWICE = Study(
    name="twice",
    title="Twice ×2, or ×4 at once",
    question=(
        "Is a network for ×2 that is applied twice as good as one that was trained for ×4, and are "
        "both better than bicubic?"
    ),
    trainings=(),
    measure=_measure,
    data="nothing: the models that come with Crispen are measured",
    pictures=("Set5", "Set14"),
    remarks=(
        "Both ways beat bicubic by far, and are nearly equal in PSNR and SSIM, although the "
        "second ×2 step sees a picture that is unlike those it learnt from: one that a network "
        "made, not a camera. What ×4 at once saves is work: its layers run at the small "
        "picture's size only.",
        "The comparison flatters ×4 at once a little: those models began with the weights of "
        "their ×2 relatives and trained on, so they had more steps in all.",
        "The original applied its ESPCN for ×2 twice too, but no figures of it are at hand to "
        "stand beside these. The fair opponents are the rows of one family, not those of "
        "different ones.",
    ),
)
