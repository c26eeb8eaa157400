"""From command-line inputs to a list of files and their targets, before any work."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from crispen.enhance.folders import Found, Stranger, expand
from crispen.enhance.naming import VIDEO_FORMATS, check_name, fitting, suffix_for, tail_beside
from crispen.enhance.record import read_notes, source_of
from crispen.enhance.results import STDIO, Draft, Job, settle
from crispen.errors import CrispenError, UsageError
from crispen.media import signatures
from crispen.media.format_choice import animation_of
from crispen.media.picture.byte_source import is_pipe
from crispen.media.video_formats import MUXERS

# A shell's <(command) is a file of one of these, where no result can stand.
_NO_PLACE = ("/dev/", "/proc/")


class Inputs(NamedTuple):
    """What is to be done.

    Attributes:
        jobs: One for each file.
        problems: What was typed or found that gives none, each with its reason.
        strangers: Files of the folders that are not read.
    """

    jobs: list[Job]
    problems: list[tuple[str, CrispenError]]
    strangers: list[Stranger]


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
    problems: list[tuple[str, CrispenError]] = []
    strangers: list[Stranger] = []
    found: dict[str, Found | None] = {}
    folders = False
    skip = Path(output) if output not in (None, STDIO) else None
    for text in inputs:
        if text == STDIO:
            if STDIO in found:
                raise UsageError("'-' (standard input) can be read once")
            found[STDIO] = None
            continue
        folders |= os.path.isdir(text)
        try:
            listing = expand(
                text, recursive=recursive, skip=skip, wanted=lambda p: is_picture(p) or is_video(p)
            )
        except CrispenError as error:
            problems.append((text, error))
            continue
        strangers += listing.strangers
        for item in listing.found:
            identity = os.path.realpath(item.path)
            before = found.setdefault(identity, item)
            # Of a file and links to it, the file's own name counts.
            if before is not None and before.path.is_symlink() and not item.path.is_symlink():
                found[identity] = item
    if STDIO in found and len(found) > 1:
        raise UsageError(
            "'-' (standard input) must be the only input; enhance other files separately"
        )
    kept = _without_results(found)
    single = len(kept) == 1 and not folders and len(inputs) == 1
    if kept and not single and output is not None and not output.endswith(("/", os.sep)):
        path = Path(output)
        if (is_picture(path) or is_video(path)) and not path.is_dir():
            raise UsageError(
                f"-o {output}: one file cannot take the results of several inputs; name a folder, "
                "or end the name with / if it is one"
            )

    def holds_video(path: Path) -> bool:
        """By its name; and what was typed and has no name that is known, by its first bytes."""
        return is_video(path) or (not is_picture(path) and begins_as_video(path))

    named = [item.path for item in kept if item is not None]
    if format in VIDEO_FORMATS and all(animation_of(path) is not None for path in named):
        videos = dict.fromkeys(named, True)  # animated pictures that become videos
    else:
        videos = {path: holds_video(path) for path in named}
    # A format of pictures concerns videos only if there are no pictures.
    of_videos = format if all(videos.values()) or format in VIDEO_FORMATS else None
    drafts = []
    for one in kept:
        video = one is not None and videos[one.path]
        drafts.append(_draft(one, output, single, label, of_videos if video else format, video))
    jobs, more = settle(drafts)
    return Inputs(jobs, [*problems, *more], strangers)


def begins_as_video(path: Path) -> bool:
    """Whether a file's first bytes are those of a video."""
    if not path.is_file():  # a pipe is read once
        return False
    try:
        with path.open("rb") as file:
            return signatures.is_video(file.read(signatures.HEAD_BYTES))
    except OSError:  # whoever reads it says why
        return False


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
        if str(source).startswith(_NO_PLACE):
            raise UsageError(f"{source} has no folder for its result; give -o FILE")
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


def _without_results(found: dict[str, Found | None]) -> list[Found | None]:
    """What was found but for results of the rest, so that a batch can be repeated.

    Folders hold them after a first run, and patterns find them, even if the shell expands them.
    What the record of a folder does not name is nobody's result, whatever it is called; and a
    result whose source is not enhanced now is a picture like any other.
    """
    notes = functools.cache(read_notes)  # a folder may hold very many
    stems: dict[Path, set[str]] = {}
    for item in found.values():
        if item is not None:
            stems.setdefault(item.path.parent, set()).add(item.path.stem)

    def is_result(item: Found) -> bool:
        folder, parts = item.path.parent, item.path.name.split(".")
        note = notes(folder).get(item.path.name)
        if note is None:
            return False
        source = source_of(folder, note)
        if source is not None:
            return str(source) in found
        # A record of before 0.3 says nothing of the source.
        return any(".".join(parts[:n]) in stems[folder] for n in range(1, len(parts) - 1))

    return [item for item in found.values() if item is None or not is_result(item)]
