"""PyTorch, if it is installed: CUDA and MPS.

The ONNX graph is executed node by node; see `crispen.engines._torch_operations`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crispen.engines._torch_operations import operations
from crispen.engines.base import ArrayEngine, Floats
from crispen.errors import MissingExtra, ModelError
from crispen.models.card import ModelCard
from crispen.models.dials import Dials, read_told

if TYPE_CHECKING:
    import torch


class TorchEngine(ArrayEngine):
    """One network through PyTorch; see `crispen.engines.base.Engine`.

    Args:
        path: The ONNX file.
        card: Its card.
        dials: Settings of the network's dials; all are estimated from the picture unless given.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        threads: CPU threads of the whole process; PyTorch's own choice unless given.

    Raises:
        MissingExtra: PyTorch or ``onnx`` is not installed.
        ModelError: The file cannot be loaded, or has unsupported operations.
    """

    name = "torch"

    def __init__(
        self,
        path: Path,
        card: ModelCard,
        *,
        dials: Dials | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        # Half precision only if the network carries the residual, not the picture.
        half = device.startswith("cuda") and card.base == "bicubic"
        super().__init__(card, device, "fp16" if half else "fp32", dials)
        try:
            import onnx
            import torch
            from onnx import numpy_helper
        except ImportError as error:
            raise MissingExtra(
                "PyTorch with onnx is not installed; pip install 'crispen[train]'"
            ) from error
        content = read_told(path, dials)
        try:
            graph = onnx.load_from_string(content).graph
            self._input = graph.input[0].name
            self._output = "residual" if card.base == "bicubic" else graph.output[0].name
        except Exception as error:  # protobuf's own error is not public; IndexError: empty
            raise ModelError(f"{path}: not an ONNX file; download or export it again") from error
        if threads is not None:
            torch.set_num_threads(threads)
        self._operations = operations()
        unknown = sorted({node.op_type for node in graph.node} - {*self._operations, "Constant"})
        if unknown:
            raise ModelError(
                f"{card.name}: the PyTorch engine does not support {', '.join(unknown)}; "
                "use --device cpu"
            )
        self._type = torch.float16 if half else torch.float32
        self._constants = {
            tensor.name: self._constant(numpy_helper.to_array(tensor))
            for tensor in graph.initializer
        }
        self._nodes: list[tuple[str, list[str], str, dict[str, Any]]] = []
        for node in graph.node:
            how = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                value = numpy_helper.to_array(how["value"])
                self._constants[node.output[0]] = self._constant(value)
                continue
            if how.pop("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
                raise ModelError(
                    f"{card.name}: the PyTorch engine does not support automatic padding; "
                    "use --device cpu"
                )
            self._nodes.append((node.op_type, list(node.input), node.output[0], how))
        self._nodes = self._needed()

    def _constant(self, array: np.ndarray[Any, Any]) -> torch.Tensor:
        import torch

        tensor = torch.from_numpy(array.copy())
        if tensor.is_floating_point():
            return tensor.to(self.device, self._type)
        return tensor

    def _needed(self) -> list[tuple[str, list[str], str, dict[str, Any]]]:
        """The nodes that the output depends on, in order."""
        wanted, kept = {self._output}, []
        for node in reversed(self._nodes):
            if node[2] in wanted:
                wanted.update(node[1])
                kept.append(node)
        return kept[::-1]

    def tensors(self, x: torch.Tensor) -> torch.Tensor:
        """`answer` for a batch already on the device."""
        values = dict(self._constants)
        values[self._input] = x.to(self._type)
        for kind, inputs, output, how in self._nodes:
            arguments = [values[name] if name else None for name in inputs]
            values[output] = self._operations[kind](*arguments, **how)
        made: torch.Tensor = values[self._output]
        return made

    def answer(self, x: Floats) -> Floats:
        """See `ArrayEngine.answer`."""
        import torch

        try:
            with torch.inference_mode():
                made = self.tensors(torch.from_numpy(x).to(self.device))
                answer: Floats = made.float().cpu().numpy()
        except (RuntimeError, KeyError, TypeError, IndexError) as error:
            raise ModelError(
                f"{self.card.name}: PyTorch cannot run it on {x.shape[3]}x{x.shape[2]} windows on "
                f"{self.device}; use --device cpu"
            ) from error
        return answer
