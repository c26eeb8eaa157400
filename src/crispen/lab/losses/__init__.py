"""The losses, one family per file, and the single list of them.

A recipe's ``[[loss]]`` tables are weighted and added; the residual study's "L1 + 100·MSE" is the
two tables ``kind = "l1"`` and ``kind = "mse", weight = 100``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from crispen.errors import UsageError
from crispen.lab.losses.base import Criterion, Loss, Term, criterion_of
from crispen.lab.table import Kinds
from crispen.plugins import short_name

__all__ = ["LOSSES", "LOSS_KINDS", "Loss", "LossTable", "Term", "build_loss"]

# A new loss needs its file and one line here.
LOSSES: tuple[type[Criterion], ...] = tuple(
    pkgutil.resolve_name(f"{__name__}.{entry}")
    for entry in (
        "frequency:FrequencyLoss",
        "kl:KlLoss",
        "lpips:LpipsLoss",
        "perceptual:PerceptualLoss",
        "pixel:CharbonnierLoss",
        "pixel:L1Loss",
        "pixel:MseLoss",
        "pixel:PsnrLoss",
        "similarity:MsSsimLoss",
        "similarity:SsimLoss",
        "total_variation:TotalVariationLoss",
    )
)

LOSS_KINDS: Kinds[Criterion] = Kinds("losses", LOSSES, Criterion, "loss", criterion_of)

if TYPE_CHECKING:
    LossTable = Criterion
else:
    LossTable = LOSS_KINDS.annotation()


def build_loss(tables: Sequence[Criterion], device: torch.device | str = "cpu") -> Loss:
    """The weighted sum of the losses that a recipe lists.

    Raises:
        UsageError: The list is empty.

    >>> from crispen.lab.losses.pixel import L1Loss, MseLoss
    >>> build_loss([L1Loss(), MseLoss(weight=100)]).names
    ['l1', 'mse']
    """
    if not tables:
        raise UsageError('loss: nothing to minimise; add a [[loss]] table, as in kind = "l1"')
    kinds = [short_name(table.kind) for table in tables]
    names = [
        kind if kinds.count(kind) == 1 else f"{kind}-{kinds[: i + 1].count(kind)}"
        for i, kind in enumerate(kinds)
    ]
    return Loss([(n, t.weight, t.build()) for n, t in zip(names, tables, strict=True)]).to(device)
