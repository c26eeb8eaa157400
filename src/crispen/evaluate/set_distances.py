"""FID and KID: how far the results as a set are from the true pictures as a set.

Both compare the features of `crispen.evaluate.inception`, not picture by picture but their
distributions: FID [1]_ as if they were normal, KID [2]_ by a kernel, without bias for small sets.
Lower is better; 0 is equal.

.. [1] M. Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
   equilibrium", NeurIPS 2017, arXiv:1706.08500
.. [2] M. Bińkowski et al., "Demystifying MMD GANs", ICLR 2018, arXiv:1801.01401
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crispen.evaluate.inception import load_inception
from crispen.evaluate.known_metrics import find_metric

Floats = NDArray[np.float64]


class SetMeasure:
    """Collects what metrics of whole sets need, picture by picture.

    Args:
        metrics: Names of metrics; those of single pictures are left out.
    """

    def __init__(self, metrics: Sequence[str]) -> None:
        self._distances = {m: d for m in metrics if (d := find_metric(m).distance) is not None}
        self._results: list[Floats] = []
        self._references: list[Floats] = []

    def __bool__(self) -> bool:
        """Whether there is such a metric."""
        return bool(self._distances)

    def add(self, result: NDArray[np.uint8], reference: NDArray[np.uint8]) -> None:
        """Adds a picture.

        Args:
            result: ``(height, width, 3)`` ``uint8`` R'G'B'.
            reference: The true picture.
        """
        features = load_inception()
        self._results.append(features(result))
        self._references.append(features(reference))

    def values(self) -> dict[str, float | None]:
        """The distances by name; None for fewer than two pictures."""
        if len(self._results) < 2:
            return dict.fromkeys(self._distances)
        results, references = np.stack(self._results), np.stack(self._references)
        return {name: d(results, references) for name, d in self._distances.items()}


def frechet_distance(a: Floats, b: Floats) -> float:
    """The squared Fréchet distance of two normal distributions with the sets' moments.

    ``|μa - μb|² + tr(Σa + Σb - 2 (Σa Σb)^½)``, with the covariances divided by n - 1.

    Args:
        a: ``(pictures, features)``, at least two pictures.
        b: The same number of features.
    """
    mean_a, mean_b = a.mean(0), b.mean(0)
    root_a, root_b = _root(a - mean_a), _root(b - mean_b)
    # (Σa Σb)^½ has the trace of the singular values of Ra Rbᵀ, where Σ = Rᵀ R: as many as there
    # are pictures, where a root of the 2048×2048 product loses digits.
    shared = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spread = (root_a**2).sum() + (root_b**2).sum() - 2 * shared
    return max(0.0, float(((mean_a - mean_b) ** 2).sum() + spread))


def _root(centred: Floats) -> Floats:
    """R with ``RᵀR`` = covariance, of as few rows as possible."""
    scaled = centred / np.sqrt(len(centred) - 1)
    return np.asarray(np.linalg.qr(scaled, mode="r")) if len(scaled) > scaled.shape[1] else scaled


def kernel_distance(a: Floats, b: Floats) -> float:
    """The unbiased squared maximum mean discrepancy for the kernel ``(x·y / features + 1)³``.

    Of all pictures at once, where others take the mean over random subsets. Without bias, it may be
    slightly below 0 for equal distributions.

    Args:
        a: ``(pictures, features)``, at least two pictures.
        b: The same number of features.
    """

    def kernel(x: Floats, y: Floats) -> Floats:
        return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)

    def within(x: Floats) -> float:
        values = kernel(x, x)
        return float((values.sum() - np.trace(values)) / (len(x) * (len(x) - 1)))

    return within(a) + within(b) - 2 * float(kernel(a, b).mean())
