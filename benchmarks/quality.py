"""PSNR on Set5 and Set14: the shipped models, bicubic and well-known small networks.

Ours are measured now by the definition in `crispen.evaluate.metrics`. The published rows are
copied from Table 1 of N. Ahn et al., "Fast, accurate, and lightweight super-resolution with
cascading residual network", ECCV 2018, arXiv:1803.08664; their Set14 is a different copy of the
pictures, on which bicubic scores 0.08 dB less at x2.

    python benchmarks/quality.py [../shared/data/valid]
"""

from __future__ import annotations

import sys
from pathlib import Path

from _table import print_table
from crispen.evaluate.benchmark import evaluate
from crispen.models.store import find

SCALES = (2, 3, 4)
# (name, parameters, Set5 at x2, x3, x4, Set14 at x2, x3, x4)
PUBLISHED = [
    ("SRCNN, published", "57k", 36.66, 32.75, 30.48, 32.42, 29.28, 27.49),
    ("FSRCNN, published", "12k", 37.00, 33.16, 30.71, 32.63, 29.43, 27.59),
    ("VDSR, published", "665k", 37.53, 33.66, 31.35, 33.03, 29.77, 28.01),
    ("CARN-M, published", "412k", 37.53, 33.99, 31.92, 33.26, 30.08, 28.42),
]


def main(valid: Path) -> None:
    """Prints one table."""
    rows = []
    for family in ("bicubic", "espcn", "photo-fast", "photo"):
        cells = []
        for data in ("Set5", "Set14"):
            for scale in SCALES:
                model = family if family == "bicubic" else f"{family}-x{scale}"
                cells.append(f"{evaluate(model, valid / data, scale).psnr:.2f}")
        parameters = "0" if family == "bicubic" else f"{find(f'{family}-x2')[1].parameters:,}"
        rows.append([f"**{family}**", parameters, *cells])
    rows += [[name, size, *(f"{psnr:.2f}" for psnr in values)] for name, size, *values in PUBLISHED]
    print_table(
        "PSNR in dB on luma, LR by MATLAB's bicubic",
        ["", "parameters at x2", *(f"{d} x{s}" for d in ("Set5", "Set14") for s in SCALES)],
        rows,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/valid"))
