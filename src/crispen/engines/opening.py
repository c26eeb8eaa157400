"""The engine for a device, found without importing the others, since each import is slow."""

from __future__ import annotations

from pathlib import Path

from crispen.engines.base import Engine
from crispen.engines.devices import choose
from crispen.errors import UsageError
from crispen.models.card import ModelCard
from crispen.models.dials import Dials


def open_engine(
    path: Path,
    card: ModelCard,
    *,
    dials: Dials | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Engine:
    """The best engine for `device` that this machine has.

    Args:
        path: The ONNX file.
        card: Its card.
        dials: Settings of the network's dials; all are estimated from the picture unless given.
        device: ``auto`` (CUDA if an engine for it is installed, else the CPU), ``cpu``, ``cuda``,
            ``cuda:N``, ``tensorrt``, ``directml``, ``coreml``, ``mps``, ``gpu``, ``npu``.
        threads: CPU threads; all cores unless given.

    Raises:
        UsageError: No such device here; the message lists those available.
        ModelError: The file cannot be loaded, or has no dials to set.
    """
    if threads is not None and threads < 1:
        raise UsageError(f"threads must be 1 or more, not {threads}")
    engine, where = choose(device)
    if card.curve:
        from crispen.engines.curve import CurveEngine

        return CurveEngine(path, card)
    match engine:
        case "onnxruntime":
            from crispen.engines.onnxruntime import OnnxRuntimeEngine

            return OnnxRuntimeEngine(path, card, dials=dials, device=where, threads=threads)
        case "torch":
            from crispen.engines.torch import TorchEngine

            return TorchEngine(path, card, dials=dials, device=where, threads=threads)
        case _:
            from crispen.engines.openvino import OpenVinoEngine

            return OpenVinoEngine(path, card, dials=dials, device=where, threads=threads)
