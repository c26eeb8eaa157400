"""Learning curves of one run, or of several overlaid, as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crispen.evaluate.run_folders import Run
from crispen.media.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACCURACY_NOTE = (
    "Accuracy is the share of pixels with the target's strongest channel. It misleads: a picture "
    "that is far too dark scores like a good one, and on grey pixels it is chance. Compare PSNR."
)
# Distinguishable with colour blindness too (Okabe and Ito).
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def draw_curves(runs: Sequence[Run], path: Path, names: Sequence[str] = ()) -> None:
    """Plots loss, PSNR and, if measured, accuracy over the steps.

    Args:
        runs: One or more runs; validation curves are thick, training curves thin.
        path: A ``.png``, ``.svg`` or ``.pdf`` file; replaced.
        names: Names of the runs in the legend; their own unless given.

    Raises:
        OutputError: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    accuracy = any(run.log.curve("val_accuracy") for run in runs)
    panels = 3 if accuracy else 2
    figure = Figure(figsize=(5.2 * panels, 4.4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes: Sequence[Axes] = figure.subplots(1, panels)
    labels = list(names) or [run.name for run in runs]
    _loss(axes[0], runs, labels)
    _psnr(axes[1], runs, labels)
    if accuracy:
        _accuracy(axes[2], runs, labels)
        figure.supxlabel(ACCURACY_NOTE, fontsize=8)
    for ax in axes:
        ax.set_xlabel("step")
        ax.grid(alpha=0.3)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(fontsize=8)
    if len(runs) == 1:
        figure.suptitle(f"{runs[0].name}: {runs[0].step:,} steps")
    with replacing(path) as file:
        figure.savefig(file, format=path.suffix.lstrip(".") or "png")


def _loss(ax: Axes, runs: Sequence[Run], labels: Sequence[str]) -> None:
    ax.set_title("loss")
    lowest = math.inf
    for run, label, color in zip(runs, labels, _cycle(len(runs)), strict=True):
        for column, what, width in (("loss", "training", 0.8), ("val_loss", "validation", 1.8)):
            curve = run.log.curve(column)
            if curve:
                lowest = min(lowest, *(y for _, y in curve))
                alpha = 0.6 if column == "loss" else 1.0
                text = what if len(runs) == 1 else f"{label}, {what}"
                line = color if len(runs) > 1 else _COLORS[column == "val_loss"]
                ax.plot(*zip(*curve, strict=True), label=text, lw=width, color=line, alpha=alpha)
    if 0 < lowest < math.inf:  # PSNR as a loss is negative
        ax.set_yscale("log")


def _psnr(ax: Axes, runs: Sequence[Run], labels: Sequence[str]) -> None:
    ax.set_title("validation PSNR, dB")
    for run, label, color in zip(runs, labels, _cycle(len(runs)), strict=True):
        curve = run.log.curve("val_psnr")
        if curve:
            _draw(ax, curve, label, color)
    figures = [run.paper.get("figures") or {} for run in runs]
    published = {f["psnr"] for f in figures if "psnr" in f}
    if len(published) == 1:
        value = float(published.pop())
        ax.axhline(value, color="#666666", ls="--", lw=1, label=f"published: {value:g} dB")


def _accuracy(ax: Axes, runs: Sequence[Run], labels: Sequence[str]) -> None:
    ax.set_title('validation "accuracy"')
    for run, label, color in zip(runs, labels, _cycle(len(runs)), strict=True):
        curve = run.log.curve("val_accuracy")
        if curve:
            _draw(ax, curve, label, color)


def _draw(ax: Axes, curve: Sequence[tuple[float, float]], label: str, color: str) -> None:
    marker = "o" if len(curve) < 30 else None  # a single point would be invisible as a line
    ax.plot(*zip(*curve, strict=True), label=label, lw=1.8, color=color, marker=marker, ms=3)


def _cycle(count: int) -> list[str]:
    return [_COLORS[i % len(_COLORS)] for i in range(count)]
