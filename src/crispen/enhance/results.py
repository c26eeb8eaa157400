"""Which file each result becomes: a name of its own, the same in every run, and no input's."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from crispen.enhance.naming import fitting
from crispen.enhance.record import Notes, source_of
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
        problem: Why it cannot be done, if that is known already.
    """

    source: Path | None
    result: Path | None
    video: bool
    named: bool = False
    problem: CrispenError | None = None

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


def settle(drafts: Iterable[Draft], input_at: Callable[[Path], Path | None]) -> Iterator[Job]:
    """The jobs, each with a result of its own, or with the problem that it has none.

    Where several results would have one name, those of sources of another format get the source's
    in full (``clip.avi`` beside ``clip.mkv`` becomes ``clip.avi.x2.mkv``), others a number. A
    result that is there keeps the name that the record of its folder knows it by.

    Args:
        drafts: All whose results could get the same name; iterated over several times, and never
            held, since there may be very many.
        input_at: The input that a file is, if it is one; raises OSError if there is no file.
    """
    names = _Names(drafts)
    for draft in drafts:
        job = replace(draft.job, result=names.of(draft))
        yield replace(job, problem=_problem(job, input_at))


def _problem(job: Job, input_at: Callable[[Path], Path | None]) -> CrispenError | None:
    if job.result is None:
        return None
    try:
        source = input_at(job.result)
    except (FileNotFoundError, NotADirectoryError):  # reported when it is made
        return None
    except OSError as error:
        return OutputError(f"{job.result}: cannot be written ({error.strerror}); choose another -o")
    if source is None:
        return None
    return UsageError(
        f"the result {job.result} would replace the input {source}; choose another -o, inputs are "
        "never overwritten"
    )


class _Names:
    """The names of results.

    Only those are held that are contested: wanted by several, or taken by a file that is not known
    to be the source's result. Of the others, no more than a hash each.
    """

    def __init__(self, drafts: Iterable[Draft]) -> None:
        self._chosen: dict[Path | None, Path] = {}
        self._ignores_case = functools.cache(lambda folder: ignores_case(Path(folder)))
        self._real = functools.lru_cache(maxsize=16)(os.path.realpath)
        self._notes = functools.lru_cache(maxsize=16)(Notes)
        self._taken: set[int] = set()
        several: set[int] = set()
        for draft in drafts:
            if draft.job.result is not None:
                key = self._hash(draft.job.result)
                (several if key in self._taken else self._taken).add(key)
        groups: dict[str, list[Draft]] = {}
        for draft in drafts:
            if draft.job.result is not None and self._contested(draft, several):
                groups.setdefault(self._key(draft.job.result), []).append(draft)
        if groups:
            self._taken.difference_update(map(hash, groups))
            self._choose_among(groups)

    def of(self, draft: Draft) -> Path | None:
        """The name of its result."""
        return self._chosen.get(draft.job.source, draft.job.result)

    def _contested(self, draft: Draft, several: set[int]) -> bool:
        result = draft.job.result
        assert result is not None
        if not draft.stem:
            return False
        if self._hash(result) in several:
            return True
        return os.path.lexists(result) and self._source(result) != _real(draft.job.source)

    def _choose_among(self, groups: dict[str, list[Draft]]) -> None:
        size = {d.job.source: len(group) for group in groups.values() for d in group}
        undecided = [
            draft
            for group in groups.values()
            for draft in group
            if not self._take_own(draft, len(group))
        ]
        # The plain name goes to a file that is alone in wanting it, or whose suffix stays.
        undecided.sort(key=lambda d: (size[d.job.source] > 1, not _keeps_suffix(d)))
        for draft in undecided:
            alone = size[draft.job.source] == 1
            free = (p for p in _candidates(draft) if self._hash(p) not in self._taken)
            self._choose(draft, next(p for p in free if alone or not self._of_another(draft, p)))

    def _key(self, path: Path) -> str:
        """What is equal for names of one file."""
        folder = self._real(path.parent)
        key = os.path.join(folder, path.name)
        return folded(key) if self._ignores_case(folder) else key

    def _hash(self, path: Path) -> int:
        return hash(self._key(path))

    def _choose(self, draft: Draft, path: Path) -> None:
        self._taken.add(self._hash(path))
        self._chosen[draft.job.source] = path

    def _take_own(self, draft: Draft, rivals: int) -> bool:
        """Whether an earlier run made this draft's result, under a name that is taken again."""
        for path in itertools.islice(_candidates(draft), rivals + 2):
            if self._hash(path) not in self._taken and self._source(path) == _real(
                draft.job.source
            ):
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
        note = self._notes(path.parent).get(path.name)
        return None if note is None else source_of(path.parent, note)


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
