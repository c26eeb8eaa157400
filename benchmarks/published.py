"""Others' published networks on a CPU: Crispen beside ncnn, which they are made for, and PyTorch.

The same network files on the same picture, in turn, by the same number of threads; the fastest of
--turns counts. Crispen's time is that of a whole picture, exact tiles included; ncnn and PyTorch
get the picture as one tile, which is their best case. The last column says how far Crispen's
pixels are from ncnn's. Needs ``pip install ncnn``.

    python benchmarks/published.py [--teachers ../shared/data/teachers] [--size 256x192]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from _table import print_table
from crispen.engines.torch import TorchEngine
from crispen.enhance.model import load
from crispen.enhance.target import parse_size
from crispen.media.image import Image
from crispen.models.store import find

Bytes = NDArray[np.uint8]
TEACHERS = Path(__file__).parents[2] / "shared/data/teachers"


def in_ncnn(path: Path, threads: int) -> Callable[[Bytes], Bytes]:
    """The network by ncnn, with its own defaults."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = False
    net.load_param(str(path))
    net.load_model(str(path.with_suffix(".bin")))

    def run(pixels: Bytes) -> Bytes:
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / 255
        extractor = net.create_extractor()
        extractor.input(net.input_names()[0], ncnn.Mat(planes))
        _, answer = extractor.extract(net.output_names()[0])
        made: Bytes = np.rint(np.clip(np.array(answer), 0, 1) * 255).astype(np.uint8)
        return made.transpose(1, 2, 0)

    return run


def distance(this: Bytes, that: Bytes) -> float:
    """Mean difference in levels, of what both have."""
    rows, columns = (min(a, b) for a, b in zip(this.shape[:2], that.shape[:2], strict=True))
    cut = [
        part[(part.shape[0] - rows) // 2 :, (part.shape[1] - columns) // 2 :][:rows, :columns]
        for part in (this, that)
    ]
    return float(np.abs(cut[0].astype(float) - cut[1]).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teachers", type=Path, default=TEACHERS)
    parser.add_argument("--size", default="256x192")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    width, height = parse_size(asked.size)
    pixels = np.ascontiguousarray(astronaut()[:height, 100 : 100 + width])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CRISPEN_MODELS"] = folder
        for file in sorted(asked.teachers.glob("*.param")):
            add = [sys.executable, "-m", "crispen", "models", "add", str(file)]
            subprocess.run(add, check=True, capture_output=True)
            model = load(file.stem, threads=asked.threads)
            path, card = find(file.stem)
            torch = TorchEngine(path, card, threads=asked.threads)
            ncnn = in_ncnn(file, asked.threads)
            ways: dict[str, Callable[[], Bytes]] = {
                "crispen": lambda model=model: model(Image(pixels)).pixels,  # type: ignore[misc]
                "ncnn": lambda ncnn=ncnn: ncnn(pixels),  # type: ignore[misc]
                "torch": lambda torch=torch: torch.run(pixels),  # type: ignore[misc]
            }
            best = dict.fromkeys(ways, np.inf)
            made = {}
            for turn in range(asked.turns + 1):  # the first warms up
                for name, run in ways.items():
                    began = time.perf_counter()
                    made[name] = run()
                    if turn:
                        best[name] = min(best[name], time.perf_counter() - began)
            megapixels = width * height / 1e6
            rows.append(
                [
                    file.stem,
                    model.engine.precision,
                    *(f"{best[name] / megapixels:.2f}" for name in ways),
                    f"{best['ncnn'] / best['crispen']:.1f}",
                    f"{best['torch'] / best['crispen']:.1f}",
                    f"{distance(made['crispen'], made['ncnn']):.2f}",
                ]
            )
    print_table(
        f"Published networks, {asked.size} pixels, {asked.threads} threads, seconds a megapixel",
        ["", "Crispen in", "Crispen", "ncnn", "PyTorch", "x ncnn", "x PyTorch", "levels apart"],
        rows,
    )


if __name__ == "__main__":
    main()
