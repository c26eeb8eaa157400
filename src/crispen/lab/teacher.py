"""Distillation: the targets are the outputs of another network instead of the ground truth.

Many originals can lead to the same degraded picture. A perceptual network outputs one of them as a
deterministic function of its input, so a small network can learn it from pairs of inputs and
outputs with a pixel loss, without a discriminator.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from crispen.engines.devices import has_slow_bf16
from crispen.engines.torch import TorchEngine
from crispen.errors import MissingInput, ModelError, UsageError
from crispen.lab.table import Table
from crispen.models.card import ModelCard, read_card


class TeacherTable(Table):
    """The ``[teacher]`` table of a recipe."""

    model: str = Field(
        description="an ONNX file for values in [0, 1]; RGB unless its card says luma"
    )
    scale: int = Field(1, ge=1, le=8, description="scale factor of its output")
    name: str = Field("", description="its name on the student's card")
    licence: str = Field("", description="licence of its weights, for the card")
    notice: str = Field("", description="notice that its licence requires, for the card")
    share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="weight of the teacher's output in the target; the rest is the ground truth",
    )


class Teacher:
    """A network that is evaluated but not trained.

    Args:
        table: The recipe's ``[teacher]`` table.
        scale: The student's scale; larger outputs are downscaled to it.
        device: Device on which the teacher runs.
        color: What the student learns; on luma, where a fraction of a level counts, the teacher
            runs in fp32, else in bf16 if that is fast.

    Raises:
        MissingInput: The file does not exist.
        ModelError: The network cannot be run.
        UsageError: Its outputs are of another colour than the student's, or its scale is not a
            multiple of the student's.
    """

    def __init__(
        self, table: TeacherTable, scale: int, device: torch.device, color: str = "rgb"
    ) -> None:
        path = Path(table.model)
        if not path.is_file():
            raise MissingInput(f"teacher.model: {path}: no such file; name an ONNX file")
        try:
            card = read_card(path)
        except ModelError:
            card = ModelCard(name=path.stem, task="restore", scale=table.scale, color="rgb")
        if card.color != color or card.scale % scale:
            raise UsageError(
                f"teacher.model: {card.name} gives {card.color} at x{card.scale}; the student "
                f"needs {color} at x{scale} or a multiple of it (teacher.scale is the scale of a "
                "file without a card)"
            )
        self._bf16 = color == "rgb" and not (device.type == "cpu" and has_slow_bf16())
        self._answers = (
            _on_cpu(path, "bf16" if self._bf16 else "f32")
            if device.type == "cpu"
            else TorchEngine(
                path, card.model_copy(update={"base": "none"}), device=str(device)
            ).tensors
        )
        self._shrink = card.scale // scale
        self._share = table.share

    @torch.no_grad()
    def __call__(self, x: Tensor, truth: Tensor) -> Tensor:
        """The student's target, ``(N, C, scale·H, scale·W)``.

        Args:
            x: Input, ``(N, C, H, W)`` in [0, 1]; three channels, or one of luma.
            truth: Ground truth, ``(N, C, scale·H, scale·W)`` in [0, 1].
        """
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self._bf16):
            answer = self._answers(x.contiguous(memory_format=torch.channels_last))
        answer = answer.float().clamp(0, 1)
        if self._shrink > 1:
            answer = F.avg_pool2d(answer, self._shrink)
        return torch.lerp(truth, answer, self._share)


def _on_cpu(path: Path, precision: str) -> Callable[[Tensor], Tensor]:
    """The network in OpenVINO, which is four times as fast as PyTorch on a CPU."""
    import openvino as ov

    core = ov.Core()
    try:
        model = core.read_model(path)
        free = model.input(0).partial_shape
        free[0], free[2], free[3] = (ov.Dimension(),) * 3
        model.reshape(free)
        threads = torch.get_num_threads()
        hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads}
        request = core.compile_model(model, "CPU", hints).create_infer_request()
    except RuntimeError as error:
        raise ModelError(f"teacher.model: {path} cannot be run ({error})") from error
    return lambda x: torch.from_numpy(request.infer([x.contiguous().numpy()])[0].copy())
