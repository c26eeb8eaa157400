"""How a trained model does on unseen pictures: scores, and the best and worst of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crispen.errors import CrispenError
from crispen.evaluate.benchmark import evaluate_pairs
from crispen.evaluate.compare import Comparison, Panel, choose_windows, resized, score
from crispen.evaluate.contender import Contender, open_contender
from crispen.evaluate.pairs import Bytes, Pair, find_data, find_pairs
from crispen.evaluate.run_folders import Run
from crispen.evaluate.scores import PictureScore, Protocol, Score
from crispen.media.image import is_image_name
from crispen.models.card import ModelCard
from crispen.progress import Progress

# A report shows this much of a large picture, where the result is worst.
_SHOWN_PX = 640
_WINDOW_PX = 36
_MOST_PICTURES = 24


@dataclass(frozen=True, eq=False, slots=True)
class Shown:
    """One picture worth looking at.

    Attributes:
        picture: Its file name.
        psnr: The model's.
        place: ``best`` or ``worst``.
        gain: dB more than the simplest baseline.
        comparison: Input, output, reference.
        part: It shows only the part of a large picture with the largest error.
    """

    picture: str
    psnr: float
    place: str
    gain: float
    comparison: Comparison
    part: bool


@dataclass(frozen=True, eq=False, slots=True)
class Findings:
    """What was measured about one run's model.

    Attributes:
        data: What it was measured on, in words.
        card: The model's.
        precision: The engine and number format it ran with.
        scores: The model's, then those of the baselines.
        shown: The worst pictures, then the best.
        degraded: Pictures with their degraded versions, the same part of both.
    """

    data: str
    card: ModelCard
    precision: str
    scores: tuple[Score, ...]
    shown: tuple[Shown, ...]
    degraded: tuple[tuple[str, Bytes, Bytes], ...]


def validation_pairs(
    run: Run, data: str | Path | None, *, degraded: bool
) -> tuple[list[Pair], str] | None:
    """Pictures to measure a run's model on, and their name; None if there are none.

    The requested ones; else the recipe's validation folder; else the pictures held out of its
    data; else Set5, if it can be found.

    Args:
        run: The run.
        data: A folder or a name, or None.
        degraded: The recipe degrades them.
    """
    if data is not None:
        folder = find_data(data)
        return find_pairs(folder, run.scale, degraded=degraded), folder.name
    named = str((run.recipe.get("validation") or {}).get("path") or "")
    if named and Path(named).is_dir():
        return find_pairs(Path(named), run.scale, degraded=degraded), Path(named).name
    held = held_out_pairs(run)
    if held and (degraded or run.scale > 1):
        held = held[:_MOST_PICTURES]
        noun = "picture" if len(held) == 1 else "pictures"
        return held, f"{len(held)} {noun} held out of the training data"
    try:
        folder = find_data("Set5")
        return find_pairs(folder, run.scale, degraded=degraded), folder.name
    except CrispenError:
        return None


def held_out_pairs(run: Run) -> list[Pair]:
    """The pictures of a folder held out of training, as far as they still exist."""
    names = (run.data.get("split") or {}).get("valid")
    folder = Path(str((run.recipe.get("data") or {}).get("path") or "/nowhere"))
    if not isinstance(names, list):
        return []
    files = [folder / str(name) for name in names]
    files = [f for f in files if is_image_name(f) and f.is_file()]
    return [Pair(f, None, i) for i, f in enumerate(files)]


def examine(
    model: Path,
    pairs: Sequence[Pair],
    data: str,
    scale: int,
    protocol: Protocol,
    *,
    baselines: Sequence[str],
    count: int = 2,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Measures a model and the baselines, and picks the pictures to show.

    Args:
        model: Its file.
        pairs: The pictures.
        data: Their name.
        scale: The model's.
        protocol: How pictures are compared.
        baselines: The model's gain is relative to the first.
        count: How many of the worst and of the best pictures are shown.
        device: Where the model runs.
        threads: Maximum number.
        progress: Receives an event for each picture.
    """
    contenders: list[str | Path] = [model, *baselines]
    scores = tuple(
        evaluate_pairs(
            name,
            pairs,
            scale,
            data=data,
            protocol=protocol,
            device=device if name == model else "auto",
            threads=threads,
            progress=progress,
        )
        for name in contenders
    )
    order = np.argsort([p.psnr for p in scores[0].pictures], kind="stable")
    count = min(count, len(order) // 2) or 1
    worst, best = order[:count], order[::-1][:count]
    chosen = [(int(i), "worst") for i in worst]
    chosen += [(int(i), "best") for i in best if i not in worst]
    with open_contender(model, scale, device, threads) as contender:
        shown = tuple(
            _look(
                contender,
                pairs[i],
                protocol,
                place,
                scores[0].pictures[i],
                scores[1].pictures[i].psnr if len(scores) > 1 else float("nan"),
            )
            for i, place in chosen
        )
        assert contender.card is not None
        return Findings(
            data=data,
            card=contender.card,
            precision=contender.precision,
            scores=scores,
            shown=shown,
            degraded=tuple(_degraded(pair, scale, protocol) for pair in pairs[:2]),
        )


def _look(
    contender: Contender,
    pair: Pair,
    protocol: Protocol,
    place: str,
    measured: PictureScore,
    baseline: float,
) -> Shown:
    lr, hr = pair.load(contender.scale, protocol.degrade)
    result = contender.run(lr).astype(np.uint8)
    height, width = hr.shape[:2]
    before, note = lr, ""
    if contender.scale > 1:
        before, note = resized(lr, height, width, "bicubic"), f"bicubic {contender.scale}×"
    border = protocol.shaved(contender.scale)
    notes = [", ".join(filter(None, (note, score(before, hr, border)))), score(result, hr, border)]
    rows, columns = _part(result, hr)
    panels = (
        Panel("input", notes[0], before[rows, columns]),
        Panel(contender.name, notes[1], result[rows, columns]),
        Panel("reference", "", hr[rows, columns]),
    )
    side = min(_WINDOW_PX, *panels[0].pixels.shape[:2])
    # Where the result is farthest from the reference.
    windows = choose_windows(panels[1].pixels, panels[2].pixels, side, 3)
    return Shown(
        pair.hr.name,
        measured.psnr,
        place,
        measured.psnr - baseline,
        Comparison(panels, windows),
        panels[0].pixels.shape != hr.shape,
    )


def _part(result: Bytes, reference: Bytes) -> tuple[slice, slice]:
    """The part of a large picture that a page shows, around the largest error."""
    height, width = reference.shape[:2]
    if max(height, width) <= _SHOWN_PX:
        return slice(None), slice(None)
    side = min(_WINDOW_PX, height, width)
    (window,) = choose_windows(result, reference, side, 1)
    return _around(window.top, side, height), _around(window.left, side, width)


def _around(start: int, side: int, length: int) -> slice:
    shown = min(_SHOWN_PX, length)
    first = min(max(0, start + side // 2 - shown // 2), length - shown)
    return slice(first, first + shown)


def _degraded(pair: Pair, scale: int, protocol: Protocol) -> tuple[str, Bytes, Bytes]:
    """The middle of a picture and of its degraded version, at the same size."""
    bad, good = pair.load(scale, protocol.degrade)
    bad = bad.repeat(scale, 0).repeat(scale, 1)
    side = min(256, *good.shape[:2])
    top, left = ((n - side) // 2 for n in good.shape[:2])
    window = slice(top, top + side), slice(left, left + side)
    return pair.hr.name, good[window], bad[window]
