"""What every loss has in common: a table with a weight, and a term that it builds."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from crispen.lab.networks.base import Output
from crispen.lab.table import Table, build_checked, table_of


class Term(nn.Module):
    """One loss: a network's output and its target → a scalar to minimise."""

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """The unweighted loss.

        Args:
            output: The picture ``(N, C, H, W)``, about [0, 1], and any other outputs.
            target: ``(N, C, H, W)`` in [0, 1].
        """
        raise NotImplementedError


class Criterion(Table):
    """One ``[[loss]]`` table of a recipe."""

    kind: str
    weight: float = Field(1.0, gt=0, description="factor in the sum of all losses")

    def build(self) -> Term:
        """The loss, on the CPU.

        Raises:
            CrispenError: A file that it needs is missing or broken.
        """
        raise NotImplementedError


class _Plugged(Criterion):
    """The table of a plug-in's loss, built from its own arguments."""

    term: ClassVar[type[Term]]

    def build(self) -> Term:
        """See `Criterion.build`."""
        names = [name for name in type(self).model_fields if name not in ("kind", "weight")]
        arguments = {name: getattr(self, name) for name in names}
        term: Term = build_checked(lambda: self.term(**arguments), self.kind)
        return term


def criterion_of(found: Any) -> type[Criterion] | None:
    """The table of a `Term` class, whose arguments become a recipe's keys."""
    if not issubclass(found, Term):
        return None
    table = table_of(found, _Plugged)
    table.term = found
    return table


class Loss(nn.Module):
    """The weighted sum of a recipe's losses.

    Args:
        terms: Name in logs, weight, and the loss itself.
    """

    def __init__(self, terms: list[tuple[str, float, Term]]) -> None:
        super().__init__()
        self.names = [name for name, _, _ in terms]
        self.weights = [weight for _, weight, _ in terms]
        self.terms = nn.ModuleList(term for _, _, term in terms)

    def forward(self, output: Output, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum to minimise, and each term before weighting, detached, for the log."""
        device = target.device.type
        # Small differences of nearly equal numbers: never use half precision.
        with torch.autocast(device, enabled=False):
            image = Output(output.image.float(), output.kl)
            values = [term(image, target.float()) for term in self.terms]
        total = torch.stack([w * v for w, v in zip(self.weights, values, strict=True)]).sum()
        return total, {n: v.detach() for n, v in zip(self.names, values, strict=True)}
