"""Crops that grow during a training run: ``data.progressive`` as a recipe for each part of it.

Small crops at first make steps cheap; larger ones later show a network what it sees of a whole
picture, as in S. W. Zamir et al., "Restormer: efficient transformer for high-resolution image
restoration", CVPR 2022, arXiv:2111.09881 (section 4, "progressive learning").
"""

from __future__ import annotations

from dataclasses import dataclass

from crispen.lab.degradations.pipeline import Pipeline
from crispen.lab.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run, with crops of one size.

    Attributes:
        step: Its first optimiser step, counted from 0.
        recipe: The recipe with this part's ``data.patch`` and ``data.batch``.
        pipeline: What makes inputs from targets of this size; None if the data has its own inputs.
    """

    step: int
    recipe: Recipe
    pipeline: Pipeline | None


def part_recipes(recipe: Recipe) -> list[tuple[int, Recipe]]:
    """The first step and the recipe of each part; one part unless ``data.progressive`` is given."""
    found = [(0, recipe)]
    for stage in recipe.data.progressive:
        data = recipe.data.model_copy(update={"patch": stage.patch, "batch": stage.batch})
        found.append((stage.step, recipe.model_copy(update={"data": data})))
    return found


def part_at(parts: list[Part], step: int) -> Part:
    """The part that a step, counted from 0, belongs to."""
    return next(part for part in reversed(parts) if part.step <= step)


def passes(parts: list[Part], steps_per_epoch: list[float], step: int) -> float:
    """Passes through the data before a step.

    Args:
        parts: The parts of the run.
        steps_per_epoch: Optimiser steps per pass, for each part.
        step: Counted from 0; the number of steps done.
    """
    total = 0.0
    ends = [part.step for part in parts[1:]] + [step]
    for part, each, end in zip(parts, steps_per_epoch, ends, strict=True):
        total += max(0, min(step, end) - part.step) / each
    return total
