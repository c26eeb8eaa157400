"""What each augmentation does: small networks, trained alike but for it, on Set5 and Set14.

All get inputs that were bicubically halved and enlarged again, as CutBlur needs, and fold them, so
that they cost as much as at scale 2. Besides PSNR, the table says what a network does to a picture
that needs nothing (PSNR of its result for the target itself), which is what CutBlur is for. Each
cell is the mean over seeds ± their standard deviation; "gain" is the mean ± standard deviation of
Set5's difference to the network without augmentation of the same seed, which has the same initial
weights and crops. The table of ``docs/training.md`` has the first seed alone.

    python benchmarks/augmentation.py [--steps 1500] [--seeds 5] [--data ../shared/data/train]
    python benchmarks/augmentation.py --smoke          # seconds: whether it runs

With ``-o FILE`` each result is kept there as a line of JSON, and a run that was stopped continues.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from pathlib import Path

import torch

from _table import print_table
from crispen.evaluate.metrics import luma255, psnr, round8
from crispen.lab.networks import Network
from crispen.lab.recipe import Recipe, read_recipe
from crispen.lab.training import Trainer
from crispen.lab.validation import Case, folder_cases, run_whole

SCALE = 2
ROWS: dict[str, dict[str, float]] = {
    "none": {},
    "mixup 0.5": {"mixup": 0.5},
    "cutmix 0.5": {"cutmix": 0.5},
    "cutblur 0.5": {"cutblur": 0.5},
    "channel shuffle 0.5": {"channel_shuffle": 0.5},
    "a quarter each": {"mixup": 0.25, "cutmix": 0.25, "cutblur": 0.25, "channel_shuffle": 0.25},
}
CPU = torch.device("cpu")


def recipe(args: argparse.Namespace, augment: dict[str, float], seed: int) -> Recipe:
    """The recipe of one run."""
    table = {
        "name": "augmentation",
        "task": "restore",
        "scale": 1,
        "network": {"kind": "plain", "width": 24, "depth": 4, "unshuffle": SCALE},
        "data": {
            "path": str(args.data),
            "color": "rgb",
            "patch": 48,
            "batch": 16,
            "limit": args.limit,
            "shortest": 512,
        },
        "degradation": [
            {"kind": "pixelate", "size": 1 / SCALE, "down": "bicubic", "up": "bicubic"}
        ],
        "loss": [{"kind": "l1"}],
        "augment": augment,
        "train": {
            "steps": args.steps,
            "learning_rate": 2e-3,
            "warmup": 100,
            "precision": "fp32",
            "seed": seed,
            "validate_every": args.steps,
            "save_every": args.steps,
            "sample_every": 0,
        },
        "validation": {"count": 4},
    }
    return read_recipe(table, "augmentation")


def grey(x: torch.Tensor) -> object:
    """Y' of ``(1, 3, H, W)``, rounded."""
    levels = (x[0].clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    return round8(luma255(levels))


@torch.no_grad()
def measured(network: Network, cases: list[Case], *, clean: bool = False) -> float:
    """Mean PSNR of Y' in dB, two pixels shaved, for the inputs or for the targets themselves."""
    return statistics.mean(
        psnr(
            grey(run_whole(network, case.target if clean else case.input)),
            grey(case.target),
            border=SCALE,
        )
        for case in cases
    )


def spread(values: list[float]) -> str:
    """Mean ± standard deviation; of one value the value alone.

    >>> spread([1.0, 3.0]), spread([2.0]), spread([1.0, math.inf])
    ('2.00 ± 1.41', '2.00', '∞')
    """
    if any(math.isinf(value) for value in values):
        return "∞"
    mean = f"{statistics.mean(values):.2f}"
    return f"{mean} ± {statistics.stdev(values):.2f}" if len(values) > 1 else mean


def gain(runs: dict[int, list[float]], without: dict[int, list[float]]) -> str:
    """Of the first figure over that of the same seed without augmentation."""
    return spread([figures[0] - without[seed][0] for seed, figures in runs.items()])


def kept_results(file: Path | None, about: dict[str, object]) -> dict[tuple[int, str], list[float]]:
    """Results of an earlier run with the same settings, by seed and row."""
    if file is None or not file.exists():
        return {}
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return {
        (line["seed"], line["row"]): line["figures"] for line in lines if line["about"] == about
    }


def trained(args: argparse.Namespace, augment: dict[str, float], seed: int) -> Network:
    """The network of one run."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(recipe(args, augment, seed), Path(folder) / "run", device="cpu")
        trainer.fit()
    return trainer.learner.average


def main() -> None:
    """Trains all and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=100, help="pictures to train on")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--valid", type=Path, default=Path("../shared/data/valid"))
    parser.add_argument("-o", "--output", type=Path, help="results, a line each; continued")
    parser.add_argument("--smoke", action="store_true", help="2 steps on 3 pictures, 2 seeds")
    args = parser.parse_args()
    if args.smoke:
        args.steps, args.seeds, args.limit = 2, 2, 3
    torch.set_num_threads(1)
    sets = {
        name: folder_cases(args.valid / name, recipe(args, {}, 0), CPU)[: 1 if args.smoke else None]
        for name in ("Set5", "Set14")
    }
    about = {"steps": args.steps, "limit": args.limit, "data": str(args.data)}
    kept = kept_results(args.output, about)
    found: dict[str, dict[int, list[float]]] = {name: {} for name in ROWS}
    # Seed by seed, so that a run that is stopped has compared all of them.
    for seed in range(args.seeds):
        for name, augment in ROWS.items():
            figures = kept.get((seed, name), [])
            if not figures:
                network = trained(args, augment, seed)
                figures = [measured(network, cases) for cases in sets.values()]
                figures.append(measured(network, sets["Set5"], clean=True))
                if args.output is not None:
                    line = {"about": about, "seed": seed, "row": name, "figures": figures}
                    with args.output.open("a") as file:
                        file.write(json.dumps(line) + "\n")
            found[name][seed] = figures
            print(f"seed {seed}, {name}:", *(f"{x:.2f}" for x in figures), flush=True)
    rows = [
        [name, *map(spread, map(list, zip(*runs.values(), strict=True))), gain(runs, found["none"])]
        for name, runs in found.items()
    ]
    print_table(
        f"{args.steps} steps, {args.seeds} seeds, {args.limit} pictures, PSNR of Y' in dB",
        ["augmentation", *sets, "Set5's targets as input", "gain on Set5"],
        rows,
    )


if __name__ == "__main__":
    main()
