"""From a checkpoint to the model file that everybody else reads.

Three files are written: ``NAME.onnx`` (the graph and its `ModelCard`), ``NAME.safetensors`` (the
same merged weights for PyTorch users) and ``NAME.md`` (the card as a page). The averaged weights
are taken, rich blocks are merged into single convolutions, and the result is compared with the
training network before anything is kept.
"""

from __future__ import annotations

import io
import os
import tempfile
import warnings
from pathlib import Path

import onnx
import onnxslim
import torch
from safetensors.torch import save
from torch import Tensor, nn

from crispen.errors import ModelError
from crispen.evaluate.benchmark import measure_results, measure_speed
from crispen.lab.networks import Upscaler, build_network, parameter_count
from crispen.lab.training import load_checkpoint
from crispen.models.card import CARD_KEY, ModelCard, Training
from crispen.models.page import card_page

OPSET = 17
TOLERANCE = 1e-4


class _WithResidual(nn.Module):
    """Gives the residual as a second output, so that its tensor has a name in the graph."""

    def __init__(self, network: Upscaler) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        residual = self.network.residual(x)
        return self.network.compose(x, residual).clamp(0.0, 1.0), residual


def to_onnx(network: Upscaler, card: ModelCard) -> onnx.ModelProto:
    """The graph: ``input`` (N, C, H, W) in [0, 1] → ``output`` (N, C, scale·H, scale·W).

    N, H and W are free. The tensor before the bicubic sum is called ``residual``.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The TorchScript exporter is called deprecated, but it names tensors as it is told and
        # needs no further package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _WithResidual(network).eval(),
            (torch.rand(1, network.channels, 32, 24),),
            buffer,  # type: ignore[arg-type]
            input_names=["input"],
            output_names=["output", "residual"],
            dynamic_axes={
                "input": {0: "n", 2: "h", 3: "w"},
                "output": {0: "n", 2: "H", 3: "W"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    # Folds the shape arithmetic of the padding away; what is left is the network.
    model: onnx.ModelProto = onnxslim.slim(onnx.load_from_string(buffer.getvalue()))
    del model.graph.output[1:]
    model.producer_name = "crispen"
    model.producer_version = ""
    model.doc_string = card.summary
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, card.model_dump_json(exclude_defaults=True)
    onnx.checker.check_model(model)
    return model


def _check_merge(trained: Upscaler, merged: Upscaler) -> None:
    x = torch.rand(1, trained.channels, 33, 41, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        difference = float((trained.eval()(x) - merged.eval()(x)).abs().max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"the merged network differs from the trained one by {difference:.2g}; "
            "train it further in fp32 or report this checkpoint"
        )


def _write(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as part:
        part.write(content)
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)


def export_checkpoint(
    checkpoint: Path,
    folder: Path,
    *,
    name: str | None = None,
    valid: Path | None = None,
    licence: str = "MIT",
) -> Path:
    """Writes ``NAME.onnx``, ``NAME.safetensors`` and ``NAME.md``.

    Args:
        checkpoint: A run's ``last.pt``.
        folder: Where to; made if it is not there.
        name: The model's name; the recipe's unless given.
        valid: Folder with ``Set5``, ``Set14`` …; quality measured there, and speed, go into the
            card.
        licence: Of the weights.

    Returns:
        The path of the ONNX file.

    Raises:
        InputError: Not a checkpoint.
    """
    content = load_checkpoint(checkpoint)
    recipe = content["recipe"]
    network = build_network(recipe)
    network.load_state_dict(content["average"])
    merged = network.merged().eval()
    _check_merge(network, merged)
    lineage = content["lineage"] or {"started_from": "", "steps": 0, "wall_time_s": 0.0}
    card = ModelCard(
        name=name or recipe.name,
        task=recipe.task,
        summary=recipe.summary,
        scale=recipe.scale,
        color=recipe.data.color,
        halo=merged.halo,
        base="bicubic",
        parameters=parameter_count(merged),
        architecture=recipe.network.describe(),
        licence=licence,
        training=Training(
            recipe=recipe.name,
            steps=content["step"] + lineage["steps"],
            seed=recipe.train.seed,
            loss=recipe.train.loss,
            data=Path(recipe.data.path).name,
            data_sha256=content["data_sha256"],
            data_licences=recipe.data.licence,
            hardware=content["hardware"],
            wall_time_s=round(content["wall_time_s"] + lineage["wall_time_s"], 1),
            started_from=lineage["started_from"],
        ),
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{card.name}.onnx"
    model = to_onnx(merged, card)
    _write(path, model.SerializeToString())
    if valid is not None:
        measured = {
            "results": measure_results(path, card, valid),
            "speed": measure_speed(path, card),
        }
        card = card.model_copy(update=measured)
        model.metadata_props[-1].value = card.model_dump_json(exclude_defaults=True)
        _write(path, model.SerializeToString())
    tensors = {k: v.contiguous() for k, v in merged.state_dict().items()}
    metadata = {CARD_KEY: card.model_dump_json(exclude_defaults=True)}
    _write(path.with_suffix(".safetensors"), save(tensors, metadata))
    _write(path.with_suffix(".md"), card_page(card).encode())
    return path
