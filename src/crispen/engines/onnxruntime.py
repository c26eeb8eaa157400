"""ONNX Runtime: CUDA, TensorRT, DirectML and CoreML, and the CPU if OpenVINO is not wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from crispen.engines.base import ArrayEngine, Floats
from crispen.engines.devices import PROVIDERS
from crispen.errors import MissingExtra, ModelError, UsageError
from crispen.models.card import ModelCard
from crispen.models.dials import Dials, read_told


def _bytes_field(number: int, content: bytes) -> bytes:
    assert len(content) < 128, "one byte of length"
    return bytes([number << 3 | 2, len(content)]) + content


def with_residual_output(model: bytes) -> bytes:
    """The ONNX file with its tensor ``residual`` as an additional output.

    A second ``graph`` field is merged with the first when a protobuf message is parsed, so
    appending a few bytes is enough: ``ModelProto.graph`` (7) → ``output`` (12) → ``name`` (1).
    """
    return model + _bytes_field(7, _bytes_field(12, _bytes_field(1, b"residual")))


class OnnxRuntimeEngine(ArrayEngine):
    """One network through ONNX Runtime; see `crispen.engines.base.Engine`.

    Args:
        path: The ONNX file.
        card: Its card.
        dials: Settings of the network's dials; all are estimated from the picture unless given.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``tensorrt``, ``directml``, ``coreml``.
        threads: CPU threads; all cores unless given.

    Raises:
        MissingExtra: ONNX Runtime is not installed.
        ModelError: The file cannot be loaded.
        UsageError: The device does not start.
    """

    name = "onnxruntime"

    def __init__(
        self,
        path: Path,
        card: ModelCard,
        *,
        dials: Dials | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        super().__init__(card, device, "fp32", dials)
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtra(
                "ONNX Runtime is not installed; pip install 'crispen[onnxruntime]'"
            ) from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        base, _, index = device.partition(":")
        providers: list[str | tuple[str, dict[str, str]]] = ["CPUExecutionProvider"]
        if base != "cpu":
            providers.insert(0, (PROVIDERS[base], {"device_id": index} if index else {}))
        self._output = "residual" if card.base == "bicubic" else None
        model = read_told(path, dials)
        try:
            self._session = onnxruntime.InferenceSession(
                with_residual_output(model) if self._output else model,
                options,
                providers=providers,
            )
        except Exception as error:  # its exceptions have no common base class
            raise ModelError(
                f"{path}: not a model ONNX Runtime can load on {device}; "
                "download or export it again, or use --device cpu"
            ) from error
        if base != "cpu" and self._session.get_providers()[0] != PROVIDERS[base]:
            raise UsageError(
                f"ONNX Runtime could not start on {device}; check its driver or use --device cpu"
            )
        self._input = self._session.get_inputs()[0].name
        half = self._session.get_inputs()[0].type == "tensor(float16)"
        self._dtype = np.float16 if half else np.float32
        self._output = self._output or self._session.get_outputs()[0].name

    def answer(self, x: Floats) -> Floats:
        """See `ArrayEngine.answer`."""
        try:
            answer = self._session.run([self._output], {self._input: x.astype(self._dtype)})[0]
        except Exception as error:
            raise ModelError(
                f"{self.card.name}: ONNX Runtime cannot run it on {x.shape[3]}x{x.shape[2]} "
                f"windows on {self.device}; use --device cpu"
            ) from error
        return np.asarray(answer, np.float32)
