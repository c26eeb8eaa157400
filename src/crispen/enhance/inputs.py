"""From command-line inputs to a list of files and their targets, before any work."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crispen.enhance.folders import Found, Stranger, Tree, named
from crispen.enhance.naming import VIDEO_FORMATS, check_name, fitting, suffix_for, tail_beside
from crispen.enhance.results import STDIO, Draft, Job, settle
from crispen.enhance.sources import Group, Sources
from crispen.errors import CrispenError, UsageError
from crispen.media import signatures
from crispen.media.file_names import folded, ignores_case
from crispen.media.format_choice import animation_of
from crispen.media.picture.byte_source import is_pipe
from crispen.media.video_formats import MUXERS

# A shell's <(command) is a file of one of these, where no result can stand.
_NO_PLACE = ("/dev/", "/proc/")


class Jobs:
    """One job for each file, in order; made again at each iteration, since there may be millions.

    Files come and go between two iterations; the counts are those of the last complete one.

    Args:
        make: Makes them.
        pictures: Number of pictures.
        videos: Number of videos.

    Attributes:
        folders: Those that hold all files.
        typed: Number of files that were typed; only these may be pipes.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[Job]],
        pictures: int = 0,
        videos: int = 0,
        folders: Sequence[Path] = (),
        typed: int = 0,
    ) -> None:
        self._make = make
        self._counts = {False: pictures, True: videos}
        self.folders = folders
        self.typed = typed

    def __iter__(self) -> Iterator[Job]:
        counts = {False: 0, True: 0}
        for job in self._make():
            counts[job.video] += 1
            self._counts[job.video] = max(self._counts[job.video], counts[job.video])
            yield job
        self._counts = counts

    def __len__(self) -> int:
        return sum(self._counts.values())

    def count(self, *, video: bool) -> int:
        """Number of videos, or of pictures."""
        return self._counts[video]


class Strangers:
    """Files of folders that are not read; looked for at each iteration."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self._trees = trees

    def __iter__(self) -> Iterator[Stranger]:
        for tree in self._trees:
            yield from tree.strangers()


class Inputs(NamedTuple):
    """What is to be done.

    Attributes:
        jobs: One for each file; some may have a problem.
        problems: What was typed that gives none, each with its reason.
        strangers: Files of the folders that are not read.
    """

    jobs: Jobs
    problems: list[tuple[str, CrispenError]]
    strangers: Strangers


def plan_jobs(
    inputs: Sequence[str],
    output: str | None,
    *,
    label: str,
    format: str | None,
    recursive: bool,
    is_picture: Callable[[Path], bool],
    is_video: Callable[[Path], bool],
) -> Inputs:
    """What is to be done for what was typed.

    Folders are read once here, to count their files, and once more by whoever iterates over the
    jobs.

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
        UsageError: The inputs do not suit the output, or every result would replace an input.
    """

    def holds_video(path: Path) -> bool:
        """By its name; and what was typed and has no name that is known, by its first bytes."""
        return is_video(path) or (not is_picture(path) and begins_as_video(path))

    if inputs.count(STDIO) > 1:
        raise UsageError("'-' (standard input) can be read once")
    problems: dict[int, CrispenError] = {}
    typed: list[tuple[int, Found]] = []
    trees: dict[int, Tree] = {}
    skip = Path(output) if output not in (None, STDIO) else None
    for place, text in enumerate(inputs):
        try:
            if os.path.isdir(text):
                trees[place] = Tree(
                    Path(text), recursive, skip, lambda path: is_picture(path) or is_video(path)
                )
            elif text != STDIO:
                typed += ((place, item) for item in named(text))
        except CrispenError as error:
            problems[place] = error
    for tree in trees.values() if output is None else ():
        _check_place(tree.path)
    survey = _surveyed(typed, trees, None if output is None else _alike(Path(output)), holds_video)
    problems |= survey.problems
    if STDIO in inputs and survey.listed:
        raise UsageError(
            "'-' (standard input) must be the only input; enhance other files separately"
        )
    files = 1 if STDIO in inputs else survey.files
    single = files == 1 and not trees and len(inputs) == 1
    if files and not single and output is not None and not output.endswith(("/", os.sep)):
        path = Path(output)
        if (is_picture(path) or is_video(path)) and not path.is_dir():
            raise UsageError(
                f"-o {output}: one file cannot take the results of several inputs; name a folder, "
                "or end the name with / if it is one"
            )
    # Animated pictures alone become videos.
    all_videos = format in VIDEO_FORMATS and survey.animations == survey.files
    videos = survey.files if all_videos else survey.videos
    # A format of pictures concerns videos only if there are no pictures.
    of_videos = format if videos == survey.files or format in VIDEO_FORMATS else None

    def draft(item: Found | None) -> Draft:
        video = item is not None and (all_videos or holds_video(item.path))
        return _draft(item, output, single, label, of_videos if video else format, video)

    jobs = _jobs(survey, draft, videos, stdin=STDIO in inputs)
    _refuse_if_all_replace(jobs)
    told = [(inputs[place], problems[place]) for place in sorted(problems)]
    return Inputs(jobs, told, Strangers(survey.with_strangers))


@dataclass(slots=True)
class _Survey:
    """What there is to enhance.

    Attributes:
        sources: All of it.
        listed: Number of files, with links to others and results of earlier runs.
        files: Number of files to enhance.
        videos: Number of videos among them.
        animations: Number of files among them with a name of an animated picture.
        with_strangers: Folders that have files of other kinds as well.
        problems: Folders that cannot be enhanced, by their positions.
    """

    sources: Sources
    listed: int = 0
    files: int = 0
    videos: int = 0
    animations: int = 0
    with_strangers: list[Tree] = field(default_factory=list)
    problems: dict[int, CrispenError] = field(default_factory=dict)


def _surveyed(
    typed: Sequence[tuple[int, Found]],
    trees: dict[int, Tree],
    together: Callable[[str], str] | None,
    holds_video: Callable[[Path], bool],
) -> _Survey:
    found = _Survey(Sources(typed, trees, together), len(typed))
    listed: Counter[int] = Counter()
    skipped: Counter[int] = Counter()
    for group in found.sources.groups():
        found.problems |= {place: error for place, _, error in group.unreadable}
        listed += group.listed
        skipped += group.skipped
        for item in group:
            found.files += 1
            found.videos += holds_video(item.path)
            found.animations += animation_of(item.path) is not None
    if found.problems:  # of a folder that cannot be read as a whole, nothing is done
        rest = {place: tree for place, tree in trees.items() if place not in found.problems}
        other = _surveyed(typed, rest, together, holds_video)
        other.problems |= found.problems
        return other
    found.listed += listed.total()
    found.with_strangers = [tree for place, tree in trees.items() if skipped[place]]
    for place, tree in trees.items():
        if not listed[place]:
            found.problems[place] = tree.nothing()
            found.with_strangers = [other for other in found.with_strangers if other is not tree]
    return found


def _alike(output: Path) -> Callable[[str], str]:
    """What is equal for names that are one folder below `output`."""
    return folded if ignores_case(output) else str


def _jobs(
    survey: _Survey, draft: Callable[[Found | None], Draft], videos: int, *, stdin: bool
) -> Jobs:
    sources = survey.sources

    def make() -> Iterator[Job]:
        for group in sources.groups():
            yield from settle(_Drafts(group, draft), sources.at)
            for _, folder, error in group.unreadable:
                yield Job(Path(folder), Path(folder), False, problem=error)

    if sources.trees:
        folders = [tree.path for tree in sources.trees.values()]
        folders += {item.path.parent for _, item in sources.typed if not is_pipe(item.path)}
        return Jobs(make, survey.files - videos, videos, folders, len(sources.typed))
    fixed = [*settle([draft(None)], sources.at)] if stdin else [*make()]
    videos = sum(job.video for job in fixed)
    found = {job.source.parent for job in fixed if job.source and not is_pipe(job.source)}
    return Jobs(lambda: iter(fixed), len(fixed) - videos, videos, [*found], len(fixed))


@dataclass(frozen=True, slots=True)
class _Drafts:
    """The drafts of a group's files; can be iterated over several times."""

    group: Group
    draft: Callable[[Found], Draft]

    def __iter__(self) -> Iterator[Draft]:
        return map(self.draft, self.group)


