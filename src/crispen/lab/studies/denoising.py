"""The denoising study: autoencoders and a U-Net, trained on clean (A) or noisy inputs (B)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from crispen.evaluate.filters import median
from crispen.lab.degradations import Brighten, ColorNoise, Darken, Degradation, SaltAndPepper
from crispen.lab.studies.bench import Bench
from crispen.lab.studies.measuring import (
    Answer,
    Entry,
    Measured,
    Picture,
    degraded,
    measure,
    untouched,
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
from crispen.lab.studies.plates import Cell, plate
from crispen.lab.studies.study import Study, Training

NETWORKS = {
    "conv-8x8x2": ("autoencoder-denoise", "convolutional, 8×8×2"),
    "conv-2x2x8": ("autoencoder-denoise-small", "convolutional, 2×2×8"),
    "conv-8x8x2-as-built": ("autoencoder-denoise", "convolutional as built, 8×8×2"),
    "conv-2x2x8-as-built": ("autoencoder-denoise-small", "convolutional as built, 2×2×8"),
    "dense": ("autoencoder-dense", "dense, 8×8×2"),
    "variational": ("autoencoder-variational", "variational, 10 latents"),
    "unet": ("unet-denoise", "U-Net"),
}
INPUTS = {"a": "A", "b": "B"}
_PLAIN = "convolutional, 8×8×2"
_AS_BUILT = {
    "convolutional as built, 8×8×2": _PLAIN,
    "convolutional as built, 2×2×8": "convolutional, 2×2×8",
}
# Wide enough for the names below the cells.
_CELL_PX = 108
NOISES = {
    "salt-and-pepper": SaltAndPepper,
    "color-noise": ColorNoise,
    "darken": Darken,
    "brighten": Brighten,
}
PROPORTIONS = (0.3, 0.4, 0.5, 0.6)
_SHOWN = 0.4
_CLEAN: tuple[str, float] = ("clean", 0.0)
_COUNT, _SIDE = 30, 32
_NOTE = (
    "Means over {count} held-out pictures of {side}×{side} px, measured on R'G'B' after 8-bit "
    "rounding, with no border shaved."
)


def _measure(bench: Bench) -> Outcome:
    targets = bench.held_out("conv-8x8x2-b", _COUNT, _SIDE)
    entries = [
        untouched(),
        Entry("median filter, 3×3", lambda pixels: Answer(median(pixels))),
        *(
            bench.entry(f"{key}-{inputs}", f"{name}, {letter}")
            for key, (_, name) in NETWORKS.items()
            for inputs, letter in INPUTS.items()
        ),
    ]
    conditions: dict[tuple[str, float], Sequence[Degradation]] = {
        (key, p): (noise(proportion=(p, p)),) for key, noise in NOISES.items() for p in PROPORTIONS
    }
    conditions[_CLEAN] = ()
    pictures = {place: degraded(targets, tables) for place, tables in conditions.items()}
    results = {
        place: measure(entries, shown, color="rgb", progress=bench.progress)
        for place, shown in pictures.items()
    }
    note = _NOTE.format(count=len(targets), side=_SIDE)
    return Outcome(
        [
            ResultTable(
                "noises",
                "PSNR in dB by noise, mean over 30, 40, 50 and 60 %",
                [NAME, PARAMETERS, *(_decibels(key) for key in (*NOISES, "clean"))],
                [
                    {"name": entry.name, "parameters": entry.parameters or None}
                    | {key: _mean(results, i, key) for key in (*NOISES, "clean")}
                    for i, entry in enumerate(entries)
                ],
                f"{note} A: trained with clean inputs; B: trained with noisy inputs. The last "
                "column is measured with clean inputs.",
            ),
            ResultTable(
                "figures",
                "Mean over all noises and proportions",
                [NAME, MSE, PSNR, SSIM],
                [_overall(results, i, entry.name) for i, entry in enumerate(entries)],
            ),
            ResultTable(
                "proportions",
                "PSNR in dB by proportion, mean over the four noises",
                [NAME, *(_decibels(f"{p:.0%}") for p in PROPORTIONS)],
                [
                    {"name": entry.name}
                    | {f"{p:.0%}": _mean(results, i, *NOISES, proportion=p) for p in PROPORTIONS}
                    for i, entry in enumerate(entries)
                ],
            ),
        ],
        [_picture(results, pictures)],
    )


_Results = dict[tuple[str, float], list[Measured]]


def _decibels(key: str) -> Column:
    return Column(key, key, ".2f", "high")


def _mean(results: _Results, i: int, *keys: str, proportion: float | None = None) -> float:
    """Mean PSNR in dB of entry `i` over the noises `keys`, at one proportion or at all."""
    chosen = [
        found[i].means["psnr"]
        for (key, p), found in results.items()
        if key in keys and proportion in (None, p)
    ]
    return float(np.mean(chosen))


def _overall(results: _Results, i: int, name: str) -> Row:
    found = [one[i].means for place, one in results.items() if place != _CLEAN]
    keys = ("mse", "psnr", "ssim")
    return {"name": name} | {key: float(np.mean([m[key] for m in found])) for key in keys}


def _picture(results: _Results, pictures: dict[tuple[str, float], list[Picture]]) -> ResultPicture:
    lines: list[list[Cell]] = []
    for row, noise in enumerate(NOISES):
        place = (noise, _SHOWN)
        which = row % len(pictures[place])
        shown = pictures[place][which]
        answers = [
            (_short(one.name), f"{one.each[which]['psnr']:.2f} dB", one.answers[which])
            for one in results[place]
            if one.name == "U-Net, A" or (one.name.endswith(", B") and "as built" not in one.name)
        ]
        lines.append([("input", noise, shown.input), *answers, ("target", "", shown.target)])
    return ResultPicture(
        "noises",
        f"One picture for each noise at {_SHOWN:.0%}: the input, the outputs of the networks "
        "trained with noisy inputs (B) and of the U-Net trained with clean inputs (A), and the "
        "target.",
        plate(lines, cell_px=_CELL_PX),
    )


def _short(name: str) -> str:
    """An entry's name, shortened to fit below a cell."""
    short = {"convolutional, ": "", ", 8×8×2,": ",", "variational, 10 latents": "VAE"}
    for long, brief in short.items():
        name = name.replace(long, brief)
    return name


