"""How the whole command spends its time on a 12-megapixel JPEG, and what tiles cost.

The command is a cold process. Its time inside the network is the sum of the network's inferences
(convolutions only) for the same windows that the command ran, measured in the same process right
after it; the rest is decoding, colour, tiling, encoding and startup.

    python benchmarks/pictures.py [photo-x2] [tiles]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from _table import interleaved, print_table
from crispen.engines.opening import open_engine
from crispen.enhance.enhancer import Enhancer
from crispen.media.image import Image, write_image
from crispen.models.store import find

INSIDE = """
import json, sys, time
from collections import Counter
began = time.perf_counter()
import numpy as np
from crispen.engines import openvino
windows, plans, inside = Counter(), {}, 0.0
run = openvino.OpenVinoEngine.run
def counted(self, pixels, **how):
    global inside
    at = time.perf_counter()
    out = run(self, pixels, **how)
    inside += time.perf_counter() - at
    windows[pixels.shape] += 1
    plans.update({(w.height, w.width, w.channels): p for w, p in self._plans.items()})
    return out
openvino.OpenVinoEngine.run = counted
from crispen.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
wall = time.perf_counter() - began
network = 0.0
for shape, count in windows.items():
    request = plans[shape]._network.create_infer_request()
    request.set_input_tensor(0, openvino.ov.Tensor(np.full(shape, 100, np.uint8)))
    request.infer()
    at = time.perf_counter()
    for _ in range(3):
        request.infer()
    network += count * (time.perf_counter() - at) / 3
print(json.dumps({"wall": wall, "engine": inside, "network": network}), file=sys.stderr)
"""


def photo(height: int, width: int) -> np.ndarray:
    """A mixture of a ramp and noise, so that JPEG has as much work as for a photograph."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 16 + 2, width // 16 + 2, 3)).astype(np.float32)
    smooth = np.repeat(np.repeat(coarse, 16, 0), 16, 1)[:height, :width]
    grain = rng.normal(0, 6, (height, width, 1)).astype(np.float32)
    return np.clip(0.6 * smooth + 50 + grain, 0, 255).astype(np.uint8)


def command(model: str) -> None:
    """Prints the time shares of one cold command, median of three."""
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "photo.jpg"
        write_image(Image(photo(3000, 4000)), source)
        for _ in range(3):
            began = time.perf_counter()
            done = subprocess.run(
                [
                    *(sys.executable, "-c", INSIDE, "enhance", str(source), "--model", model),
                    *("-o", str(Path(folder) / "out.jpg"), "--overwrite"),
                ],
                check=True,
                capture_output=True,
                text=True,
            )
            whole = time.perf_counter() - began
            told = json.loads(done.stderr.strip().splitlines()[-1])
            # The three inferences after the command do not count; the interpreter's start does.
            told["wall"] += min(0.1, max(0.0, whole - told["wall"]))
            shares.append(told)
    wall = statistics.median(t["wall"] for t in shares)
    rows = [
        [name, f"{statistics.median(t[key] for t in shares):.2f}", f"{share:.0%}"]
        for name, key in (
            ("whole command", "wall"),
            ("inside the engine (network, base, colour, rounding)", "engine"),
            ("inside the network (convolutions)", "network"),
        )
        for share in [statistics.median(t[key] / t["wall"] for t in shares)]
    ]
    print_table(
        f"4000x3000 JPEG to 8000x6000 with {model}: {12 / wall:.2f} megapixels a second",
        ["", "seconds", "share"],
        rows,
    )


def tiles(model: str) -> None:
    """Prints the throughput of tiles and that of the best whole picture."""
    path, card = find(model)
    engine = open_engine(path, card)
    large = photo(3000, 4000)
    wholes = {f"whole, {w}x{h}": photo(h, w) for w, h in ((960, 540), (1280, 960), (2000, 1500))}
    enhancer = Enhancer([model])
    cpu: dict[str, list[float]] = {}

    def timed(name: str, run: Callable[[], object]) -> Callable[[], None]:
        def work() -> None:
            began = time.process_time()
            run()
            cpu.setdefault(name, []).append(time.process_time() - began)

        return work

    runs: dict[str, Callable[[], object]] = {
        name: lambda p=p: engine.run(p) for name, p in wholes.items()
    }
    runs["tiled, 4000x3000"] = lambda: enhancer.enhance(large)
    pixels = {name: p.shape[0] * p.shape[1] / 1e6 for name, p in wholes.items()}
    pixels["tiled, 4000x3000"] = 12.0
    wall = interleaved({name: timed(name, run) for name, run in runs.items()}, rounds=3)
    speeds = {
        name: (pixels[name] / wall[name], pixels[name] / statistics.median(cpu[name][-3:]))
        for name in runs
    }
    best = [max(speeds[name][i] for name in wholes) for i in range(2)]
    # With other programs running, wall time would measure them; CPU time does not.
    print_table(
        f"Tiles, {model}",
        ["", "megapixels in a second", "of the best", "in a CPU second", "of the best"],
        [
            [
                name,
                *(
                    text
                    for v, b in zip(speed, best, strict=True)
                    for text in (f"{v:.2f}", f"{v / b:.0%}")
                ),
            ]
            for name, speed in speeds.items()
        ],
    )


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "photo-x2"
    if sys.argv[2:] != ["tiles"]:
        command(chosen)
    tiles(chosen)
