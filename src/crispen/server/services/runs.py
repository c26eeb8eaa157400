"""Training runs as the API shows them, read from their folders each time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio

from crispen.errors import MissingInput
from crispen.evaluate.run_folders import Run, list_runs, read_run, run_folders
from crispen.server.api_errors import ApiError, not_found
from crispen.server.schemas import RunList, RunSummary, RunView, SampleSheet
from crispen.server.services.events import LiveEvent

_EVERY_S = 1.0
_POINTS = 200
# Studies keep their runs as runs/studies/NAME/RUN.
_DEPTH = 3


class TrainingRuns:
    """The runs below one folder.

    Args:
        folder: As ``runs``; None shows nothing.
        root_path: Begins the addresses of sheets.
    """

    def __init__(self, folder: Path | None, root_path: str = "") -> None:
        self._folder = folder
        self._root = root_path

    def summaries(self) -> RunList:
        """All runs, the one written to last first."""
        return RunList(
            folder=None if self._folder is None else self._folder.name,
            runs=[RunSummary(**_summary(run)) for run in self._all()],
        )

    def get(self, id: str) -> RunView:
        """One run.

        Raises:
            ApiError: No such run.
        """
        return _view(self._find(id), self._root)

    def sample(self, id: str, name: str) -> Path:
        """One sheet; only files that the run itself lists are served.

        Raises:
            ApiError: No such run or sheet.
        """
        for sample in self._find(id).samples:
            if sample.file.name == name and sample.file.suffix == ".png":
                return sample.file
        raise not_found("sample")

    async def check(self, id: str) -> None:
        """Before a stream of a run begins.

        Raises:
            ApiError: No such run.
        """
        await asyncio.to_thread(self._find, id)

    async def events(self, id: str, stop: anyio.Event) -> AsyncGenerator[LiveEvent]:
        """A run: as it is, then whenever it changed, until it has ended or `stop` is set."""
        sent: tuple[Any, ...] | None = None
        while not stop.is_set():
            try:
                run = await asyncio.to_thread(self._find, id)
            except ApiError:  # it was deleted meanwhile
                return
            state = (run.updated, run.status, run.step, len(run.samples))
            if state != sent:
                sent = state
                yield LiveEvent("run", _view(run, self._root).model_dump_json())
            if run.status != "running":
                return
            with anyio.move_on_after(_EVERY_S):
                await stop.wait()

    def _all(self) -> list[Run]:
        if self._folder is None:
            return []
        try:
            return list_runs(self._folder, depth=_DEPTH)
        except MissingInput:  # nothing was trained yet
            return []

    def _find(self, id: str) -> Run:
        try:
            if self._folder is not None:
                folder = run_folders(self._folder, depth=_DEPTH).get(id)
                if folder is not None:
                    return read_run(folder, id=id)
        except MissingInput:  # it was deleted meanwhile
            pass
        raise not_found("run")


def _summary(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "task": run.task,
        "scale": run.scale,
        "status": run.status,
        "step": run.step,
        "steps": run.steps,
        "epoch": run.epoch,
        "started": run.started,
        "wall_time_s": run.wall_time_s,
        "updated": run.updated,
        "parameters": run.parameters,
        "device": run.device,
        "seed": run.seed,
        "error": run.error,
        "best": dict(run.best),
        "psnr": _thinned(run.log.curve("val_psnr")),
    }


def _view(run: Run, root: str) -> RunView:
    return RunView(
        **_summary(run),
        columns={name: list(values) for name, values in run.log.columns.items()},
        samples=[
            SampleSheet(
                step=sample.step,
                epoch=sample.epoch,
                file=sample.file.name,
                url=f"{root}/api/v1/runs/{quote(run.id)}/samples/{quote(sample.file.name)}",
            )
            for sample in run.samples
        ],
        recipe=run.recipe_text,
        paper=_plain(run.paper),
        data=_plain(run.data),
        versions=dict(run.versions),
        command=run.command,
        commit=run.commit,
    )


def _thinned(curve: list[tuple[float, float]]) -> list[tuple[float, float]]:
    step = max(1, math.ceil(len(curve) / _POINTS))
    # From the end, so that the newest value is always there.
    return curve[::-step][::-1]


def _plain(value: Any) -> Any:
    """Values as JSON allows them: TOML has dates, NaN and infinity."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
