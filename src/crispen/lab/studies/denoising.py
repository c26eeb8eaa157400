"""The denoising study: four noises, three kinds of autoencoder and a U-Net, taught by A or by B."""

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
# Room for the names below.
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
    "Means over {count} pictures that none has seen, {side}×{side} px; R'G'B' after 8-bit "
    "rounding, no border shaved."
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
                "PSNR by noise, dB, mean of 30, 40, 50 and 60 %",
                [NAME, PARAMETERS, *(_decibels(key) for key in (*NOISES, "clean"))],
                [
                    {"name": entry.name, "parameters": entry.parameters or None}
                    | {key: _mean(results, i, key) for key in (*NOISES, "clean")}
                    for i, entry in enumerate(entries)
                ],
                f"{note} A: taught with clean pictures as inputs; B: with noisy ones. The last "
                "column is what each makes of a clean picture.",
            ),
            ResultTable(
                "figures",
                "All noises and proportions together",
                [NAME, MSE, PSNR, SSIM],
                [_overall(results, i, entry.name) for i, entry in enumerate(entries)],
            ),
            ResultTable(
                "proportions",
                "PSNR by proportion, dB, mean of the four noises",
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
    """Mean PSNR of an entry over noises and proportions."""
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
        f"One picture for each noise at {_SHOWN:.0%}: what comes in, the answers of those taught "
        "with noisy inputs (B), and of the U-Net taught with clean ones (A).",
        plate(lines, cell_px=_CELL_PX),
    )


def _short(name: str) -> str:
    """A name that fits below a small picture."""
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
            # A step of it costs as much as several of the others'.
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
                # Befalls no picture, so input and target are the same.
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
    parts = [f"On all four noises B is better than A for {len(better)} of {len(NETWORKS)} networks"]
    parts += [f" (not for {'; '.join(worse)})"] if worse else []
    return [
        f"{''.join(parts)}. The original concludes the opposite, that networks taught with clean "
        "inputs (A) remove noise better"
        f"{'' if len(better) < len(worse) else '; this table contradicts it'}.",
        f"Dense against convolutional with the same encoder and decoder, taught with B: "
        f"{gap(dense - plain)} in the mean of all noises, with more than twice the weights. The "
        "original found it worse. A layer that joins every place with every other must first learn "
        "that a picture's neighbours are neighbours.",
        *(
            f"{name[0].upper()}{name[1:]}, B: "
            f"{gap(overall.number(f'{name}, B', 'psnr') - overall.number(f'{ours}, B', 'psnr'))} "
            "ours in the mean of all noises."
            for name, ours in _AS_BUILT.items()
        ),
    ]


DENOISING = Study(
    name="denoising",
    title="The denoising study: autoencoders and a U-Net against four noises",
    question=(
        "How well do a convolutional, a dense and a variational autoencoder remove lost pixels, "
        "random colours and wrong light of 30 to 60 %, when they were taught with clean inputs (A) "
        "or with noisy ones (B), and does a U-Net do better?"
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
        "A against B: taught with clean inputs, a network learns to hand its input on. What it "
        "then removes of the noise is what does not fit through its bottleneck: part of the lost "
        "pixels, nothing of wrong light, where its answer is worse than the input. The U-Net "
        "shows it at its purest: its skips hand on everything, so taught with A it changes "
        "nothing at all. B networks have never seen a clean picture and take it for a degraded "
        "one, as the last column shows.",
        "Bottlenecks: the A rows of the last column are what can pass at all. 128, 32 or 10 "
        "numbers stand for the 3,072 of a picture, and none comes back sharp. The U-Net has no "
        "such limit, which is why the original asked for it next.",
        "The original's networks have 23,659 (2×2×8) and 522,519 (variational) parameters, and "
        "so have these, exactly. No other figures of it are at hand to stand beside these ones, "
        "and they would differ: of CIFAR-10's 50,000 lossless pictures the study has 10,000 that "
        "had been through JPEG, whose blocks and bled colours are part of the targets, and each "
        "network has a minute or so of one busy CPU. The U-Net has a quarter of its usual "
        "weights here and saw a fifth of the crops that the others saw.",
        "The original brightens by multiplying, and what goes over white is lost. Here light is "
        "added as through fog and nothing is lost, so that what is measured is the network alone; "
        "--set degradation.0.parts.3.way=multiply trains it as it was.",
        "A median filter knows nothing of pictures or noises and is the yardstick for lost "
        "pixels: a network that was trained as briefly as these need not beat it, above all with "
        "random colours. It can do nothing about wrong light.",
    ),
)
