"""The mean of two trained networks of one architecture.

A network that was trained further on other pictures is better at those, and a little worse at what
it knew. Somewhere between the old weights and the new ones it is better at both [M. Wortsman
et al., "Robust fine-tuning of zero-shot models", CVPR 2022, arXiv:2109.01903].
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from crispen.errors import UsageError
from crispen.lab.checkpoint import load_checkpoint
from crispen.lab.networks import Network, build_network
from crispen.lab.recipe import Recipe
from crispen.lab.start import start_from
from crispen.models.store import find


@dataclass(frozen=True, slots=True)
class Blend:
    """A share of another network's weights.

    Attributes:
        start: A checkpoint or a model, as for ``train.start``.
        share: From 0 to 1.
    """

    start: str
    share: float

    @classmethod
    def parse(cls, text: str) -> Blend:
        """Read ``NAME=SHARE``.

        Raises:
            UsageError: It is something else.
        """
        start, _, number = text.rpartition("=")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if not start or not 0 <= share <= 1:
            raise UsageError(
                f"--blend {text}: give a model or a checkpoint and its share from 0 to 1, "
                "as in --blend real-x2=0.4"
            )
        return cls(start, share)

    def into(self, merged: Network, recipe: Recipe) -> str:
        """Mix the weights of the other network into `merged`, in place.

        Args:
            merged: A network as it is exported.
            recipe: Its recipe.

        Returns:
            What was done, for the model's card.

        Raises:
            CrispenError: There is no such network, or it is of another architecture.
        """
        if Path(self.start).suffix == ".ckpt":
            other = load_checkpoint(Path(self.start))["recipe"].network.describe()
        else:
            other = find(self.start)[1].architecture
        if other != recipe.network.describe():
            raise UsageError(
                f"--blend {self.start}: its network ({other}) is not that of the checkpoint "
                f"({recipe.network.describe()}); name one of the same architecture"
            )
        network = build_network(recipe.network, scale=recipe.scale, channels=recipe.data.channels)
        start_from(network, self.start)
        theirs = network.merged().state_dict()
        with torch.no_grad():
            for name, mine in merged.state_dict().items():
                if mine.is_floating_point():
                    mine.lerp_(theirs[name], self.share)
        return f"{1 - self.share:g} of its weights and {self.share:g} of those of {self.start}"
