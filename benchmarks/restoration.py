"""PSNR of the restoration models and the classic filters, in one table.

Each row is one degradation, with the model made for it. Numbers are those of `crispen evaluate`: on
Y' (or on R'G'B' with --rgb), 8-bit rounding, no border shaved. Missing models are left out. An
argument is a folder of pictures, a data set's name, or a training run, whose held-out pictures are
used.

    python benchmarks/restoration.py [--rgb] [Set5 runs/denoise-photo …]
"""

from __future__ import annotations

import sys
from pathlib import Path

from _table import print_table
from crispen.cli._degrading import typed_degradation
from crispen.errors import ModelError
from crispen.evaluate.benchmark import evaluate_pairs
from crispen.evaluate.findings import held_out_pairs
from crispen.evaluate.pairs import Pair, find_data, find_pairs
from crispen.evaluate.run_folders import is_run, read_run
from crispen.evaluate.scores import Protocol
from crispen.models.store import find

FILTERS = ("none", "median", "adaptive-median", "bilateral", "nl-means", "unsharp")
# Maximum number of pictures of a run, since non-local means is slow.
MOST_PICTURES = 12
# (degradation, the model made for it)
ROWS = (
    ("gaussian-noise=15", "denoise-photo"),
    ("gaussian-noise=25", "denoise-photo"),
    ("gaussian-noise=50", "denoise-photo"),
    ("poisson-noise=200", "denoise-photo"),
    ("jpeg=30", "denoise-photo"),
    ("salt-and-pepper=0.3", "denoise-impulse"),
    ("salt-and-pepper=0.5", "denoise-impulse"),
    ("color-noise=0.3", "denoise-impulse"),
    ("color-noise=0.5", "denoise-impulse"),
    ("darken=0.5", "relight"),
    ("brighten=0.5", "relight"),
    ("gaussian-blur=1.5", "sharpen-photo"),
    ("motion-blur=7", "sharpen-photo"),
    ("pixelate=0.5", "sharpen-photo"),
)


def pictures(argument: str) -> tuple[str, list[Pair]]:
    """The pictures that an argument refers to."""
    if is_run(Path(argument)):
        run = read_run(Path(argument))
        return f"held out of {run.name}", held_out_pairs(run)[:MOST_PICTURES]
    folder = find_data(argument)
    return folder.name, find_pairs(folder, 1, degraded=True)


def is_there(model: str) -> bool:
    """Whether a model is shipped or was added."""
    try:
        find(model)
    except ModelError:
        return False
    return True


def main(arguments: list[str], rgb: bool) -> None:
    """Prints one table."""
    rows = []
    for argument in arguments or ["Set5"]:
        data, pairs = pictures(argument)
        for text, model in ROWS:
            degrade, words = typed_degradation([text], 1, seed=0)
            protocol = Protocol("rgb" if rgb else "luma", None, ("psnr",), degrade, words)
            cells = [data, text]
            for name in (*FILTERS, model):
                if name == model and not is_there(model):
                    cells.append("")
                    continue
                score = evaluate_pairs(name, pairs, 1, data=data, protocol=protocol)
                cells.append(f"{score.psnr:.2f}")
            rows.append([*cells, f"**{model}**"])
            print(".", end="", file=sys.stderr, flush=True)
    plane = "R'G'B'" if rgb else "Y'"
    print_table(
        f"PSNR in dB on {plane}; `none` is the degraded input",
        ["data", "degraded by", *FILTERS, "ours", "which is"],
        rows,
    )


if __name__ == "__main__":
    given = sys.argv[1:]
    main([a for a in given if a != "--rgb"], "--rgb" in given)
