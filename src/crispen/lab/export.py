"""Exports a checkpoint as a model.

Three files are written: ``NAME.onnx`` (the graph and its `ModelCard`), ``NAME.safetensors`` (the
same merged weights for PyTorch users) and ``NAME.md`` (the card as a page). Export uses the
averaged weights and merges rich blocks into single convolutions. Before anything is written, the
merged network is compared with the trained one, and the graph with the merged network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from safetensors.torch import save
from torch import Tensor, nn

from crispen import __version__
from crispen.errors import ModelError
from crispen.evaluate.benchmark import measure_results, measure_speed
from crispen.evaluate.known_metrics import METRICS
from crispen.evaluate.pairs import Degrade
from crispen.lab.checkpoint import load_checkpoint, no_lineage, restore_weights
from crispen.lab.degradations import Degradation
from crispen.lab.degradations.picture import degrade_image
from crispen.lab.networks import Network, Upscaler, build_network, parameter_count
from crispen.lab.networks.clipped import clips
from crispen.lab.networks.curve import Curve
from crispen.lab.networks.spandrel import Foreign
from crispen.lab.promises import check_network
from crispen.lab.recipe import Recipe
from crispen.lab.run_folder import make_folder
from crispen.lab.settling import settle
from crispen.lab.tracing import example, traced
from crispen.media.atomic import write_whole
from crispen.media.image import Image
from crispen.models.card import CARD_KEY, ModelCard, Training
from crispen.models.card_page import card_page
from crispen.models.dials import INITIALIZER, INPUTS, VIVID

TOLERANCE = 1e-4
_BLACK, _SWING = 16.0 / 255.0, 219.0 / 255.0


class _WithResidual(nn.Module):
    """Adds the residual as a second output, so that its tensor has a name in the graph."""

    def __init__(self, network: Upscaler) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, *dials: Tensor) -> tuple[Tensor, Tensor]:
        residual = self.network.residual(x, *dials)
        return self.network.compose(x, residual).clamp(0.0, 1.0), residual


class _Estimating(nn.Module):
    """The exported part of a `Curve`; its nodes keep the names of the whole network."""

    def __init__(self, network: Curve) -> None:
        super().__init__()
        self.estimator = network.estimator

    def forward(self, view: Tensor, statistics: Tensor) -> Tensor:
        return self.estimator(view, statistics)  # type: ignore[no-any-return]


class StudioRange(Network):
    """Wraps a network that was trained on full-range luma, so that it takes studio range.

    Luma models get Y' from 16 to 235, while Y of YUV ranges from 0 to 255.

    Args:
        network: The wrapped network.
    """

    def __init__(self, network: Network) -> None:
        super().__init__(network.scale, network.channels)
        self.network = network
        self.halo, self.multiple = network.halo, network.multiple
        self.window_px = network.window_px

    def forward(self, x: Tensor) -> Tensor:
        """The output for ``(N, 1, H, W)`` studio-range luma, in studio range."""
        full = ((x - _BLACK) / _SWING).clamp(0.0, 1.0)
        return self.finish(self.network(full) * _SWING + _BLACK)


def to_onnx(network: Network, card: ModelCard) -> onnx.ModelProto:
    """The ONNX graph: ``input`` (N, C, H, W) in [0, 1] → ``output`` (N, C, scale·H, scale·W).

    N, H and W are dynamic; H and W are fixed for a network with a single window size. If it
    predicts a residual over a bicubic base, that tensor is named ``residual``. Dials and vividness
    become initializers; see `crispen.models.dials`. For a network that outputs a curve, only the
    part that estimates it is exported; see `crispen.models.curve`.
    """
    if network.has_curve:
        return _finished(_estimator_graph(network), card)
    side = network.window_px
    free = {0: "n", 2: "h", 3: "w"} if side is None else {0: "n"}
    grown = {0: "n", 2: "H", 3: "W"} if side is None else {0: "n"}
    if side is not None and isinstance(network, Foreign):
        free = grown = {}  # it could not be exported with dynamic axes
    names, inputs = ["output"], [example(network)]
    given = ["input"]
    if network.has_dials:
        inputs.append(torch.zeros(1, INPUTS))
        given.append(INITIALIZER)
    if network.has_vivid:
        inputs.append(torch.ones(1))
        given.append(VIVID)
    module: nn.Module = network
    if isinstance(network, Upscaler):
        module, names = _WithResidual(network), ["output", "residual"]
    model = traced(module, inputs, given, names, {"input": free, "output": grown})
    del model.graph.output[1:]
    # Added after tracing: as constants, they would be folded into the graph.
    del model.graph.input[1:]
    for name, value in zip(given[1:], inputs[1:], strict=True):
        model.graph.initializer.append(numpy_helper.from_array(value.numpy(), name))
    return _finished(model, card)


def _finished(model: onnx.ModelProto, card: ModelCard) -> onnx.ModelProto:
    """Adds the card to the graph."""
    model.producer_name = "crispen"
    model.producer_version = __version__
    model.doc_string = card.summary
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, card.model_dump_json(exclude_defaults=True)
    onnx.checker.check_model(model)
    return model


def _estimator_graph(network: Network) -> onnx.ModelProto:
    """``view`` and ``statistics`` → ``curve``, as in `crispen.models.curve`."""
    assert isinstance(network, Curve)
    return traced(
        _Estimating(network),
        network.seen(example(network)),
        ["view", "statistics"],
        ["curve"],
        {name: {0: "n"} for name in ("view", "statistics", "curve")},
    )


def _check_merge(trained: Network, merged: Network) -> None:
    x = example(trained)
    with torch.no_grad():
        difference = float((trained.eval()(x) - merged.eval()(x)).abs().max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"the merged network differs from the trained one by {difference:.2g}; "
            "train it further in fp32 or report this checkpoint"
        )


def _check_graph(network: Network, model: onnx.ModelProto) -> None:
    """Checks that the graph, run by ONNX's reference, equals PyTorch."""
    x = example(network)
    with torch.no_grad():
        if isinstance(network, Curve):
            seen = network.seen(x)
            expected = network.estimator.eval()(*seen).numpy()
            given = dict(zip(("view", "statistics"), (part.numpy() for part in seen), strict=True))
        else:
            expected, given = network.eval()(x).numpy(), {"input": x.numpy()}
    with np.errstate(over="ignore", invalid="ignore"):  # in a branch that its sigmoid discards
        (out,) = ReferenceEvaluator(model).run(None, given)
    difference = float(np.abs(np.asarray(out) - expected).max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"the exported graph differs from the network by {difference:.2g}; report this "
            "checkpoint"
        )