def _refuse_if_all_replace(jobs: Jobs) -> None:
    first: UsageError | None = None
    for job in jobs:
        if not isinstance(job.problem, UsageError):
            return
        first = first or job.problem
    if first is not None:
        raise first


def begins_as_video(path: Path) -> bool:
    """Whether a file's first bytes are those of a video."""
    if not path.is_file():  # a pipe is read once
        return False
    try:
        with path.open("rb") as file:
            return signatures.is_video(file.read(signatures.HEAD_BYTES))
    except OSError:  # whoever reads it says why
        return False


def _check_place(path: Path) -> None:
    if str(path).startswith(_NO_PLACE):
        raise UsageError(f"{path} has no folder for its result; give -o FILE")


def _draft(
    item: Found | None,
    output: str | None,
    single: bool,
    label: str,
    format: str | None,
    video: bool,
) -> Draft:
    source = item.path if item is not None else None
    if output == STDIO or (source is None and output is None):
        if not single:
            raise UsageError("-o - (standard output) takes one input; name a folder instead")
        if video:
            raise UsageError("a video cannot be written to standard output; give -o FILE")
        return Draft(Job(source, None, False, True))
    if output is None:
        assert source is not None
        _check_place(source)
        stem, tail = source.stem, tail_beside(source, label, video=video, format=format)
        return Draft(Job(source, fitting(source.parent, stem, tail), video), stem, tail)
    path = Path(output)
    is_file = single and not output.endswith(("/", os.sep)) and bool(path.suffix)
    if is_file and not path.is_dir():
        # An animated picture becomes a video by its result's name.
        video = video or (
            source is not None and path.suffix.lower() in MUXERS and not is_pipe(source)
        )
        check_name(path, format, video=video)
        return Draft(Job(source, path, video, True))
    if item is None or source is None:
        raise UsageError("standard input has no name to use in a folder; give -o FILE")
    stem, tail = item.inside.stem, suffix_for(source, video=video, format=format)
    return Draft(Job(source, fitting(path / item.inside.parent, stem, tail), video), stem, tail)
