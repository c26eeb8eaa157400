"""From command-line inputs to a list of files and their targets, before any work."""

from __future__ import annotations

import functools
import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crispen.enhance.naming import beside, check_name, is_earlier_result, suffix_for
from crispen.errors import CrispenError, InputError, MissingInput, UsageError

STDIO = "-"


@dataclass(frozen=True, slots=True)
class Job:
    """One file to enhance.

    Attributes:
        source: The file; None is standard input.
        result: Where to; None is standard output.
        video: Whether it is a video.
        named: Whether the person named the result's file themselves.
    """

    source: Path | None
    result: Path | None
    video: bool
    named: bool = False

    @property
    def source_name(self) -> str:
        """The source as a person would say it."""
        return STDIO if self.source is None else str(self.source)

    @property
    def result_name(self) -> str:
        """The result as a person would say it."""
        return STDIO if self.result is None else str(self.result)


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    inside: Path  # path of the result in a mirrored tree


def plan_jobs(
    inputs: Sequence[str],
    output: str | None,
    *,
    label: str,
    format: str | None,
    recursive: bool,
    is_picture: Callable[[Path], bool],
    is_video: Callable[[Path], bool],
) -> tuple[list[Job], list[tuple[str, CrispenError]]]:
    """The jobs, and what was typed that gives none, each with its reason.

    Args:
        inputs: Files, folders, globs or ``-``.
        output: A file, a folder, ``-``, or None to put results beside their sources. It is a file
            if there is one input file and it has a suffix and is no folder.
        label: See `naming.label_of`.
        format: Asked for by the person.
        recursive: Look into folders below folders.
        is_picture: Whether a file in a folder counts as a picture, by its name.
        is_video: Whether a file is a video, by its name.

    Raises:
        UsageError: Two results would have one name, or a result would replace an input.
    """
    problems: list[tuple[str, CrispenError]] = []
    found: list[_Found | None] = []
    folders = False
    known: set[str] = set()
    for text in inputs:
        if text == STDIO:
            found.append(None)
            continue
        folders |= os.path.isdir(text)
        try:
            skip = Path(output) if output not in (None, STDIO) else None
            for item in _expand(text, recursive, skip, lambda p: is_picture(p) or is_video(p)):
                identity = os.path.realpath(item.path)
                if identity not in known:
                    known.add(identity)
                    found.append(item)
        except CrispenError as error:
            problems.append((text, error))
    if sum(item is None for item in found) > 1 or (None in found and len(found) > 1):
        raise UsageError(
            "'-' (standard input) must be the only input; enhance other files separately"
        )
    found = _without_results(found)
    single = len(found) == 1 and not folders and len(inputs) == 1
    if found and not single and output is not None and not output.endswith(("/", os.sep)):
        path = Path(output)
        if (is_picture(path) or is_video(path)) and not path.is_dir():
            raise UsageError(
                f"-o {output}: one file cannot take the results of several inputs; name a folder, "
                "or end the name with / if it is one"
            )
    jobs = [_job(item, output, single, label, format, is_video) for item in found]
    _check_results(jobs)
    return jobs, problems


def _job(
    item: _Found | None,
    output: str | None,
    single: bool,
    label: str,
    format: str | None,
    is_video: Callable[[Path], bool],
) -> Job:
    video = item is not None and is_video(item.path)
    if output == STDIO or (item is None and output is None):
        if not single:
            raise UsageError("-o - (standard output) takes one input; name a folder instead")
        if video:
            raise UsageError("a video cannot be written to standard output; give -o FILE")
        return Job(item.path if item else None, None, False, True)
    if output is None:
        assert item is not None
        return Job(item.path, beside(item.path, label, video=video, format=format), video)
    path = Path(output)
    is_file = single and not output.endswith(("/", os.sep)) and bool(path.suffix)
    if is_file and not path.is_dir():
        check_name(path, format, video=video)
        return Job(item.path if item else None, path, video, True)
    if item is None:
        raise UsageError("standard input has no name to use in a folder; give -o FILE")
    suffix = suffix_for(item.path, video=video, format=format)
    return Job(item.path, path / item.inside.with_suffix(suffix), video)


def _expand(
    text: str, recursive: bool, skip: Path | None, wanted: Callable[[Path], bool]
) -> Iterator[_Found]:
    path = Path(text)
    if path.is_dir():
        yield from _walk(path, recursive, skip, wanted)
    elif path.exists() or path.is_symlink():
        yield _Found(path, Path(path.name))
    elif glob.has_magic(text):
        matches = sorted(glob.glob(text, recursive=True))
        if not matches:
            raise MissingInput(f"{text}: no file matches; check the pattern and the folder")
        for match in matches:
            if not Path(match).is_dir():
                yield _Found(Path(match), Path(Path(match).name))
    else:
        raise MissingInput(f"{text}: no such file or folder; check the path")


def _walk(
    folder: Path, recursive: bool, skip: Path | None, wanted: Callable[[Path], bool]
) -> Iterator[_Found]:
    count = 0
    below = os.path.realpath(skip) if skip is not None else None

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error

    for where, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(
            name
            for name in folders
            if recursive
            and not name.startswith(".")
            and os.path.realpath(os.path.join(where, name)) != below
        )
        files = [Path(where, name) for name in sorted(names) if not name.startswith(".")]
        files = [path for path in files if wanted(path)]
        count += len(files)
        for path in files:
            yield _Found(path, path.relative_to(folder))
    if not count:
        hint = "" if recursive else "; --recursive looks into folders below it"
        raise InputError(f"{folder}: no pictures or videos in this folder{hint}")


def _without_results(found: Sequence[_Found | None]) -> list[_Found | None]:
    """What was found but for results of the rest, so that a batch can be repeated.

    Folders hold them after a first run, and patterns find them, even if the shell expands them.
    A file that is named alone is taken whatever it is called.
    """
    home = functools.cache(os.path.realpath)  # a folder may hold very many
    stems: dict[str, set[str]] = {}
    for item in found:
        if item is not None:
            stems.setdefault(home(item.path.parent), set()).add(item.path.stem)
    return [
        item
        for item in found
        if item is None or not is_earlier_result(item.path, stems[home(item.path.parent)])
    ]


def _check_results(jobs: Sequence[Job]) -> None:
    sources = {}
    for job in jobs:
        if job.source is not None and job.source.exists():
            status = job.source.stat()
            sources[status.st_dev, status.st_ino] = job.source
    taken: dict[str, Job] = {}
    for job in jobs:
        if job.result is None:
            continue
        # By inode, so that links do not fool it.
        if job.result.exists():
            status = job.result.stat()
            source = sources.get((status.st_dev, status.st_ino))
            if source is not None:
                raise UsageError(
                    f"the result {job.result} would replace the input {source}; "
                    "choose another -o, inputs are never overwritten"
                )
        name = os.path.join(os.path.realpath(job.result.parent), job.result.name)
        other = taken.setdefault(name, job)
        if other is not job:
            raise UsageError(
                f"{other.source_name} and {job.source_name} would both become {job.result}; "
                "rename one or enhance them separately with -o"
            )
