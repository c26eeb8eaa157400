"""Writes ``web/tests/alone.figures.json``: expected results of the page without a server.

Its arithmetic is a second copy of Crispen's, in TypeScript; the page's tests keep the two equal.

python tools/alone_figures.py            write the file
python tools/alone_figures.py --check    fail if it is stale
"""

from __future__ import annotations

import io
import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from _pages import checking, fail_stale, write_or_check
from crispen.engines.base import ArrayEngine, Floats, Pixels
from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.enhance.fill import fill_hidden
from crispen.enhance.resize import Resizer
from crispen.enhance.tiling import spans
from crispen.enhance.window import run_window
from crispen.look.compression import read_compression
from crispen.media.color import BT601_STUDIO
from crispen.media.image import Image, read_image, write_image
from crispen.models.card import Color, ModelCard
from crispen.models.dials import compression_dial
from crispen.models.store import find

FILE = Path(__file__).parents[1] / "web/tests/alone.figures.json"
ROWS, COLUMNS = 5, 6


class Fixed(ArrayEngine):
    """An engine whose network always gives the same output, and records its input."""

    def __init__(self, card: ModelCard, residual: Floats) -> None:
        super().__init__(card, "cpu", "fp32")
        self.residual = residual
        self.seen: Floats | None = None

    def answer(self, x: Floats) -> Floats:
        """See `ArrayEngine.answer`."""
        self.seen = x
        return self.residual


def picture(pixels: Pixels) -> dict[str, Any]:
    """In the page's format."""
    height, width, channels = pixels.shape
    peak = int(np.iinfo(pixels.dtype).max)
    flat = pixels.ravel().tolist()
    return {"width": width, "height": height, "channels": channels, "peak": peak, "pixels": flat}


def drawn(random: np.random.Generator, channels: int, dtype: type[np.unsignedinteger]) -> Any:
    """Levels of all sizes; alpha is zero in some places."""
    pixels = random.integers(0, np.iinfo(dtype).max + 1, (ROWS, COLUMNS, channels), dtype)
    if channels % 2 == 0:
        pixels[1:3, 2:5, -1] = 0
    return pixels


def rounded(values: NDArray[Any]) -> list[float]:
    """Few enough digits to read, more than enough to compare."""
    return [float(f"{value:.7g}") for value in values.ravel()]


def painted(random: np.random.Generator) -> list[dict[str, Any]]:
    """Pictures, the network's input from them, and the results with its output."""
    found = []
    colors: tuple[Color, ...] = ("luma", "rgb")
    cases = [*product(colors, (2, 3), (1, 2, 3, 4), (np.uint8,)), ("rgb", 2, 3, np.uint16)]
    for color, scale, channels, dtype in cases:
        card = ModelCard(name="fixed", scale=scale, color=color, halo=12, base="bicubic")
        planes = (1 if color == "luma" else 3) * scale**2
        # Few digits, so that the file holds exactly the values used.
        residual = random.normal(0, 0.15, (1, planes, ROWS, COLUMNS)).round(4).astype(np.float32)
        pixels = drawn(random, channels, dtype)
        engine = Fixed(card, residual)
        result = run_window(engine, pixels)
        assert engine.seen is not None
        found.append(
            {
                "color": color,
                "scale": scale,
                "source": picture(pixels),
                "seen": rounded(engine.seen),
                "residual": rounded(residual),
                "result": picture(result),
            }
        )
    return found


def stacks() -> list[dict[str, Any]]:
    """Outputs of networks in fp32 for windows of the demo's photo."""
    photo = read_image(Path(__file__).parents[1] / "docs/demo/photo.png").pixels
    found = []
    for name, rows, columns in (("photo-fast-x2", 14, 17), ("photo-x3", 8, 10)):
        path, card = find(name)
        window = photo[60 : 60 + rows, 200 : 200 + columns]
        x = BT601_STUDIO.luma(window / np.float32(255)).round(5).astype(np.float32)
        residual = OnnxRuntimeEngine(path, card).answer(x[None, None])
        found.append(
            {
                "name": name,
                "rows": rows,
                "columns": columns,
                "x": rounded(x),
                "residual": rounded(residual.round(5)),
            }
        )
    return found


def near(one: Any, other: Any) -> bool:
    """Whether two figures agree; processors differ in the last digit, which can be a level."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(near, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return abs(one - other) < 1e-4
    return one == other or (isinstance(one, int) and abs(one - other) <= 1)


def main() -> None:
    """Writes or checks the file."""
    random = np.random.default_rng(16)
    alphas = [drawn(random, channels, np.uint8) for channels in (2, 4)]
    sizes = ((9, 11), (4, 3))
    figures = {
        "painted": painted(random),
        "filled": [
            {"radius": 3, "source": picture(p), "result": picture(fill_hidden(p, 3))}
            for p in alphas
        ],
        "resized": [
            {
                "source": picture(p),
                "result": picture(
                    np.concatenate(
                        [*Resizer(COLUMNS, ROWS, width, height, p.shape[2]).frame(iter([p]))]
                    )
                ),
            }
            for p in (*alphas, drawn(random, 3, np.uint8))
            for height, width in sizes
        ],
        "spans": [
            {
                "length": length,
                "window": window,
                "halo": halo,
                "spans": [
                    [span.start, span.stop, span.core_start, span.core_stop]
                    for span in spans(length, window, halo)
                ],
            }
            for length, window, halo in ((10, 6, 1), (540, 136, 12), (97, 40, 16), (30, 64, 16))
        ],
        "compressed": compressed(random),
        "stacks": stacks(),
    }
    if checking():
        if not (FILE.is_file() and near(json.loads(FILE.read_text()), figures)):
            fail_stale([FILE])
        return
    write_or_check({FILE: json.dumps(figures, separators=(",", ":")) + "\n"})


def compressed(random: np.random.Generator) -> list[dict[str, Any]]:
    """Headers of JPEG files, and the resulting dial."""
    found = []
    for quality in (30, 75, 95):
        file = io.BytesIO()
        noise = random.integers(0, 256, (8, 8, 3), np.uint8)
        write_image(Image(noise), file, format="jpeg", quality=quality)
        data = file.getvalue()
        about = read_compression(data)
        assert about is not None
        dial = compression_dial(about.step)
        found.append({"file": list(data), "dial": round(dial, 6)})
    return found


if __name__ == "__main__":
    main()
