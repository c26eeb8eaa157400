"""Reads run folders without PyTorch: what training wrote, even while it is still writing.

Any file may be missing, cut off or about to be replaced: what cannot be read is left out, and
the rest is reported. The folder's layout is that of `docs/training.md`.
"""

from __future__ import annotations

import csv
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from crispen.errors import MissingInput
from crispen.evaluate.known_metrics import METRICS

Status = Literal["running", "done", "stopped", "failed", "unknown"]
Value = float | None
_MARKS = ("run.json", "log.csv")
_LOWER_IS_BETTER = ("loss", *(name for name, metric in METRICS.items() if metric.lower_is_better))


@dataclass(frozen=True, slots=True)
class Log:
    """The table ``log.csv``.

    Attributes:
        columns: Values by column name, all the same length; None where nothing was measured.
    """

    columns: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns.get("step", ()))

    def rows(self) -> Iterator[dict[str, Value]]:
        """Line by line."""
        for values in zip(*self.columns.values(), strict=True):
            yield dict(zip(self.columns, values, strict=True))

    def curve(self, name: str, *, over: str = "step") -> list[tuple[float, float]]:
        """``(step, value)`` wherever both were measured; empty for a missing column."""
        pairs = zip(self.columns.get(over, ()), self.columns.get(name, ()), strict=False)
        return [(x, y) for x, y in pairs if x is not None and y is not None]

    def last(self, name: str) -> Value:
        """The last value that was measured, or None."""
        return next((v for v in reversed(self.columns.get(name, ())) if v is not None), None)

    def best(self, name: str) -> tuple[float, float] | None:
        """``(step, value)`` of the best one: lowest for losses and errors, else highest."""
        curve = self.curve(name)
        if not curve:
            return None
        lower = name.rpartition("val_")[2].startswith(_LOWER_IS_BETTER)
        return (min if lower else max)(curve, key=lambda point: point[1])


@dataclass(frozen=True, slots=True)
class Sample:
    """One sheet of sample pictures.

    Attributes:
        step: When it was made.
        epoch: The same in passes through the data; None if not recorded.
        file: Its picture.
    """

    step: int
    epoch: float | None
    file: Path


@dataclass(frozen=True, slots=True)
class Run:
    """One training run.

    Attributes:
        folder: Its path.
        id: Its folder relative to the listed one, with ``/``; unique there, unlike `name`.
        name: The recipe's.
        task: ``upscale``, ``denoise`` …
        scale: How many times larger each side becomes.
        status: The run's last report; a killed one says ``running`` for ever, see `updated`.
        step: Steps done.
        steps: Steps requested.
        epoch: Passes through the data.
        started: ISO 8601 time, or empty.
        wall_time_s: Seconds of training, without pauses.
        updated: Seconds since the epoch when anything in the folder was last written.
        parameters: Weights of the network.
        command: As typed.
        commit: The source's, or empty.
        versions: Those of the packages that matter.
        device: What it trained on.
        seed: For weights and batches.
        data: What ``run.json`` says about the data: digest, split …
        best: ``step`` and the figures of the best checkpoint.
        paper: Title, source and ``figures`` to compare with; empty without one.
        recipe: The resolved recipe as tables; empty if it cannot be read.
        recipe_text: The same as text.
        log: What was measured during training.
        samples: Sheets, oldest first.
        model: The exported ONNX file, or None.
        error: Why it failed, if it reported that.
    """

    folder: Path
    id: str
    name: str
    task: str = "upscale"
    scale: int = 1
    status: Status = "unknown"
    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    started: str = ""
    wall_time_s: float = 0.0
    updated: float = 0.0
    parameters: int = 0
    command: str = ""
    commit: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    seed: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)
    paper: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    recipe_text: str = ""
    log: Log = field(default_factory=Log)
    samples: tuple[Sample, ...] = ()
    model: Path | None = None
    error: str = ""

    @property
    def fraction(self) -> float:
        """How much of it is done, 0 to 1."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0

    def facts(self) -> dict[str, Any]:
        """All but curves and recipe as plain JSON values, for programs and the server."""
        names = "id name task scale status step steps epoch started wall_time_s updated parameters"
        names += " command commit device seed error"
        return {name: getattr(self, name) for name in names.split()} | {
            "folder": str(self.folder),
            "versions": dict(self.versions),
            "data": dict(self.data),
            "best": dict(self.best),
            "paper": dict(self.paper),
            "samples": [
                {"step": s.step, "epoch": s.epoch, "file": s.file.name} for s in self.samples
            ],
            "model": str(self.model) if self.model else None,
        }


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, or the beginning of one."""
    return any((folder / mark).is_file() for mark in _MARKS)


def list_runs(folder: Path, *, depth: int = 1) -> list[Run]:
    """The runs in a folder, most recently written first; empty if there are none.

    Args:
        folder: Such as ``runs``; a run's own folder gives that run.
        depth: How many levels of folders to look through.

    Raises:
        MissingInput: No such folder.
    """
    runs = [read_run(f, id=id) for id, f in run_folders(folder, depth=depth).items()]
    return sorted(runs, key=lambda run: (-run.updated, run.id))


