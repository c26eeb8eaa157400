"""The work folder beside a video: finished segments, so that work can continue later.

``.STEM.NUMBER.part/`` holds encoded segments, each written under another name and renamed when
complete, and ``job.json`` with everything they depend on. A later run with the same job keeps the
segments; any difference, in the settings or the source, starts over. The number is the source's,
and the result's suffix is not in the name: the same segments fit any container.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from crispen.errors import OutputError
from crispen.media.file_names import on_windows
from crispen.media.video.container import writing

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Ending:
    """Facts known after the last frame.

    Attributes:
        frames: Number of frames.
        last_duration: How long the last is shown, in units of the time base; 0 if unknown.
        notes: Notes about them.
        damaged: How many frames and packets were damaged; one more if the source was cut.
        first: Time of the first one in that unit, relative to the source's first, if earlier
            frames were left out.
    """

    frames: int
    last_duration: int
    notes: tuple[str, ...] = ()
    damaged: int = 0
    first: int = 0


class Parts:
    """The folder; use it in a ``with`` block, in which no other run can use it.

    Args:
        target: The result.
        source: Its input.
        job: Everything the segments depend on, as JSON.
        resume: Keep finished segments of an earlier run, and of this one if it is interrupted.

    Raises:
        OutputError: The folder cannot be made, or another run is using it.
    """

    def __init__(self, target: Path, source: Path, job: dict[str, Any], *, resume: bool) -> None:
        self._target = target
        self._job = json.dumps(job, sort_keys=True, indent=1)
        self._resume = resume
        self._kept = False
        number = hashlib.sha256(os.fsencode(os.path.realpath(source))).hexdigest()[:6]
        self.folder = target.parent / f".{target.stem}.{number}.part"
        self._lock = FileLock(self.folder / "lock", timeout=0, thread_local=False)

    def __enter__(self) -> Parts:
        with writing(self.folder, self._target):
            self._hold()
            job = self.folder / "job.json"
            same = job.exists() and job.read_text(encoding="utf-8") == self._job
            for path in self.folder.iterdir():
                if path.name != "lock" and not (same and self._resume and _whole(path)):
                    path.unlink()
            job.write_text(self._job, encoding="utf-8")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The lock is released last, so that a waiting process finds all of this done.
        try:
            if kind is None or not (self._resume and self.finished()):
                shutil.rmtree(self.folder, ignore_errors=True)
                return
            self._kept = True
            for path in self.folder.iterdir():
                if not _whole(path) and path.name != "job.json":
                    with contextlib.suppress(OSError):
                        path.unlink()
        finally:
            self._lock.release()
            if on_windows() and not self._kept:  # it keeps files that are open
                shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def kept(self) -> bool:
        """Whether segments were left for a later run."""
        return self._kept

    def _hold(self) -> None:
        for _ in range(_TRIES):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            try:
                self._lock.acquire()
                return
            except FileNotFoundError:  # another run has just finished and removed the folder
                continue
            except Timeout as error:
                raise OutputError(
                    f"{self._target}: another run is making this file; wait for it or stop it"
                ) from error
        raise OutputError(f"{self._target}: its folder of segments disappeared; try again")

    def finished(self) -> list[Path]:
        """The finished segments, in order, up to the first gap."""
        paths: list[Path] = []
        while (path := self.segment(len(paths))).exists():
            paths.append(path)
        return paths

    def segment(self, number: int) -> Path:
        """Path of a finished segment."""
        return self.folder / f"seg-{number + 1:05d}.seg"

    def draft(self, name: str) -> Path:
        """Temporary path of something incomplete."""
        return self.folder / f"{name}.tmp"

    def draft_of(self, number: int) -> Path:
        """Temporary path of an incomplete segment."""
        return self.draft(f"seg-{number + 1:05d}")

    def finish(self, number: int, draft: Path | None = None) -> None:
        """Mark the draft of a segment as complete; it is synced to disk before it gets its name."""
        draft = draft or self.draft_of(number)
        with writing(draft, self._target):
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(self.segment(number))

    def drop_from(self, number: int) -> None:
        """Forget a segment and all after it."""
        (self.folder / "end.json").unlink(missing_ok=True)
        first = self.segment(number).name
        for path in self.folder.glob("seg-*.seg"):  # several processes may have left gaps
            if path.name >= first:
                path.unlink()

    def write_ending(self, ending: Ending) -> None:
        """Record that all segments are finished."""
        with writing(self.folder, self._target):
            draft = self.draft("end")
            draft.write_text(json.dumps(asdict(ending)), encoding="utf-8")
            draft.replace(self.folder / "end.json")

    def ending(self) -> Ending | None:
        """The record of `write_ending`, or None."""
        path = self.folder / "end.json"
        if not path.exists():
            return None
        said = json.loads(path.read_text(encoding="utf-8"))
        said["notes"] = tuple(said["notes"])
        return Ending(**said)


def _whole(path: Path) -> bool:
    return path.suffix == ".seg" or path.name == "end.json"