def _trainings() -> tuple[Training, ...]:
    changes = {
        "conv-8x8x2-as-built": ("network.variant=study",),
        "conv-2x2x8-as-built": ("network.variant=study",),
        "variational": ("train.learning_rate=1e-3",),
        "unet": (
            'data={kind="cifar10", path="../shared/data/cifar10"}',
            "network.width=16",
            "loss=[{kind='mse'}]",
            "validation.monitor=mse",
            "validation.count=64",
            # One of its steps takes as long as several steps of the other networks.
            "data.batch=32",
            "train.steps=400",
        ),
    }
    return tuple(
        Training(
            f"{key}-{inputs}",
            recipe,
            (
                "train.learning_rate=2e-3",
                "data.batch=64",
                "train.steps=1000",
                *changes.get(key, ()),
                "train.warmup=50",
                "train.validate_every=500",
                "train.sample_every=500",
                # Never applied, so the input is the target.
                *(("degradation.0.probability=0.0",) if inputs == "a" else ()),
            ),
            ("network.width=4",) if key == "unet" else (),
        )
        for key, (recipe, _) in NETWORKS.items()
        for inputs in INPUTS
    )


def _conclude(tables: Mapping[str, ResultTable]) -> list[str]:
    noises, overall = tables["noises"], tables["figures"]
    better: list[str] = []
    worse: list[str] = []
    for _, name in NETWORKS.values():
        a, b = (f"{name}, {letter}" for letter in INPUTS.values())
        all_noises = all(noises.number(b, key) > noises.number(a, key) for key in NOISES)
        (better if all_noises else worse).append(name)
    dense, plain = (overall.number(f"{name}, B", "psnr") for name in ("dense, 8×8×2", _PLAIN))
    parts = [f"B beats A on all four noises for {len(better)} of {len(NETWORKS)} networks"]
    parts += [f" (not for {'; '.join(worse)})"] if worse else []
    return [
        f"{''.join(parts)}. The original study concludes the opposite, that networks trained with "
        "clean inputs (A) remove noise better"
        f"{'' if len(better) < len(worse) else '; these figures contradict it'}.",
        f"The dense autoencoder, trained with B, is {gap(dense - plain)} the convolutional one "
        "with the same encoder and decoder in the mean over all noises, with more than twice the "
        "weights. The original study found it worse. A fully connected layer has no locality built "
        "in: it must learn which pixels are neighbours.",
        *(
            f"{name[0].upper()}{name[1:]}, B: "
            f"{gap(overall.number(f'{name}, B', 'psnr') - overall.number(f'{ours}, B', 'psnr'))} "
            "ours in the mean over all noises."
            for name, ours in _AS_BUILT.items()
        ),
    ]


DENOISING = Study(
    name="denoising",
    title="The denoising study: autoencoders and a U-Net against four noises",
    question=(
        "How well do a convolutional, a dense and a variational autoencoder remove salt-and-pepper "
        "noise, colour noise, darkening and brightening of 30 to 60 % when trained with clean "
        "inputs (A) or with noisy inputs (B), and does a U-Net do better?"
    ),
    trainings=_trainings(),
    measure=_measure,
    quick=(
        'data={kind="toy", count=12, side=32, color="rgb", patch=32, batch=2, valid_share=0.2}',
        "train.steps=8",
        "train.warmup=2",
        "train.validate_every=8",
        "validation.count=2",
    ),
    data="../shared/data/cifar10 (CIFAR-10: research use)",
    conclude=_conclude,
    remarks=(
        "A against B: a network trained with clean inputs learns to reproduce its input. It "
        "removes only the noise that does not pass its bottleneck: part of the salt-and-pepper "
        "noise, but no darkening or brightening, where its output is worse than its input. The "
        "U-Net is the extreme case: its skip connections pass everything, so trained with A it "
        "changes nothing. Networks trained with B never see a clean picture and treat it as a "
        "degraded one, as the last column shows.",
        "Bottlenecks: the A rows of the last column show how much of a picture the bottleneck can "
        "pass. 128, 32 or 10 numbers encode the 3,072 values of a picture, and no output is sharp. "
        "The U-Net has no such limit, which is why the original study asked for it next.",
        "The original study's networks have 23,659 (2×2×8) and 522,519 (variational) parameters, "
        "exactly as many as these. No other figures of the original are available for comparison, "
        "and they would differ: instead of CIFAR-10's 50,000 lossless pictures, training uses "
        "10,000 that were JPEG-compressed, so that block artefacts and colour bleeding are part of "
        "the targets, and each network trained for about a minute on a busy CPU. The U-Net has a "
        "quarter of its usual weights here and trained on a fifth of the crops of the others.",
        "The original study brightens by multiplication, which clips highlights. Here every value "
        "moves towards white, as in fog, without clipping, so that only the network is measured; "
        "--set degradation.0.parts.3.way=multiply trains with the original's degradation.",
        "The median filter is the baseline for salt-and-pepper noise, and needs no training: "
        "networks trained as briefly as these do not necessarily beat it, least of all on colour "
        "noise. It cannot correct darkening or brightening.",
    ),
)
