"""Reparameterisation and divergence."""

from __future__ import annotations

import torch
from torch.distributions import Normal, kl_divergence

from crispen.lab.networks.autoencoder_variational import AutoencoderVariational


def pictures(n: int = 3) -> torch.Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_divergence_equals_that_of_torch_distributions() -> None:
    torch.manual_seed(0)
    network = AutoencoderVariational().eval()
    with torch.no_grad():
        mean, log_variance = network.encode(pictures())
        given = network.outputs(pictures()).kl
    prior = Normal(torch.zeros(10), torch.ones(10))
    posterior = Normal(mean, torch.exp(0.5 * log_variance))
    assert given is not None
    torch.testing.assert_close(given, kl_divergence(posterior, prior).sum(dim=1).mean())


def test_draws_while_training_and_is_the_mean_otherwise() -> None:
    torch.manual_seed(0)
    network = AutoencoderVariational().train()
    x = pictures()
    with torch.no_grad():
        first, second = network.outputs(x).image, network.outputs(x).image
        assert not torch.equal(first, second)
        network.eval()
        mean, _ = network.encode(x)
        assert torch.equal(network(x), network.decode(mean))
        assert torch.equal(network(x), network(x))


def test_draws_have_the_spread_that_was_asked_for() -> None:
    """Over many draws, z of one picture has the mean and σ that the encoder gave."""
    torch.manual_seed(0)
    network = AutoencoderVariational(latents=4).train()
    drawn: list[torch.Tensor] = []
    network.spread.register_forward_pre_hook(lambda _, given: drawn.append(given[0]))
    x = pictures(1).expand(4000, -1, -1, -1)
    network.decoder = torch.nn.Flatten()  # only z is wanted
    with torch.no_grad():
        network.outputs(x)
        mean, log_variance = network.encode(x[:1])
    z = drawn[0]
    sigma = torch.exp(0.5 * log_variance[0])
    # Five standard errors of 4,000 draws.
    assert torch.all((z.mean(dim=0) - mean[0]).abs() < 5 * sigma / 4000**0.5)
    assert torch.all((z.std(dim=0) / sigma - 1).abs() < 5 / 8000**0.5)
