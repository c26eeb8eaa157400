"""Training against a discriminator, as in SRGAN.

After the generator's pretraining, each step has two parts: the generator minimises its losses plus
a weighted adversarial loss, with the discriminator frozen; then the discriminator learns to
distinguish that step's outputs from the targets.

Source: C. Ledig et al., "Photo-realistic single image super-resolution using a generative
adversarial network", CVPR 2017, arXiv:1609.04802.
"""

from __future__ import annotations

from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from crispen.lab.losses.adversarial import adversarial_loss
from crispen.lab.processes import stream_seed
from crispen.lab.recipe import Adversarial


class Opponent:
    """The discriminator, its optimiser and the adversarial losses of both networks.

    Args:
        table: The recipe's ``[adversarial]`` table.
        channels: Number of channels of the pictures.
        fabric: Lightning Fabric of the training.
        seed: Seed of the initial weights.
        bf16: Run the layers in bf16, like the generator's.
    """

    def __init__(
        self, table: Adversarial, channels: int, fabric: Fabric, seed: int, *, bf16: bool = False
    ) -> None:
        self.table = table
        self.weight = table.weight
        self.fabric = fabric
        torch.manual_seed(stream_seed(seed, "discriminator"))
        network = table.discriminator.build(channels)
        self.network = network.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._bf16 = bf16
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=table.learning_rate, betas=(0.9, 0.999), fused=True
        )
        self._network, self._step = fabric.setup(self.network, self.optimizer)
        self._loss = adversarial_loss(table.loss)

    def _judged(self, network: nn.Module, image: Tensor) -> Tensor:
        x = image.contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self._bf16):
            scores: Tensor = network(x)
        return scores.float()

    def plays(self, number: int) -> bool:
        """Whether the discriminator is trained in step `number`, counted from 0."""
        return number >= self.table.pretrain_steps

    def for_generator(self, image: Tensor, target: Tensor) -> Tensor:
        """The generator's adversarial loss, a scalar; without gradients for the discriminator.

        Args:
            image: The generator's output, ``(N, C, H, W)`` in [0, 1].
            target: The ground truth, the same shape.
        """
        self.network.requires_grad_(False)
        try:
            made = self._judged(self.network, image)
            if not self._loss.compares:
                return self._loss.generator(made, made)
            with torch.no_grad():
                real = self._judged(self.network, target)
            return self._loss.generator(real, made)
        finally:
            self.network.requires_grad_(True)

    def step(self, made: list[tuple[Tensor, Tensor]], rate: float) -> Tensor:
        """Updates the discriminator once; returns its loss.

        Args:
            made: Targets and outputs, one pair for each accumulated batch.
            rate: Factor of the learning rate.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.table.learning_rate * rate
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.fabric.device)
        for i, (target, image) in enumerate(made):
            with self.fabric.no_backward_sync(self._network, enabled=i < len(made) - 1):
                # In separate passes, as for the generator: batch statistics of real and generated
                # pictures must not mix.
                real, fake = (self._judged(self._network, x) for x in (target, image))
                loss = self._loss.discriminator(real, fake) / len(made)
                self.fabric.backward(loss)
            total += loss.detach()
        self._step.step()
        return total

    def state(self) -> dict[str, Any]:
        """State for the checkpoint."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores the state from a checkpoint."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
