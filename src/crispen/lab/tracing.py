"""Converts PyTorch modules to ONNX graphs."""

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
    """The ONNX graph of a module, traced with example inputs.

    Args:
        module: The module; set to evaluation mode.
        inputs: Example inputs.
        given: Names of the inputs.
        names: Names of the outputs.
        free: Dynamic axes: for each input or output, names of the lengths by axis.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings(), _silent():
        # The TorchScript exporter is deprecated, but it keeps the given tensor names and needs no
        # other package.
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
    # Folds the shape arithmetic of padding into constants.
    model: onnx.ModelProto = onnxslim.slim(onnx.load_from_string(buffer.getvalue()))
    return model


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Silences the exporter, which prints the whole graph if an operator is not supported.

    PyTorch should do so only if logging is enabled, but its `setup_onnx_logging` tests the
    existence of the function that returns this setting, instead of calling it.
    """
    log = torch._C._jit_onnx_log
    torch._C._jit_onnx_log = lambda *_: None
    try:
        yield
    finally:
        torch._C._jit_onnx_log = log


def example(network: Network, rows: int = 32, columns: int = 24) -> Tensor:
    """A random input, ``(1, C, H, W)`` in [0, 1].

    Args:
        network: The network; its window size, if it has one, replaces `rows` and `columns`.
        rows: Minimum height in pixels; rounded up to the network's multiple.
        columns: Minimum width in pixels, likewise.
    """
    step = network.window_px or network.multiple
    sides = (
        (step, step)
        if network.window_px
        else (math.ceil(rows / step) * step, math.ceil(columns / step) * step)
    )
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, network.channels, *sides, generator=generator)
