"""The interface that training needs from data of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops on the training device.

    Attributes:
        target: ``(N, C, size, size)`` ``uint8``: what the network should output.
        input: The network's input, ``(N, C, size / scale, size / scale)`` ``uint8``; None if a
            degradation makes it from the target.
    """

    target: Tensor
    input: Tensor | None = None


class Batches(Protocol):
    """Crops for every step of a training run.

    Attributes:
        digest: SHA-256 that identifies the set on a card.
        licence: Licence of its pictures.
        samples: Crops in an epoch, all ranks together.
        steps_per_epoch: Steps in an epoch, the same on every rank.
        description: One line: which pictures, how many, and where they are.
        split: The split: seed, and the names of the pictures to train on and held out.
        scale: For paired data, how many times larger a target is; else None.
    """

    digest: str
    licence: str
    samples: int
    steps_per_epoch: int
    description: str
    split: dict[str, Any]
    scale: int | None

    def batch(self, step: int, size: int, count: int | None = None) -> Batch:
        """The crops of a step: a pure function of seed, rank, step, size and count.

        Args:
            step: Counted from 0.
            size: Side of a target in pixels.
            count: Number of crops; that of the recipe unless given.
        """

    def pass_steps(self, size: int, count: int) -> int:
        """Steps in an epoch with `count` crops of `size` pixels, the same on every rank.

        Raises:
            InputError: Every picture is smaller than a crop.
        """

    def fixed(self, count: int, size: int) -> Batch:
        """The same crops of held-out pictures each time; of others if none are held out."""

    def close(self) -> None:
        """Ends the threads that read ahead."""
