"""The metrics by name: those of Crispen, and those that plug-ins add.

A plug-in's metric is a `Metric` with its `measure`, or simply that function::

    def edges(result, reference):  # (height, width, 3) uint8 each
        '''Mean difference of the gradients; lower is better.'''
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crispen import plugins
from crispen.errors import UsageError, nearest_names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Measure = Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]


@dataclass(frozen=True, slots=True)
class Metric:
    """How a metric is shown, and for plug-ins, how it is measured.

    Attributes:
        title: At the head of a column.
        digits: Behind the decimal point.
        lower_is_better: Whether the smallest value is the best.
        about: What it is, for the note under a table; ours that go by the protocol's colour and
            border have none.
        measure: From result and reference in R'G'B', ``(height, width, 3)`` ``uint8``, no border
            shaved; None for those that `crispen.evaluate.benchmark` measures itself.
    """

    title: str
    digits: int = 4
    lower_is_better: bool = False
    about: str = ""
    measure: Measure | None = None


METRICS: dict[str, Metric] = {
    "psnr": Metric("PSNR", 2),
    "ssim": Metric("SSIM", 4),
    "mse": Metric("MSE", 5, lower_is_better=True),
    "lpips": Metric(
        "LPIPS", 4, lower_is_better=True, about="LPIPS (AlexNet, lower is better) on R'G'B'"
    ),
    "niqe": Metric(
        "NIQE",
        2,
        lower_is_better=True,
        about="NIQE (lower is better) on Y' of the result alone",
    ),
}


def metric_names() -> list[str]:
    """Ours, then those of installed plug-ins."""
    return [*METRICS, *(n for n in plugins.installed("metrics") if n not in METRICS)]


def find_metric(name: str) -> Metric:
    """A metric by its name, or by ``path/to/file.py:name``.

    Raises:
        UsageError: There is none, or the plug-in cannot be used.
    """
    if name in METRICS:
        return METRICS[name]
    found = plugins.find("metrics", name)
    if found is None:
        names = metric_names()
        hint = nearest_names(name, names) or f"; those are {', '.join(names)}"
        raise UsageError(f"no metric is called '{name}'{hint}")
    return _metric(found, name)


def _metric(found: Any, name: str) -> Metric:
    if isinstance(found, Metric):
        if found.measure is None:
            raise UsageError(f"plug-in {name}: give its Metric a function to measure with")
        return found
    if not callable(found):
        raise UsageError(f"plug-in {name}: is neither a function nor a Metric")
    title = plugins.short_name(name)
    about = inspect.cleandoc(found.__doc__ or "").splitlines()
    text = f"{title}: {about[0].rstrip('.')}" if about else title
    lower = "lower is better" in (found.__doc__ or "").lower()
    return Metric(title, lower_is_better=lower, about=text, measure=found)


def measured(name: str, result: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float | None:
    """What a plug-in's metric gives for a picture; None for one of ours.

    Raises:
        UsageError: It failed.
    """
    metric = find_metric(name)
    if metric.measure is None:
        return None
    try:
        return float(metric.measure(result, reference))
    except Exception as error:
        raise UsageError(f"metric {name}: {type(error).__name__}: {error}") from error
