"""PSNR of `relight` and of image libraries' methods for bad light, in one table.

Well-lit pictures are degraded, each row in one way, rounded to bytes, restored, and compared with
the originals: R'G'B', no border shaved. ``none`` is the degraded picture itself; in the row
``nothing`` any change is harm. An argument is a folder of pictures; of each folder at most 40 are
used, evenly spaced.

With ``--jpeg QUALITY`` the degraded picture is stored as JPEG before it is restored, which erases
the traces of the degradation in its histograms.

    python benchmarks/light.py [--model NAME-OR-FILE] [--jpeg QUALITY] [FOLDER …]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import color, exposure

import crispen
from _table import print_table
from crispen.evaluate.metrics import psnr
from crispen.lab.degradations.picture import degrade_image
from crispen.lab.degradations.spec import parse_degradation
from crispen.media.image import Image, is_image_name, read_image

Bytes = NDArray[np.uint8]
_MOST = 40
_FOLDERS = ("../shared/data/valid/Set14", "../shared/data/catsdogs")
ROWS = (
    "nothing",
    *(f"exposure={stops}" for stops in (-4, -3, -2, -1, 1, 2, 3)),
    *(f"gamma={exponent}" for exponent in (0.4, 0.6, 1.6, 2.5)),
    *("contrast=0.3:pivot=0.5", "contrast=0.6:pivot=0.2", "contrast=0.6:pivot=0.8"),
    *("darken=0.5", "brighten=0.5"),
    *("color-cast=1:tint=0", "color-cast=-1:tint=0", "color-cast=0:tint=0.4"),
)


def _bytes(values: NDArray[Any]) -> Bytes:
    return np.rint(values.clip(0, 1) * 255).astype(np.uint8)


def stretch(pixels: Bytes) -> Bytes:
    """Maps the darkest to brightest values of all channels together to black and white."""
    low, high = int(pixels.min()), int(pixels.max())
    return _bytes((pixels.astype(float) - low) / max(1, high - low))


def stretch_each(pixels: Bytes) -> Bytes:
    """The same per channel, which also balances white."""
    return np.stack([stretch(pixels[..., i]) for i in range(3)], axis=2)


def auto_gamma(pixels: Bytes) -> Bytes:
    """Applies the exponent that brings mean luma to the middle."""
    mean = float(color.rgb2gray(pixels).mean())
    return _bytes((pixels / 255) ** (np.log(0.5) / np.log(np.clip(mean, 0.01, 0.99))))


def equalized(pixels: Bytes) -> Bytes:
    """Histogram equalisation of HSV's value."""
    hsv = color.rgb2hsv(pixels)
    hsv[..., 2] = exposure.equalize_hist(hsv[..., 2])
    return _bytes(color.hsv2rgb(hsv))


def clahe(pixels: Bytes) -> Bytes:
    """Contrast-limited adaptive histogram equalisation, as in scikit-image."""
    return _bytes(exposure.equalize_adapthist(pixels))


METHODS: dict[str, Callable[[Bytes], Bytes]] = {
    "none": lambda pixels: pixels,
    "stretch": stretch,
    "stretch each": stretch_each,
    "auto-gamma": auto_gamma,
    "equalised": equalized,
    "CLAHE": clahe,
}


def pictures(folder: Path) -> list[Bytes]:
    """At most 40 of a folder's pictures, evenly spaced, without grey and low-resolution ones."""
    files = sorted(f for f in folder.rglob("*") if is_image_name(f) and "LR" not in str(f))
    files = files[:: max(1, len(files) // _MOST)][:_MOST]
    return [p for p in (read_image(f).as_rgb8() for f in files) if np.ptp(p, axis=2).max() > 8]


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", default=_FOLDERS)
    parser.add_argument("--model", default="relight")
    parser.add_argument("--jpeg", type=int, metavar="QUALITY")
    given = parser.parse_args()
    model = crispen.load(given.model)
    methods = METHODS | {model.card.name: lambda pixels: model(pixels).as_rgb8()}
    for folder in given.folders:
        good = pictures(Path(folder))
        rows = []
        for text in ROWS:
            tables = [] if text == "nothing" else [parse_degradation(text)]
            if given.jpeg is not None:
                tables.append(parse_degradation(f"jpeg={given.jpeg}"))
            scores: dict[str, list[float]] = {name: [] for name in methods}
            for index, pixels in enumerate(good):
                bad = degrade_image(Image(pixels), tables, seed=index, scale=1).as_rgb8()
                for name, method in methods.items():
                    scores[name].append(
                        min(psnr(method(bad).astype(float), pixels.astype(float), border=0), 99.0)
                    )
            rows.append([text, *(f"{np.mean(values):.2f}" for values in scores.values())])
        stored = "" if given.jpeg is None else f", stored as JPEG {given.jpeg}"
        title = f"{folder}: {len(good)} pictures{stored}, mean of PSNR in dB (99 at most)"
        print_table(title, ["degraded by", *methods], rows)


if __name__ == "__main__":
    main()
