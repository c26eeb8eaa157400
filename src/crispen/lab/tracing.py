"""From a PyTorch module to an ONNX graph."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence

import onnx
import onnxslim
import torch
from torch import Tensor, nn

from crispen.lab.networks.base import Network

OPSET = 17


def traced(
    module: nn.Module,
    inputs: Sequence[Tensor],
    given: Sequence[str],
    names: Sequence[str],
    free: Mapping[str, Mapping[int, str]],
) -> onnx.ModelProto:
    """The graph of a module, traced with these inputs.

    Args:
        module: Any module; it is put into evaluation mode.
        inputs: Its example inputs.
        given: Names of the inputs.
        names: Names of the outputs.
        free: For each name, the axes that may have any length, and the names of those lengths.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings(), _silent():
        # The TorchScript exporter is deprecated, but it names tensors as specified and needs no
        # further package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(inputs),
            buffer,  # type: ignore[arg-type]
            input_names=given,
            output_names=names,
            dynamic_axes=free,
            opset_version=OPSET,
            dynamo=False,
        )
    # Folds away the padding's shape arithmetic; only the network remains.
    model: onnx.ModelProto = onnxslim.slim(onnx.load_from_string(buffer.getvalue()))
    return model


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Silences the exporter, which prints the whole graph if an operator has no counterpart.

    It should check whether logging is enabled, but its `setup_onnx_logging` only tests whether the
    function that knows exists.
    """
    log = torch._C._jit_onnx_log
    torch._C._jit_onnx_log = lambda *_: None
    try:
        yield
    finally:
        torch._C._jit_onnx_log = log


def example(network: Network, rows: int = 32, columns: int = 24) -> Tensor:
    """A small input, by default not square if it need not be; its sides are rounded up."""
    step = network.window_px or network.multiple
    sides = (
        (step, step)
        if network.window_px
        else (math.ceil(rows / step) * step, math.ceil(columns / step) * step)
    )
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, network.channels, *sides, generator=generator)
