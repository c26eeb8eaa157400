"""ESPCN trained on full-range Y of YUV and on studio-range Y' of YCbCr, compared."""

from __future__ import annotations

import math

import numpy as np

from crispen.evaluate.metrics import Array, luma255, psnr, round8
from crispen.lab.studies.bench import Bench
from crispen.lab.studies.measuring import (
    Answer,
    Bytes,
    Entry,
    Picture,
    degraded,
    interpolation,
    measure,
    of_network,
)
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

_SCALE = 2
_KINDS = {"luma": "Y' of YCbCr", "yuv": "Y of YUV"}
# PSNR on studio-range luma minus PSNR on full-range luma, for the same picture, in dB.
RANGE_DB = 20 * math.log10(255 / 219)


def full_range_psnr(answer: Answer, target: Bytes, border: int) -> float:
    """PSNR in dB on the full-range luma Y of YUV, after 8-bit rounding, with peak 255.

    Args:
        answer: The output.
        target: ``(H, W, 3)``.
        border: Pixels excluded on each side.
    """
    luma = answer.luma if answer.luma is not None else luma255(answer.rgb)
    return psnr(round8(_full(luma)), _full(luma255(target)), border=border)


def _full(studio: Array) -> Array:
    return (studio - 16.0) * (255.0 / 219.0)


def _measure(bench: Bench) -> Outcome:
    pictures = degraded(bench.targets, (), scale=_SCALE)
    entries = [interpolation("bicubic", _SCALE)]
    # Networks that get the kind of luma on which they were not trained.
    crossed: list[Entry] = []
    for color, kind in _KINDS.items():
        network = bench.network(f"espcn-{color}")
        name = f"ESPCN, {kind}"
        entries.append(of_network(name, network, color))
        crossed.append(of_network(name, network, "yuv" if color == "luma" else "luma"))
    results = measure(entries, pictures, border=_SCALE, progress=bench.progress)
    wrong = measure(crossed, pictures, border=_SCALE, progress=bench.progress)
    rows: list[Row] = []
    for i, (entry, result) in enumerate(zip(entries, results, strict=True)):
        full = _mean_full(entry, pictures)
        rows.append(
            result.row()
            | {
                "full": full,
                "difference": full - result.means["psnr"],
                "crossed": wrong[i - 1].means["psnr"] if i else None,
            }
        )
    table = ResultTable(
        "color",
        "The same outputs, measured on both kinds of luma",
        [
            NAME,
            Column("psnr", "PSNR on Y' of YCbCr, dB", ".2f", "high"),
            SSIM,
            Column("full", "PSNR on Y of YUV, dB", ".2f"),
            Column("difference", "difference", "+.2f"),
            Column("crossed", "with the other luma as input: PSNR on Y', dB", ".2f"),
        ],
        rows,
        f"Means over {len(pictures)} pictures at ×{_SCALE}, downscaled with MATLAB's bicubic "
        f"filter. Measured after 8-bit rounding, with a border of {_SCALE} pixels shaved; SSIM on "
        "Y' of YCbCr.",
    )
    answers = [
        (
            name.removeprefix("ESPCN, "),
            f"{r.each[0]['psnr']:.2f} dB",
            r.answers[0],
        )
        for name, r in zip((e.name for e in entries), results, strict=True)
    ]
    cells = same_place(pictures[0].target, answers, between=(0, 1))
    picture = ResultPicture(
        "espcn",
        "Bicubic, ESPCN on either luma, and the target: the crop where bicubic and ESPCN differ "
        "most. PSNR is measured on Y' of the whole picture.",
        plate([cells]),
    )
    return Outcome([table, _curves(bench)], [picture])


def _mean_full(entry: Entry, pictures: list[Picture]) -> float:
    values = [full_range_psnr(entry.run(p.input), p.target, _SCALE) for p in pictures]
    return float(np.mean(values))


def _curves(bench: Bench) -> ResultTable:
    """Training loss and validation PSNR of both runs, each on its own luma."""
    logs = {color: bench.run(f"espcn-{color}").log for color in _KINDS}
    losses = {color: dict(log.curve("loss")) for color, log in logs.items()}
    levels = {color: dict(log.curve("val_psnr")) for color, log in logs.items()}
    rows: list[Row] = []
    for step in sorted(set(losses["luma"]) & set(losses["yuv"])):
        studio, full = losses["luma"][step], losses["yuv"][step]
        rows.append(
            {
                "name": f"step {step:,.0f}",
                "studio": studio,
                "full": full,
                "ratio": full / studio if studio else None,
                "psnr": levels["luma"].get(step),
                "full_psnr": levels["yuv"].get(step),
            }
        )
    return ResultTable(
        "training",
        "Training loss and validation of the two runs",
        [
            NAME,
            Column("studio", "L1 on Y'", ".5f"),
            Column("full", "L1 on Y", ".5f"),
            Column("ratio", "ratio", ".3f"),
            Column("psnr", f"validation on Y': {PSNR.title}", ".2f"),
            Column("full_psnr", f"validation on Y: {PSNR.title}", ".2f"),
        ],
        rows,
        "Same seed, same crops, same steps. An absolute error is 255/219 = 1.164 times as large on "
        "full range, so the loss on Y is above the loss on Y' from the first step to the last.",
    )


COLOR = Study(
    name="color",
    title="YUV against YCbCr",
    question=(
        "ESPCN gives different figures when trained on the luma of YUV and on the luma of YCbCr. "
        "Is one colour space better than the other?"
    ),
    trainings=tuple(
        Training(
            f"espcn-{color}",
            "espcn-x2",
            (
                f'data.color="{color}"',
                "data.patch=24",
                "train.steps=600",
                "train.warmup=50",
                "train.learning_rate=2e-3",
                "train.validate_every=200",
                "train.log_every=200",
            ),
            (f'data.color="{color}"', "data.patch=16"),
        )
        for color in _KINDS
    ),
    measure=_measure,
    quick=(
        'data={kind="toy", count=12, side=96, patch=16, batch=4, valid_share=0.2}',
        "train.steps=30",
        "train.warmup=4",
        "train.validate_every=10",
        "train.log_every=10",
        "validation.count=2",
    ),
    data="../shared/data/train (photographs under open licences)",
    pictures=("Set5",),
    remarks=(
        "Neither is better. Both lumas are the same weighted sum of R', G' and B': one ranges from "
        "16 to 235, the other from 0 to 255. They differ in range and offset, not in colour "
        "space; docs/color.md has the formulas.",
        f"PSNR relates an error to the fixed peak 255, so it is {RANGE_DB:.2f} dB lower on full "
        "range for the same picture. Bicubic interpolation shows exactly this difference.",
        "The original study compared figures measured on two different scales. Measured on one "
        "scale, the difference between two short runs with one seed each cannot be distinguished "
        "from chance: repeat both with --set train.seed=1 and another folder (-o) before relying "
        "on it. A small difference early in training is to be expected: the wider range calls for "
        "larger changes, which a network learns faster at the same learning rate.",
        "Confusing the two at inference costs the network a little; confusing them in a table "
        f"costs {RANGE_DB:.2f} dB.",
    ),
)
