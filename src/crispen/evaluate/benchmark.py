"""Metrics, seconds and memory of models and baselines on a folder of pictures.

A luma model is measured as in the literature: the luma of the 8-bit LR picture goes through the
network, and the output is rounded to 8 bits and compared with the HR picture's luma
(`crispen.evaluate.metrics`). The interpolations enlarge the same plane. Luma is passed as 16-bit
levels, 257 to a grey level, so that nothing but the result is rounded. On request, everything runs
and is compared in R'G'B'; the metrics of `crispen.evaluate.known_metrics` always are.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sized
from pathlib import Path
from typing import Any

import numpy as np

from crispen.engines.opening import open_engine
from crispen.errors import InputError, UsageError
from crispen.evaluate.clip_pairs import frame_pairs
from crispen.evaluate.contender import BUILT_IN, Contender, open_contender
from crispen.evaluate.known_metrics import find_metric, measured
from crispen.evaluate.metrics import luma255, mse, psnr, round8, ssim
from crispen.evaluate.pairs import Bytes, Degrade, Pair, find_pairs
from crispen.evaluate.peak_memory import peak_memory
from crispen.evaluate.scores import PictureScore, Protocol, Score
from crispen.evaluate.set_distances import SetMeasure
from crispen.models.card import ModelCard, Result
from crispen.models.store import find
from crispen.progress import Progress


def evaluate(
    model: str | Path,
    folder: Path,
    scale: int,
    *,
    protocol: Protocol | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Score:
    """The score of a model, of an interpolation or of a classic filter, on a folder.

    Args:
        model: A model's name or file, or one of `contender.BUILT_IN`.
        folder: A video, all of whose frames are measured, or see `pairs.find_pairs`; without
            ``LR_xN`` the small pictures are made by the literature's bicubic downscaling.
        scale: How many times smaller the small pictures are.
        protocol: How pictures are compared.
        device: Where the model runs.
        threads: Maximum number.
        progress: Receives an event for each picture.

    Raises:
        UsageError: The model enlarges by another scale.
    """
    protocol = protocol or Protocol()
    degraded = protocol.degrade is not None
    pairs: Iterable[Pair] = (
        frame_pairs(folder, scale, degraded=degraded)
        if folder.is_file()
        else find_pairs(folder, scale, degraded=degraded)
    )
    return evaluate_pairs(
        model,
        pairs,
        scale,
        data=folder.name,
        protocol=protocol,
        device=device,
        threads=threads,
        progress=progress,
    )


def evaluate_pairs(
    model: str | Path,
    pairs: Iterable[Pair],
    scale: int,
    *,
    data: str,
    protocol: Protocol,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Score:
    """The same on pictures found in another way.

    Args:
        model: See `evaluate`.
        pairs: The pictures.
        scale: See `evaluate`.
        data: Their name.
        protocol: How pictures are compared.
        device: See `evaluate`.
        threads: See `evaluate`.
        progress: See `evaluate`.
    """
    for metric in protocol.metrics:
        prepare = find_metric(metric).prepare
        if prepare is not None:
            prepare()  # before any time is spent
    with peak_memory() as peak, open_contender(model, scale, device, threads) as contender:
        together = SetMeasure(protocol.metrics)
        scores = _score(contender, pairs, protocol, data, progress or Progress(), together)
    return Score(
        model=contender.name,
        data=data,
        scale=scale,
        pictures=scores,
        color=protocol.color,
        border=protocol.shaved(scale),
        degradation=protocol.degradation,
        metrics=protocol.metrics,
        parameters=contender.card.parameters if contender.card else 0,
        memory_bytes=peak.bytes,
        whole=together.values(),
    )


def _score(
    contender: Contender,
    pairs: Iterable[Pair],
    protocol: Protocol,
    data: str,
    progress: Progress,
    together: SetMeasure,
) -> tuple[PictureScore, ...]:
    scores = []
    total = len(pairs) if isinstance(pairs, Sized) else None
    with progress.task(f"{contender.name} on {data}", total, "pictures") as task:
        for pair in pairs:
            lr, hr = pair.load(contender.scale, protocol.degrade)
            try:
                scores.append(measure_picture(pair.hr.name, contender, lr, hr, protocol, together))
            except UsageError as error:
                raise InputError(f"{pair.hr}: {error}") from error
            task.advance()
    return tuple(scores)


def measure_picture(
    name: str,
    contender: Contender,
    lr: Bytes,
    hr: Bytes,
    protocol: Protocol,
    together: SetMeasure | None = None,
) -> PictureScore:
    """The score of one picture.

    Args:
        name: The picture's.
        contender: What is measured.
        lr: ``(h, w, 3)``, the input.
        hr: ``(scale·h, scale·w, 3)``, the expected output.
        protocol: How pictures are compared.
        together: Also gets the picture, for metrics of the whole set.
    """
    plane = protocol.color == "luma" and contender.luma
    source: Any = np.round(luma255(lr) * 257.0).astype(np.uint16)[..., None] if plane else lr
    if contender.card is not None:
        contender.run(source)  # the first run at a size also prepares the network for it
    began = time.perf_counter()
    out = contender.run(source)
    seconds = time.perf_counter() - began
    if plane:
        result, reference = round8(out[..., 0] / 257.0), luma255(hr)
    elif protocol.color == "luma":
        result, reference = round8(luma255(out)), luma255(hr)
    else:
        result, reference = out.astype(np.float64), hr.astype(np.float64)
    border = protocol.shaved(contender.scale)
    values: dict[str, float | None] = {
        "mse": mse(result, reference, border=border),
        "psnr": psnr(result, reference, border=border),
        "ssim": ssim(result, reference, border=border),
    }
    more: dict[str, float | None] = {}
    added = [metric for metric in protocol.metrics if find_metric(metric).measure]
    if added or together:
        shown = contender.run(lr) if plane else out
        more = {metric: measured(metric, shown, hr) for metric in added}
        if together:
            together.add(shown, hr)
    return PictureScore(picture=name, seconds=seconds, more=more, **values)  # type: ignore[arg-type]


def common_scale(models: list[str], scale: int | None) -> int:
    """The scale to measure at: the requested one, or the models'; 2 for baselines alone.

    Raises:
        UsageError: The models enlarge by different factors.
    """
    if scale is not None:
        return scale
    scales = {name: find(name)[1].scale for name in models if name not in BUILT_IN}
    if len(set(scales.values())) > 1:
        listed = ", ".join(f"{name} x{n}" for name, n in scales.items())
        raise UsageError(f"one table has one scale, but these are {listed}; measure them by scale")
    return next(iter(scales.values()), 2)


def measure_results(
    path: Path,
    card: ModelCard,
    valid: Path,
    degradations: Mapping[str, Degrade] | None = None,
) -> tuple[Result, ...]:
    """A model's results for its card: one for each data set and degradation.

    Args:
        path: The ONNX file.
        card: Its card; the file's own must have the same scale.
        valid: A folder of data sets, each with ``HR`` and ``LR_xN``, or with ``HR`` alone if
            there are degradations.
        degradations: Degradations by their names on the card; a model that does not enlarge is
            only measured with them, or on data sets with ``LR_x1``.
    """
    ways: dict[str, Degrade | None] = {}
    if degradations:
        ways.update(degradations)
    results = []
    for folder in sorted(f for f in valid.iterdir() if f.is_dir()):
        own: dict[str, Degrade | None] = {"": None}
        fitting = (own if (folder / f"LR_x{card.scale}").is_dir() else {}) | (
            ways if (folder / "HR").is_dir() else {}
        )
        for degradation, degrade in fitting.items():
            protocol = Protocol(degrade=degrade, degradation=degradation)
            score = evaluate(path, folder, card.scale, protocol=protocol)
            plain = evaluate(
                "bicubic" if card.scale > 1 else "none", folder, card.scale, protocol=protocol
            )
            before = round(plain.psnr, 3)
            results.append(
                Result(
                    data=folder.name,
                    degradation=degradation,
                    psnr=round(score.psnr, 3),
                    ssim=round(score.ssim, 4),
                    bicubic_psnr=before if card.scale > 1 else None,
                    input_psnr=before if card.scale == 1 else None,
                )
            )
    return tuple(results)


def measure_speed(path: Path, card: ModelCard) -> str:
    """A model's speed for its card: one frame to 1920×1080 on this machine.

    A luma model gets luma; a model that takes only one size gets that size, and the time for a
    whole frame is computed from it.
    """
    engine = open_engine(path, card)
    full = (1080 // card.scale, 1920 // card.scale)
    sides = (card.window_px, card.window_px) if card.window_px is not None else full
    height, width = (n - n % card.multiple for n in sides)
    frame = np.full((height, width, 1 if card.color == "luma" else 3), 128, np.uint8)
    stride = card.stride_px or card.window_px
    windows = 1.0
    if stride is not None and card.window_px is not None:
        windows = float(np.ceil(full[0] / stride) * np.ceil(full[1] / stride))
    seconds = []
    try:
        for _ in range(6):
            began = time.perf_counter()
            engine.run(frame, studio=True)
            seconds.append(time.perf_counter() - began)
    finally:
        engine.close()
    # The first run also prepares the network for this size.
    return (
        f"{1000 * windows * float(np.median(seconds[1:])):.0f} ms a 1080p frame "
        f"({os.cpu_count()} cores, {engine.name} {engine.precision})"
    )
