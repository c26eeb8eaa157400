"""The metrics by name: those of Crispen, and those that plug-ins add.

A plug-in's metric is a `Metric` with its `measure`, or simply that function::

    def edges(result, reference):  # (height, width, 3) uint8 each
        '''Mean difference of the gradients; lower is better.'''
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crispen import plugins
from crispen.errors import CrispenError, MissingExtra, UsageError, nearest_names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Distance = Callable[[NDArray[np.float64], NDArray[np.float64]], float]
    Measure = Callable[[NDArray[np.uint8], NDArray[np.uint8]], float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """How a metric is shown, and for plug-ins, how it is measured.

    Attributes:
        title: At the head of a column.
        digits: After the decimal point.
        lower_is_better: Whether the smallest value is the best.
        about: What it is, for the note under a table; empty for ours that follow the protocol's
            colour and border.
        measure: From result and reference in R'G'B', ``(height, width, 3)`` ``uint8``, no border
            shaved; None for those that `crispen.evaluate.benchmark` measures itself. It returns
            None where the metric is undefined.
        prepare: Loads what it needs, or reports in one line what is missing.
        distance: For a metric of a whole set, in place of `measure`: from the features of all
            results and of all references, ``(pictures, 2048)`` each; see
            `crispen.evaluate.set_distances`.
    """

    title: str
    digits: int = 4
    lower_is_better: bool = False
    about: str = ""
    measure: Measure | None = None
    prepare: Callable[[], object] | None = None
    distance: Distance | None = None


def _when_called(module: str, name: str) -> Callable[..., Any]:
    """A function of a metric's module, which is imported at the first call."""

    def call(*arguments: Any) -> Any:
        return getattr(importlib.import_module(f"crispen.evaluate.{module}"), name)(*arguments)

    return call


def _niqe(result: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float | None:
    from crispen.evaluate.metrics import luma255
    from crispen.evaluate.niqe import niqe

    return niqe(luma255(result))


def _brisque(result: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float | None:
    from crispen.evaluate.brisque import brisque

    return brisque(result)


METRICS: dict[str, Metric] = {
    "psnr": Metric("PSNR", 2),
    "ssim": Metric("SSIM", 4),
    "mse": Metric("MSE", 5, lower_is_better=True),
    "lpips": Metric(
        "LPIPS",
        4,
        lower_is_better=True,
        about="LPIPS (AlexNet, lower is better) on R'G'B'",
        measure=_when_called("lpips", "lpips"),
        prepare=_when_called("lpips", "load_weights"),
    ),
    "dists": Metric(
        "DISTS",
        4,
        lower_is_better=True,
        about="DISTS (VGG-16, lower is better) on R'G'B'",
        measure=_when_called("dists", "dists"),
        prepare=_when_called("dists", "load_dists"),
    ),
    "ssimulacra2": Metric(
        "SSIMULACRA2",
        2,
        about="SSIMULACRA 2 (higher is better, at most 100) on R'G'B'",
        measure=_when_called("ssimulacra2", "ssimulacra2"),
        prepare=_when_called("ssimulacra2", "load_package"),
    ),
    "niqe": Metric(
        "NIQE",
        2,
        lower_is_better=True,
        about="NIQE (lower is better) on Y' of the result alone",
        measure=_niqe,
    ),
    "brisque": Metric(
        "BRISQUE",
        2,
        lower_is_better=True,
        about="BRISQUE (lower is better) on grey of the result alone",
        measure=_brisque,
        prepare=_when_called("brisque", "load_machine"),
    ),
    "fid": Metric(
        "FID",
        2,
        lower_is_better=True,
        about="FID (Inception-v3, lower is better) of all pictures together, on R'G'B'",
        prepare=_when_called("inception", "load_inception"),
        distance=_when_called("set_distances", "frechet_distance"),
    ),
    "kid": Metric(
        "KID",
        5,
        lower_is_better=True,
        about="KID (Inception-v3, lower is better) of all pictures together, on R'G'B'",
        prepare=_when_called("inception", "load_inception"),
        distance=_when_called("set_distances", "kernel_distance"),
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


def usable_metrics() -> tuple[list[str], list[str]]:
    """The metrics that can be measured here, and one line for each other one that says why not."""
    usable, missing = [], []
    for name in metric_names():
        prepare = find_metric(name).prepare
        try:
            if prepare is not None:
                prepare()
        except MissingExtra as error:
            missing.append(f"{name} is left out: {error}")
        else:
            usable.append(name)
    return usable, missing


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
    """A metric's value for a picture; None where it is undefined.

    Raises:
        CrispenError: It failed, or what it needs is missing.
    """
    metric = find_metric(name)
    if metric.measure is None:
        return None
    try:
        value = metric.measure(result, reference)
    except CrispenError:
        raise
    except Exception as error:
        raise UsageError(f"metric {name}: {type(error).__name__}: {error}") from error
    return None if value is None else float(value)
