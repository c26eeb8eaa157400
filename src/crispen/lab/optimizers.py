"""The optimisers that a recipe can name.

Adam, AdamW and SGD are PyTorch's; Adan [1]_, Lion [2]_, Muon [3]_ and schedule-free AdamW [4]_ are
those of the package ``pytorch-optimizer``.

Muon orthogonalises the update of a matrix. As in its author's code, a convolution's kernel is a
matrix of output channels by everything else, and what is no hidden matrix (biases, gains, the first
and the last layer) is trained with AdamW. Its updates are scaled to the size of AdamW's [5]_, so
that both share a learning rate and a weight decay.

.. [1] X. Xie et al., "Adan: adaptive Nesterov momentum algorithm for faster optimizing deep
   models", IEEE TPAMI 2024, arXiv:2208.06677
.. [2] X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023,
   arXiv:2302.06675; it advises a rate 3 to 10 times lower than AdamW's, and a decay as much higher
.. [3] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024
.. [4] A. Defazio et al., "The road less scheduled", NeurIPS 2024, arXiv:2405.15682
.. [5] J. Liu et al., "Muon is scalable for LLM training", 2025, arXiv:2502.16982
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from crispen.errors import UsageError, needs_extra
from crispen.lab.train_table import Train


def make_optimizer(network: nn.Module, train: Train) -> torch.optim.Optimizer:
    """The recipe's optimiser, at its peak learning rate.

    Raises:
        UsageError: The network does not suit it.
        MissingExtra: Its package is not installed.
    """
    rate, decay, betas = train.learning_rate, train.weight_decay, train.betas
    weights = list(network.parameters())
    match train.optimizer:
        case "adam":
            return torch.optim.Adam(
                weights, lr=rate, betas=(betas[0], betas[1]), weight_decay=decay, fused=True
            )
        case "adamw":
            return torch.optim.AdamW(
                weights, lr=rate, betas=(betas[0], betas[1]), weight_decay=decay, fused=True
            )
        case "sgd":
            return torch.optim.SGD(
                weights, lr=rate, momentum=betas[0], weight_decay=decay, fused=True
            )
    with needs_extra(f"train.optimizer {train.optimizer}", "train"):
        import pytorch_optimizer as others
    match train.optimizer:
        case "adan":
            return others.Adan(
                weights, lr=rate, betas=(betas[0], betas[1], betas[2]), weight_decay=decay
            )
        case "lion":
            return others.Lion(weights, lr=rate, betas=(betas[0], betas[1]), weight_decay=decay)
        case "schedule-free":
            if any(isinstance(m, _BatchNorm) and m.track_running_stats for m in network.modules()):
                # Its statistics are those of the training weights, not of the averaged ones.
                raise UsageError(
                    "train.optimizer: schedule-free does not suit batch normalisation, which this "
                    'network has; take "adamw"'
                )
            return others.ScheduleFreeAdamW(
                weights, lr=rate, betas=(betas[0], betas[1]), weight_decay=decay
            )
        case "muon":
            hidden = hidden_matrices(network)
            if not hidden:
                raise UsageError(
                    'train.optimizer: muon needs a network with more than two layers; take "adamw"'
                )
            chosen = {id(p) for p in hidden}
            common = {"lr": rate, "weight_decay": decay}
            rest = [p for p in weights if id(p) not in chosen]
            return others.Muon(
                [
                    {"params": hidden, "use_muon": True, "momentum": betas[0], **common},
                    {"params": rest, "use_muon": False, "betas": betas[1:], **common},
                ],
                use_adjusted_lr=True,
            )


def hidden_matrices(network: nn.Module) -> list[nn.Parameter]:
    """The weights that Muon trains: all matrices but those of the first and the last layer.

    A kernel of more than two axes counts as a matrix, its first axis by all others.
    """
    layers = [
        [p for p in layer.parameters(recurse=False) if p.requires_grad and _is_matrix(p)]
        for layer in network.modules()
    ]
    return [p for layer in [found for found in layers if found][1:-1] for p in layer]


def _is_matrix(weight: Tensor) -> bool:
    return weight.ndim > 1 and len(weight) > 1 and weight[0].numel() > 1


@torch.no_grad()
def copy_average(
    optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], averages: Sequence[Tensor]
) -> None:
    """Writes the weights that a schedule-free optimiser averaged; the training ones stay.

    Trained are y = β·x + (1 - β)·z; x, the average of all z so far, is what it is evaluated by.

    Args:
        optimizer: The optimiser of `weights`.
        weights: The network's weights, y.
        averages: Tensors of the same shapes, which become x; a weight that was never trained is
            copied.
    """
    beta = optimizer.param_groups[0]["betas"][0]
    for weight, average in zip(weights, averages, strict=True):
        z = optimizer.state[weight].get("z") if weight in optimizer.state else None
        average.copy_(weight if z is None else weight.lerp(z, 1.0 - 1.0 / beta))