def run_folders(folder: Path, *, depth: int = 1) -> dict[str, Path]:
    """Paths of the runs in a folder, by id; does not read the runs.

    Args:
        folder: Such as ``runs``; a run's own folder gives that run.
        depth: How many levels of folders to look through.

    Raises:
        MissingInput: No such folder.
    """
    if not folder.is_dir():
        raise MissingInput(
            f"{folder}: no such folder; runs are in ./runs unless 'crispen train -o' said otherwise"
        )
    if is_run(folder):
        return {folder.resolve().name: folder}
    return {f.relative_to(folder).as_posix(): f for f in _find(folder, depth)}


def _find(folder: Path, depth: int) -> Iterator[Path]:
    try:
        inner = sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))
    except OSError:
        return
    for one in inner:
        if is_run(one):
            yield one
        elif depth > 1:
            yield from _find(one, depth - 1)


def read_run(folder: Path, *, id: str = "") -> Run:
    """The current content of a run folder.

    Args:
        folder: Such as ``runs/denoise-photo``.
        id: See `Run`; the folder's name unless given.

    Raises:
        MissingInput: It is not a run folder.
    """
    folder = Path(folder)
    if not is_run(folder):
        raise MissingInput(
            f"{folder}: not a run folder (no {' and no '.join(_MARKS)} in it); "
            "'crispen train' makes one, 'crispen runs' lists those in ./runs"
        )
    about, recipe_text = _json(folder / "run.json", {}), _text(folder / "recipe.toml")
    recipe, log = _toml(recipe_text), _log(folder / "log.csv")
    train = _pick(recipe, "train", dict, {})
    name = _pick(about, "name", str, "") or _pick(recipe, "name", str, "") or folder.name
    status = about.get("status")
    versions = _pick(about, "versions", dict, {})
    command = about.get("command", "")
    return Run(
        folder=folder,
        id=id or folder.resolve().name,
        name=name,
        task=_pick(about, "task", str, _pick(recipe, "task", str, "upscale")),
        scale=int(_number(about, "scale", _number(recipe, "scale", 1))),
        status=status if status in get_args(Status) else "unknown",
        step=int(_number(about, "step", log.last("step") or 0)),
        steps=int(_number(about, "steps", _number(train, "steps", 0))),
        epoch=_number(about, "epoch", log.last("epoch") or 0.0),
        started=str(about.get("started") or ""),
        wall_time_s=_number(about, "wall_time_s", log.last("seconds") or 0.0),
        updated=_updated(folder),
        parameters=int(_number(about, "parameters", 0)),
        command=" ".join(map(str, command)) if isinstance(command, list) else str(command),
        commit=str(about.get("commit") or ""),
        versions={str(k): str(v) for k, v in versions.items()},
        device=str(about.get("device") or ""),
        seed=int(_number(about, "seed", _number(train, "seed", 0))),
        data=_pick(about, "data", dict, {}),
        best=_numbers(_pick(about, "best", dict, {})),
        paper=_pick(about, "paper", dict, _pick(recipe, "paper", dict, {})),
        recipe=recipe,
        recipe_text=recipe_text,
        log=log,
        samples=_samples(folder / "samples"),
        model=_model(folder, name),
        error=str(about.get("error") or ""),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _json(path: Path, default: Any) -> Any:
    """A file's content if it is whole and of the default's kind."""
    try:
        value = json.loads(_text(path))
    except ValueError:
        return default
    return value if isinstance(value, type(default)) else default


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _pick(table: Mapping[str, Any], key: str, kind: type[Any], default: Any) -> Any:
    value = table.get(key)
    return value if isinstance(value, kind) else default


def _number(table: Mapping[str, Any], key: str, default: float) -> float:
    value = table.get(key)
    good = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if good and value is not None else default


def _numbers(table: Mapping[str, Any]) -> dict[str, float]:
    return {k: v for k, v in table.items() if isinstance(v, int | float) and math.isfinite(v)}


def _log(path: Path) -> Log:
    text = _text(path)
    # A last line without a newline is still being written.
    whole = text[: text.rfind("\n") + 1]
    header, *lines = list(csv.reader(whole.splitlines())) or [[]]
    rows: list[dict[str, Value]] = []
    for line in lines:
        row = dict(zip(header, map(_cell, line), strict=False))
        step = row.get("step")
        if step is None:
            continue
        # A run that was killed and resumed measures its last steps again.
        while rows and (rows[-1]["step"] or 0.0) >= step:
            rows.pop()
        rows.append(row)
    return Log({name: tuple(row.get(name) for row in rows) for name in header if name})


def _cell(text: str) -> Value:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _samples(folder: Path) -> tuple[Sample, ...]:
    samples = []
    for entry in _json(folder / "samples.json", []):
        if not isinstance(entry, dict):
            continue
        # Only the file name counts: nothing outside the folder is ever read or served.
        file = folder / Path(str(entry.get("file", ""))).name
        if file.is_file():
            epoch = _number(entry, "epoch", math.nan)
            step = int(_number(entry, "step", 0))
            samples.append(Sample(step, None if math.isnan(epoch) else epoch, file))
    return tuple(sorted(samples, key=lambda s: s.step))


def _model(folder: Path, name: str) -> Path | None:
    named = folder / f"{name}.onnx"
    if named.is_file():
        return named
    return next(iter(sorted(folder.glob("*.onnx"))), None)


def _updated(folder: Path) -> float:
    times = [0.0]
    for mark in (*_MARKS, "last.ckpt"):
        try:
            times.append((folder / mark).stat().st_mtime)
        except OSError:
            continue
    return max(times)
