"""The discriminator: any size in its pooled form, 96 px in the paper's."""

from __future__ import annotations

import pytest
import torch

from crispen.errors import UsageError
from crispen.lab.networks.discriminator import DiscriminatorTable


@pytest.mark.parametrize("side", [16, 33, 96])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_score_a_picture_at_any_size(side: int, channels: int) -> None:
    network = DiscriminatorTable(width=4).build(channels)
    network.check_side(side)
    assert network(torch.rand(2, channels, side, side)).shape == (2, 1)


def test_dense_form_takes_96_px_only() -> None:
    network = DiscriminatorTable(width=4, form="dense").build(3)
    network.check_side(96)
    assert network(torch.rand(2, 3, 96, 96)).shape == (2, 1)
    with pytest.raises(UsageError, match="96 px, not 128"):
        network.check_side(128)


def test_too_small_a_crop() -> None:
    with pytest.raises(UsageError, match="16 px or more, not 8"):
        DiscriminatorTable(width=4).build(3).check_side(8)


def test_learns_to_tell_flat_from_noisy() -> None:
    torch.manual_seed(0)
    network = DiscriminatorTable(width=4).build(1)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        noisy = torch.rand(8, 1, 16, 16, generator=generator)
        flat = torch.rand(8, 1, 1, 1, generator=generator).expand(-1, -1, 16, 16)
        scores = network(torch.cat([noisy, flat]))[:, 0]
        loss = torch.nn.functional.softplus(torch.cat([-scores[:8], scores[8:]])).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert scores[:8].min() > scores[8:].max()
