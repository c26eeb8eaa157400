"""The residual study: nearest, bicubic, deconvolution and a residual network with four losses."""

from __future__ import annotations

import math

from crispen.lab.studies.bench import Bench
from crispen.lab.studies.measuring import Entry, Measured, Picture, interpolation, measure, spoiled
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
    beside,
)
from crispen.lab.studies.plates import plate, same_place
from crispen.lab.studies.study import Study, Training

LOSSES = {
    "mse": "MSE",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "l1-mse": "L1 + 100 MSE",
}
_TERMS = {
    "mse": '[{kind="mse"}]',
    "psnr": '[{kind="psnr"}]',
    "ssim": '[{kind="ssim"}]',
    "l1-mse": '[{kind="l1"}, {kind="mse", weight=100.0}]',
}
_HELD_OUT, _SIDE = 20, 360
_ORIGINAL = {"psnr": 27.25, "ssim": 0.8717, "mse": 0.0024}
ORIGINALS = {
    "nearest, from 180": _ORIGINAL,
    "nearest, from 90": _ORIGINAL,
    "deconvolution, from 180": {"psnr": 26.19, "ssim": 0.8863, "mse": 0.0030},
    "residual, MSE, from 90": {"psnr": 28.26, "ssim": 0.8959, "mse": 0.0020},
}
_BILINEAR = 'degradation=[{kind="resize", method="bilinear"}]'


def _measure(bench: Bench) -> Outcome:
    side = 96 if bench.quick else _SIDE
    targets = bench.held_out("residual-mse", _HELD_OUT, side)
    results: list[Measured] = []
    luma: list[Measured] = []
    shown: dict[int, list[Measured]] = {}
    pictures: dict[int, list[Picture]] = {}
    for scale, key in ((2, "deconvolution"), (4, "residual-mse")):
        px = _SIDE // scale
        entries: list[Entry] = [
            interpolation("nearest", scale, f"nearest, from {px}"),
            interpolation("bilinear", scale, f"bilinear, from {px}"),
            interpolation("bicubic", scale, f"bicubic, from {px}"),
        ]
        if scale == 2:
            entries.append(bench.entry("deconvolution", f"deconvolution, from {px}"))
        else:
            entries += [
                bench.entry(f"residual-{loss}", f"residual, {name}, from {px}")
                for loss, name in LOSSES.items()
            ]
        pictures[scale] = spoiled(targets, bench.recipes[key].degradation, scale=scale)
        shown[scale] = measure(entries, pictures[scale], color="rgb", progress=bench.progress)
        results += shown[scale]
        luma += measure(entries, pictures[scale], border=scale, progress=bench.progress)
    columns, rows = beside([r.row() for r in results], ORIGINALS, [PSNR, SSIM, MSE])
    note = (
        f"Means over {len(targets)} held-out pictures of {side}×{side} px, made small with a "
        "bilinear filter; R'G'B' after 8-bit rounding, no border shaved, as the original most "
        "probably measured. The original's names do not say from which side its rows were "
        "enlarged, so nearest has its figures twice."
    )
    return Outcome(
        [
            ResultTable(
                "figures",
                "Three columns, each under its right name",
                [NAME, PARAMETERS, PSNR, SSIM, MSE, *columns],
                rows,
                note,
            ),
            ResultTable(
                "luma",
                "The same as the literature measures it",
                [NAME, PSNR, SSIM, MSE],
                [r.row() for r in luma],
                "Y' (BT.601 studio swing) after 8-bit rounding, a border of `scale` pixels shaved.",
            ),
            ResultTable(
                "means",
                "PSNR of the mean, and mean of the PSNRs",
                [NAME, PSNR, Column("of_mean", "−10·log10 of the mean MSE, dB", ".2f")],
                [_of_mean(r) for r in results],
                "Why the original's columns seem to contradict each other: the mean of the "
                "pictures' PSNRs is never below the PSNR of their mean MSE.",
            ),
        ],
        [_picture(shown[4], pictures[4], [r.row() for r in shown[4]])],
    )


def _of_mean(result: Measured) -> Row:
    mse = result.means["mse"]
    return {
        "name": result.name,
        "psnr": result.means["psnr"],
        "of_mean": -10 * math.log10(mse) if mse else None,
    }


def _picture(results: list[Measured], pictures: list[Picture], rows: list[Row]) -> ResultPicture:
    lines = []
    for i, picture in enumerate(pictures[:2]):
        answers = [
            (r.name.rpartition(", from")[0], f"{r.each[i]['psnr']:.2f} dB", r.answers[i])
            for r in results
            if not r.name.startswith("bilinear")
        ]
        lines.append(same_place(picture.target, answers, between=(1, 2)))
    return ResultPicture(
        "from-90",
        "From 90 to 360 px: the places where bicubic and the residual network differ most. PSNR "
        "is that of the whole picture.",
        plate(lines),
    )


RESIDUAL = Study(
    name="residual",
    title="The residual study: cats and dogs, four times larger",
    question=(
        "Does a residual network on the bilinear picture beat nearest, bicubic and a small "
        "deconvolution network on pictures of cats and dogs, and which loss suits it best?"
    ),
    trainings=(
        Training("deconvolution", "deconvolution-x2", ("train.steps=1500",)),
        *(
            Training(
                f"residual-{key}",
                "residual-x4",
                (f"loss={terms}", "data.patch=24", "train.steps=300"),
            )
            for key, terms in _TERMS.items()
        ),
    ),
    measure=_measure,
    quick=(
        'data={kind="toy", count=24, side=96, color="rgb", patch=16, batch=2, valid_share=0.1}',
        _BILINEAR,
        "train.steps=30",
        "train.warmup=5",
        "train.validate_every=30",
        "validation.count=2",
    ),
    data="../shared/data/catsdogs (Dogs vs. Cats, centre cut out at 360 px)",
)
