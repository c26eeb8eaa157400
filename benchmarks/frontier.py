"""Decibels against seconds: the shipped models and the public frontier.

The public figures are those of the design's last section: well-known small networks run in
OpenVINO in bf16 on a machine of this kind (2 cores, AVX-512 with bf16). Ours are measured now: PSNR
on Set5, and seconds for one whole luma frame to 1920×1080, bytes in and bytes out, each in the
number format that the engine chooses. To check that this machine is as fast as the one of the
public figures: ESPCN x2 took 0.080 s there.

    python benchmarks/frontier.py ../shared/data/valid
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from _table import interleaved, print_table
from crispen.engines.opening import open_engine
from crispen.evaluate.benchmark import evaluate
from crispen.models.store import find

# (label, Set5 PSNR in dB, seconds): ../shared/DESIGN.md, "Measured facts the design rests on".
PUBLIC = {
    2: [
        ("plain stack, 11k", 37.17, 0.031),
        ("plain stack, 41k", 37.40, 0.067),
        ("plain stack, 92k", 37.63, 0.161),
        ("attention, 411k", 38.06, 0.57),
    ],
    4: [
        ("21k", 30.87, 0.012),
        ("52k", 31.25, 0.026),
        ("154k", 32.03, 0.055),
        ("283k", 32.19, 0.131),
        ("352k", 32.34, 0.275),
    ],
}
FRAME = {2: (540, 960), 3: (360, 640), 4: (270, 480)}
FAMILIES = ("espcn", "photo-fast", "photo")


def frontier_psnr(scale: int, seconds: float) -> float | None:
    """The public frontier's PSNR at that time: linear in log-seconds between its points.

    Below the time of its fastest point, the PSNR of that point is used.
    """
    points = PUBLIC.get(scale)
    if not points:
        return None
    times = np.log([p[2] for p in points])
    return float(np.interp(np.log(seconds), times, [p[1] for p in points]))


def main(valid: Path) -> None:
    """Prints one table per scale."""
    for scale in (2, 3, 4):
        names = [f"{family}-x{scale}" for family in FAMILIES]
        height, width = FRAME[scale]
        frame = np.random.default_rng(0).integers(16, 236, (height, width, 1), np.uint8)
        engines = {name: open_engine(*find(name)) for name in names}
        seconds = interleaved(
            {n: lambda e=e, f=frame: e.run(f, studio=True) for n, e in engines.items()}
        )
        rows = []
        for name in names:
            psnr = evaluate(name, valid / "Set5", scale).psnr
            public = frontier_psnr(scale, seconds[name])
            rows.append(
                [
                    f"**{name}**",
                    f"{engines[name].card.parameters:,}",
                    f"{psnr:.2f}",
                    f"{seconds[name]:.4f}",
                    "–" if public is None else f"{psnr - public:+.2f}",
                ]
            )
        rows += [[label, "", f"{p:.2f}", f"{s:.4f}", ""] for label, p, s in PUBLIC.get(scale, [])]
        rows.sort(key=lambda row: float(row[3]))
        print_table(
            f"x{scale}, {width}x{height} to {width * scale}x{height * scale}",
            ["model", "parameters", "Set5 dB", "seconds", "dB above the frontier"],
            rows,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/valid"))
