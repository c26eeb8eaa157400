"""Startup time: ``crispen --help`` and ``crispen enhance`` of a 256×256 PNG, each a cold process.

python benchmarks/start.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from _table import interleaved, print_table
from crispen.media.image import Image, write_image


def main() -> None:
    """Prints medians over whole processes."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "a.png", Path(folder) / "b.png"
        noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
        write_image(Image(noise), source)

        def crispen(*arguments: str) -> None:
            subprocess.run(
                [sys.executable, "-m", "crispen", *arguments], check=True, capture_output=True
            )

        seconds = interleaved(
            {
                "python -c pass": lambda: subprocess.run([sys.executable, "-c", "pass"]),
                "crispen --help": lambda: crispen("--help"),
                "crispen enhance, 256x256 PNG, photo-x2": lambda: crispen(
                    "enhance", str(source), "-o", str(target), "--overwrite", "--model", "photo-x2"
                ),
            },
            rounds=5,
            warmup=1,
        )
    goals = {"crispen --help": "0.3", "crispen enhance, 256x256 PNG, photo-x2": "1.5"}
    print_table(
        "Start",
        ["command", "seconds", "goal"],
        [[name, f"{s:.2f}", goals.get(name, "")] for name, s in seconds.items()],
    )


if __name__ == "__main__":
    main()
