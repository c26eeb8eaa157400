"""Which file each result becomes: a name of its own, the same in every run, and no input's."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crispen.enhance.naming import fitting
from crispen.enhance.record import read_notes, source_of
from crispen.errors import CrispenError, OutputError, UsageError
from crispen.media.file_names import folded, ignores_case
from crispen.media.format_choice import animation_of

STDIO = "-"


@dataclass(frozen=True, slots=True)
class Job:
    """One file to enhance.

    Attributes:
        source: The file; None is standard input.
        result: Where to; None is standard output.
        video: Whether it is a video, or an animated picture that becomes one.
        named: Whether the person named the result's file themselves.
    """

    source: Path | None
    result: Path | None
    video: bool
    named: bool = False

    @property
    def animated(self) -> bool:
        """Whether a video becomes an animated picture."""
        return self.video and self.result is not None and animation_of(self.result) is not None

    @property
    def source_name(self) -> str:
        """The source as a person would say it."""
        return STDIO if self.source is None else str(self.source)

    @property
    def result_name(self) -> str:
        """The result as a person would say it."""
        return STDIO if self.result is None else str(self.result)


@dataclass(frozen=True, slots=True)
class Draft:
    """A job whose result may still get another name.

    Attributes:
        job: With the plain name.
        stem: What that name begins with; empty where the name must stay.
        tail: What follows the stem.
    """

    job: Job
    stem: str = ""
    tail: str = ""


def settle(drafts: Sequence[Draft]) -> tuple[list[Job], list[tuple[str, CrispenError]]]:
    """The jobs, each with a result of its own, and those that cannot be done, with the reason.

    Where several results would have one name, those of sources of another format get the source's
    in full (``clip.avi`` beside ``clip.mkv`` becomes ``clip.avi.x2.mkv``), others a number. A
    result that is there keeps the name that the record of its folder knows it by.

    Raises:
        UsageError: Every result would replace an input.
    """
    names = _Names(drafts)
    inputs = _inputs(drafts)
    jobs: list[Job] = []
    problems: list[tuple[str, CrispenError]] = []
    for draft in drafts:
        job = replace(draft.job, result=names.chosen[id(draft)])
        problem = _problem(job, inputs)
        if problem is None:
            jobs.append(job)
        else:
            problems.append((job.source_name, problem))
    if problems and not jobs and all(isinstance(p, UsageError) for _, p in problems):
        raise problems[0][1]
    return jobs, problems


def _inputs(drafts: Sequence[Draft]) -> dict[tuple[int, int], Path]:
    """All inputs by their inodes, so that links do not fool anybody."""
    found = {}
    for draft in drafts:
        if draft.job.source is not None and draft.job.source.exists():
            status = draft.job.source.stat()
            found[status.st_dev, status.st_ino] = draft.job.source
    return found


def _problem(job: Job, inputs: dict[tuple[int, int], Path]) -> CrispenError | None:
    if job.result is None:
        return None
    try:
        status = job.result.stat()
    except (FileNotFoundError, NotADirectoryError):  # reported when it is made
        return None
    except OSError as error:
        return OutputError(f"{job.result}: cannot be written ({error.strerror}); choose another -o")
    source = inputs.get((status.st_dev, status.st_ino))
    if source is None:
        return None
    return UsageError(
        f"the result {job.result} would replace the input {source}; choose another -o, inputs are "
        "never overwritten"
    )


class _Names:
    """The name of each draft's result, in `chosen` by the draft's `id`."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.chosen: dict[int, Path | None] = {}
        self._taken: set[str] = set()
        self._ignores_case = functools.cache(lambda folder: ignores_case(Path(folder)))
        self._notes: dict[Path, dict[str, dict[str, object]]] = {}
        groups: dict[str, list[Draft]] = {}
        for draft in drafts:
            if draft.job.result is None:
                self.chosen[id(draft)] = None
            else:
                groups.setdefault(self._key(draft.job.result), []).append(draft)
        contested: list[Draft] = []
        size: dict[int, int] = {}
        for key, group in groups.items():
            (only, *others) = group
            assert only.job.result is not None
            if not only.stem or not (others or os.path.lexists(only.job.result)):
                self._choose(only, only.job.result, key)
            else:
                contested += group
                size |= dict.fromkeys(map(id, group), len(group))
        undecided = [d for d in contested if not self._take_own(d, size[id(d)])]
        # The plain name goes to a file that is alone in wanting it, or whose suffix stays.
        undecided.sort(key=lambda d: (size[id(d)] > 1, not _keeps_suffix(d)))
        for draft in undecided:
            alone = size[id(draft)] == 1
            free = (p for p in _candidates(draft) if self._key(p) not in self._taken)
            self._choose(draft, next(p for p in free if alone or not self._of_another(draft, p)))

    def _key(self, path: Path) -> str:
        """What is equal for names of one file."""
        folder = os.path.realpath(path.parent)
        key = os.path.join(folder, path.name)
        return folded(key) if self._ignores_case(folder) else key

    def _choose(self, draft: Draft, path: Path, key: str = "") -> None:
        self._taken.add(key or self._key(path))
        self.chosen[id(draft)] = path

    def _take_own(self, draft: Draft, rivals: int) -> bool:
        """Whether an earlier run made this draft's result, under a name that is taken again."""
        for path in itertools.islice(_candidates(draft), rivals + 2):
            if self._key(path) not in self._taken and self._source(path) == _real(draft.job.source):
                self._choose(draft, path)
                return True
        return False

    def _of_another(self, draft: Draft, path: Path) -> bool:
        source = self._source(path)
        return source is not None and source != _real(draft.job.source) and source.exists()

    def _source(self, path: Path) -> Path | None:
        """What a result that is there was made from."""
        if not os.path.lexists(path):
            return None
        folder = path.parent
        if folder not in self._notes:
            self._notes[folder] = read_notes(folder)
        note = self._notes[folder].get(path.name)
        return None if note is None else source_of(folder, note)


def _candidates(draft: Draft) -> Iterator[Path]:
    source, result = draft.job.source, draft.job.result
    assert source is not None
    assert result is not None
    yield result
    if not _keeps_suffix(draft):
        yield fitting(result.parent, f"{draft.stem}{source.suffix}", draft.tail)
    for number in itertools.count(2):
        yield fitting(result.parent, draft.stem, f"-{number}{draft.tail}")


def _keeps_suffix(draft: Draft) -> bool:
    source, result = draft.job.source, draft.job.result
    return source is not None and result is not None and source.suffix == result.suffix


def _real(path: Path | None) -> Path | None:
    return None if path is None else Path(os.path.realpath(path))
