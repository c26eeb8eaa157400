import pytest
import torch

from crispen.errors import UsageError
from crispen.lab.compiling import compile_layers
from crispen.lab.networks.plain import Plain
from crispen.lab.networks.srcnn import SRCNN


@pytest.fixture
def batch():
    return torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("network", [Plain(2, 1, 4, 1), SRCNN(2, 1)], ids=["residual", "whole"])
def test_a_faithful_compiler_is_used(monkeypatch, network, batch):
    calls = []

    def compiler(function):
        def run(x):
            calls.append(tuple(x.shape))
            return function(x)

        return run

    monkeypatch.setattr(torch, "compile", compiler)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    compile_layers(network.train(), batch, bf16=False)
    calls.clear()
    network(batch)
    assert calls == [tuple(batch.shape)]
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


def test_a_compiler_that_loses_gradients_is_refused(monkeypatch, batch):
    def loses(function):
        # Right values, no gradient: what torch 2.13 does to some networks.
        return lambda x: function(x).detach().requires_grad_()

    monkeypatch.setattr(torch, "compile", loses)
    with pytest.raises(UsageError, match="train it without --compile"):
        compile_layers(Plain(2, 1, 4, 1).train(), batch, bf16=False)
