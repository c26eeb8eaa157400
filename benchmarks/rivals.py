"""Speed of our networks for real pictures and of others', in OpenVINO, in one run.

Each enlarges the same picture of 480x320, or of --width and --height. The fastest of --turns
counts, and all take turns, so that a machine that slows down slows all of them. Ours run as in the
program, others' in bf16 if the CPU supports it. x2 networks run twice in the x4 column.

    python benchmarks/rivals.py [--teachers runs/teachers]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from _table import print_table
from crispen.enhance.model import load
from crispen.media.image import Image
from crispen.models.dials import Dials, VividDials

Bytes = NDArray[np.uint8]
TOLD = Dials(0.2, 0.5, 0.2)
OURS = {
    "photo-x2": None,
    "real-x2": TOLD,
    "vivid-x2": VividDials(*TOLD.values, vivid=1.0),
    "photo-x4": None,
    "real-x4": TOLD,
    "vivid-x4": VividDials(*TOLD.values, vivid=1.0),
}
THEIRS = {
    "waifu2x photo, x2": "waifu2x-photo-noise3-x2",
    "realesr-general-x4v3, x4": "realesr-general-x4v3",
    "Real-ESRGAN x4plus, x4": "realesrgan-x4plus",
}


def theirs(path: Path) -> Callable[[Bytes], object]:
    """A third-party ONNX file."""
    import openvino as ov

    model = ov.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
    return lambda pixels: model(pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255)


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teachers", type=Path, default=Path("runs/teachers"))
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--height", type=int, default=320)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (given.height, given.width, 3), np.uint8)
    runs: dict[str, Callable[[Bytes], object]] = {}
    for name, dials in OURS.items():
        model = load(name, dials=dials)
        runs[name] = lambda pixels, model=model: model(Image(pixels))  # type: ignore[misc]
    for name, file in THEIRS.items():
        path = given.teachers / f"{file}.onnx"
        if path.is_file():
            runs[name] = theirs(path)
    best = dict.fromkeys(runs, np.inf)
    for turn in range(given.turns + 1):  # the first warms up
        for name, run in runs.items():
            if "x4plus" in name and turn > 1:
                continue
            began = time.perf_counter()
            run(pixels)
            if turn:
                best[name] = min(best[name], time.perf_counter() - began)
    rows = [
        [name, f"{1000 * seconds:.0f} ms", f"{seconds / best['real-x2']:.2f}"]
        for name, seconds in best.items()
    ]
    print_table(f"{given.width}x{given.height} pixels enlarged", ["", "time", "of real-x2's"], rows)


if __name__ == "__main__":
    main()
