"""A run of a video's segments, made on any machine that sees the folder of segments."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from crispen.cluster.worker import Worker
from crispen.enhance.video.making import MEMORY_BYTES, Decision
from crispen.enhance.video.segment_run import SegmentRun
from crispen.enhance.video.segments import Ending
from crispen.errors import CrispenError


class Failure(NamedTuple):
    """Why a video cannot be made."""

    text: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class SegmentWork:
    """A run of segments to make; what a worker is sent.

    Attributes:
        decision: About the video, with paths that are the same on all machines.
        threads: Of the encoder: some produce different bytes with a different number.
        job: What the segments depend on, as the coordinating machine sees it.
        folder: Where they go.
        token: Part of the names of this run's segments until they get their own.
        first: Number of the first.
        count: How many; None for all that follow.
        segment_s: Seconds of each.
    """

    decision: Decision
    threads: int
    job: Mapping[str, Any]
    folder: Path
    token: str
    first: int
    count: int | None
    segment_s: float

    def __call__(self, worker: Worker) -> Ending | Failure | None:
        """How the video ends, if this run reached its end."""
        try:
            return self._made(worker)
        except CrispenError as error:
            return Failure(str(error), error.exit_code)

    def _made(self, worker: Worker) -> Ending | None:
        work = self.decision.work(worker.files, self.threads)
        if not same_job(work.job(self.segment_s), self.job):
            raise CrispenError(
                f"{self.decision.source}: another machine of the cluster has a different version "
                "of FFmpeg or sees a different file; install the same and use a shared folder"
            )
        length = work.segment_frames(self.segment_s)
        options, progress = worker.batch.options, worker.batch.progress
        number = self.first
        with (
            progress.task("segments") as task,
            SegmentRun(
                work, number * length, options.memory_bytes or MEMORY_BYTES, progress
            ) as run,
        ):
            while self.count is None or number < self.first + self.count:
                draft = draft_of(self.folder, number, self.token)
                if not run.encode(draft, length, task):
                    return run.ending()
                with draft.open("rb") as file:
                    os.fsync(file.fileno())
                draft.replace(draft.with_suffix(DONE))
                number += 1
        return None


DONE = ".done"


def draft_of(folder: Path, number: int, token: str) -> Path:
    """Where a run writes a segment; ``.done`` takes the place of ``.tmp`` when it is whole."""
    return folder / f"seg-{number + 1:05d}.{token}.tmp"


def same_job(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether segments depend on the same things."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
