"""SSIMULACRA 2: how visible the difference of two pictures is, as people judged compressed ones.

Structure, ringing and blur are compared at six scales of a perceptual colour space [1]_. 100 for
equal pictures, 90 if no difference is visible, 70 if little is, 30 for low quality; it may be
negative. Higher is better. The package ``ssimulacra2`` computes it.

.. [1] J. Sneyers, https://github.com/cloudinary/ssimulacra2
"""

from __future__ import annotations

import importlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.errors import needs_extra

# The package computes nothing for smaller pictures, and calls them equal.
LEAST_PX = 8


def ssimulacra2(image: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float | None:
    """The score of two pictures; None for pictures under 8 pixels a side.

    Args:
        image: ``(height, width, 3)`` ``uint8`` R'G'B'.
        reference: The same shape.

    Raises:
        MissingExtra: The package is not installed.
    """
    package = load_package()
    if min(image.shape[:2]) < LEAST_PX:
        return None
    return float(package.compute_ssimulacra2(_file(reference), _file(image)))


def load_package() -> Any:
    """The package that computes it.

    Raises:
        MissingExtra: It is not installed.
    """
    with needs_extra("SSIMULACRA 2", "iqa"):
        return importlib.import_module("ssimulacra2")


def _file(pixels: NDArray[np.uint8]) -> io.BytesIO:
    """A picture in the form that the package reads."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "ppm")
    file.seek(0)
    return file