def _degrading(tables: Sequence[Degradation], scale: int) -> Degrade:
    """Degrades whole pictures as ``crispen evaluate --degrade`` does with seed 0."""

    def apply(pixels: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        return degrade_image(Image(pixels), tables, seed=index, scale=scale).as_rgb8()

    return apply


def _taught(recipe: Recipe) -> dict[str, str]:
    """The card's entries about the teacher; empty without one."""
    table = recipe.teacher
    if table is None:
        return {}
    said = ", ".join(text for text in (table.licence, table.notice) if text)
    return {"teacher": table.name or Path(table.model).stem, "teacher_licence": said}


def _kept(recipe: Recipe, step: int) -> str:
    """Description of the checkpoint, for networks with adversarial training; otherwise empty."""
    table = recipe.adversarial
    if table is None:
        return ""
    if step <= table.pretrain_steps:
        return f"step {step:,}, before the discriminator"
    validation = recipe.validation
    best = "highest" if validation.larger_is_better else "lowest"
    title = METRICS[validation.monitor].title if validation.perceptual else ""
    which = f"{best} {title} of those" if title else "latest"
    return f"step {step:,}, {which} with the discriminator"


def export_checkpoint(
    checkpoint: Path,
    folder: Path,
    *,
    name: str | None = None,
    valid: Path | None = None,
    degradations: Mapping[str, Degradation] | None = None,
    licence: str = "MIT",
    blend: Callable[[Network, Recipe], str] | None = None,
) -> Path:
    """Writes ``NAME.onnx``, ``NAME.safetensors`` and ``NAME.md``.

    Args:
        checkpoint: A run's ``best.ckpt`` or ``last.ckpt``.
        folder: Target folder; created if missing.
        name: The model's name; the recipe's unless given.
        valid: Folder with ``Set5``, ``Set14`` …; if given, quality and speed are measured for the
            card.
        degradations: Degradations to measure with, each separately, by their names on the card;
            the recipe's own unless given.
        licence: Licence of the weights.
        blend: Mixes other weights into the merged network and says for the card what it did; see
            `crispen.lab.blending`.

    Returns:
        The path of the ONNX file.

    Raises:
        InputError: The file is not a checkpoint.
        UsageError: The network to mix in is of another architecture.
        ModelError: The exported network would differ from the trained one, or its output depends
            on pixels outside its stated halo.
        OutputError: A file cannot be written.
    """
    content = load_checkpoint(checkpoint)
    recipe: Recipe = content["recipe"]
    network = build_network(recipe.network, scale=recipe.scale, channels=recipe.data.channels)
    restore_weights(network, content["average"], checkpoint)
    if isinstance(network, Foreign):
        settle(network)
    else:
        check_network(network, recipe.network.kind)
    merged = network.merged().eval()
    _check_merge(network, merged)
    kept = _kept(recipe, content["step"])
    if blend is not None:
        kept = "; ".join(text for text in (kept, blend(merged, recipe)) if text)
    parameters = parameter_count(merged)
    if recipe.data.color == "yuv":
        merged = StudioRange(merged).eval()
    lineage = content["lineage"] or no_lineage()
    data = recipe.data
    card = ModelCard(
        name=name or recipe.name,
        task=recipe.task,
        summary=recipe.summary,
        scale=recipe.scale,
        color="rgb" if data.color == "rgb" else "luma",
        halo=0 if merged.has_curve else merged.halo,
        base=merged.base,
        multiple=merged.multiple,
        window_px=merged.window_px,
        stride_px=_stride(merged),
        parameters=parameters,
        dials=merged.has_dials,
        vivid=merged.has_vivid,
        int8=bool(clips(merged)),
        curve=merged.has_curve,
        architecture=recipe.network.describe(),
        licence=licence,
        training=Training(
            recipe=recipe.name,
            steps=content["step"] + lineage["steps"],
            seed=recipe.train.seed,
            loss=recipe.loss_text,
            data=Path(getattr(data, "path", "") or getattr(data, "name", data.kind)).name,
            data_sha256=content["data"]["digest"],
            data_licences=content["data"]["licence"],
            hardware=content["hardware"],
            wall_time_s=round(content["wall_time_s"] + lineage["wall_time_s"], 1),
            kept=kept,
            started_from=lineage["started_from"],
            crispen=__version__,
            **_taught(recipe),
        ),
    )
    make_folder(folder)
    path = folder / f"{card.name}.onnx"
    model = to_onnx(merged, card)
    _check_graph(merged, model)
    write_whole(path, model.SerializeToString())
    if valid is not None:
        ways = {
            words: _degrading([one], recipe.scale) for words, one in (degradations or {}).items()
        }
        if recipe.degradation and not ways:
            ways[recipe.degradation_text] = _degrading(recipe.degradation, recipe.scale)
        measured = {
            "results": measure_results(path, card, valid, ways),
            "speed": measure_speed(path, card),
        }
        card = card.model_copy(update=measured)
        model.metadata_props[-1].value = card.model_dump_json(exclude_defaults=True)
        write_whole(path, model.SerializeToString())
    # Weights of published architectures keep their published names.
    named = merged.model if isinstance(merged, Foreign) else merged
    tensors = {k: v.contiguous() for k, v in named.state_dict().items()}
    metadata = {CARD_KEY: card.model_dump_json(exclude_defaults=True)}
    write_whole(path.with_suffix(".safetensors"), save(tensors, metadata))
    write_whole(path.with_suffix(".md"), card_page(card).encode())
    return path


def _stride(network: Network) -> int | None:
    """Stride of fixed-size windows: they overlap by half, so that seams can be blended."""
    return network.window_px // 2 if network.window_px else None
