"""The folder of a training run: recipe, progress and results.

::

    recipe.toml    every value that was used
    run.json       name, status, step, versions, command, data, best figures …
    log.csv        one line every `train.log_every` steps and at every validation
    curves.png     the same data, plotted
    samples/       sample sheets, and samples.json that lists them
    last.ckpt      the latest checkpoint, from which a run resumes
    best.ckpt      the checkpoint with the best validation
    plugins/       copies of the Python files that the recipe names
    NAME.onnx, NAME.safetensors, NAME.md    the model, once the run is done

`crispen.evaluate.run_folders` reads it, without PyTorch, even while it is being written. Every file
is replaced atomically or appended to by whole lines.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from crispen import __version__
from crispen.errors import OutputError
from crispen.lab.recipe import Recipe, recipe_text
from crispen.media.atomic import sweep, write_whole
from crispen.plugins import files_of

COLUMNS = (
    "step",
    "epoch",
    "learning_rate",
    "loss",
    "val_loss",
    "val_mse",
    "val_psnr",
    "val_ssim",
    "val_accuracy",
    "seconds",
)
_PACKAGES = ("torch", "lightning", "numpy", "onnx")


class RunFolder:
    """Writes the files of a run, except checkpoints.

    Args:
        path: The folder; created if missing.
        recipe: The recipe, with the actual `train.steps`.

    Raises:
        OutputError: The folder cannot be created.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self.path = path
        self.recipe = recipe
        self._columns: list[str] = []
        make_folder(path / "samples")
        sweep(path)
        self.about: dict[str, Any] = _read(path / "run.json", {})

    def begin(self, step: int, **about: Any) -> None:
        """Writes ``recipe.toml`` and ``run.json``; discards log lines and samples after `step`.

        Args:
            step: The step at which the run starts or continues.
            about: Further entries for ``run.json``.
        """
        recipe = self.recipe
        write_whole(self.path / "recipe.toml", recipe_text(recipe).encode())
        before = self.about if step else {}
        self.about = {
            "name": recipe.name,
            "task": recipe.task,
            "scale": recipe.scale,
            "status": "running",
            "step": step,
            "steps": recipe.train.steps,
            "epoch": before.get("epoch", 0.0),
            "started": before.get("started") or datetime.now(UTC).isoformat(timespec="seconds"),
            "wall_time_s": before.get("wall_time_s", 0.0),
            "command": " ".join(sys.argv),
            "commit": _commit(),
            "versions": {"crispen": __version__, "python": platform.python_version()}
            | {name: version(name) for name in _PACKAGES},
            "plugins": self._keep_plugins(),
            "seed": recipe.train.seed,
            "best": {},
            "paper": recipe.paper.model_dump() if recipe.paper else None,
        } | about
        self._trim(step)
        self.tell()

    def _keep_plugins(self) -> dict[str, str]:
        """Copies the plug-in files that the recipe names; returns their SHA-256 by path."""
        digests = {}
        for file in files_of(self.recipe.model_dump()):
            content = file.read_bytes()
            digests[str(file)] = hashlib.sha256(content).hexdigest()
            make_folder(self.path / "plugins")
            write_whole(self.path / "plugins" / file.name, content)
        return digests

    def tell(self, **changes: Any) -> None:
        """Updates entries of ``run.json``."""
        self.about |= changes
        text = json.dumps(_finite(self.about), indent=2, ensure_ascii=False)
        write_whole(self.path / "run.json", f"{text}\n".encode())

    def _trim(self, step: int) -> None:
        """Removes log lines and samples after the checkpoint, which the run will write again."""
        log = self.path / "log.csv"
        rows: list[dict[str, str]] = []
        if step and log.is_file():
            with log.open(newline="") as file:
                reader = csv.DictReader(file)
                self._columns = list(reader.fieldnames or ())
                rows = [
                    r for r in reader if (r["step"] or "").isdecimal() and int(r["step"]) <= step
                ]
        if self._columns:
            self._write_log(rows)
        else:
            log.unlink(missing_ok=True)
        listing = self.path / "samples" / "samples.json"
        kept = [s for s in _read(listing, []) if s["step"] <= step] if step else []
        write_whole(listing, json.dumps(kept, indent=2).encode())

    def _write_log(self, rows: list[dict[str, str]]) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
        write_whole(self.path / "log.csv", text.getvalue().encode())

    def log(self, row: Mapping[str, float]) -> None:
        """Adds a line to ``log.csv``; values with a new name add a column.

        Raises:
            OutputError: The disk is full.
        """
        log = self.path / "log.csv"
        cells = {k: _cell(v) for k, v in row.items()}
        new = [k for k in (*COLUMNS, *sorted(row)) if k not in self._columns]
        if new:
            rows: list[dict[str, str]] = []
            if self._columns:
                with log.open(newline="") as file:
                    rows = list(csv.DictReader(file))
            self._columns += list(dict.fromkeys(new))
            self._write_log([*rows, cells])
            return
        line = ",".join(cells.get(name, "") for name in self._columns)
        try:
            with log.open("a") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise OutputError(f"{log}: cannot be written: {error.strerror}; make room") from error

    def add_sample(self, step: int, epoch: float, file: Path) -> None:
        """Adds a sample sheet to ``samples/samples.json``."""
        listing = self.path / "samples" / "samples.json"
        entries = [s for s in _read(listing, []) if s["step"] != step]
        entries.append({"step": step, "epoch": round(epoch, 3), "file": file.name})
        write_whole(listing, json.dumps(entries, indent=2).encode())


def make_folder(path: Path) -> None:
    """Creates a folder and its parents.

    Raises:
        OutputError: The folder cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be created: {error.strerror}; choose another folder"
        ) from error


def _read(path: Path, default: Any) -> Any:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return default
    return value if isinstance(value, type(default)) else default


def _finite(value: Any) -> Any:
    """The value with None for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: float) -> str:
    return f"{value:.8g}" if math.isfinite(value) else ""


def _commit() -> str:
    """The Git commit of the running source; empty for an installed package."""
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()
