"""A look at a file before it becomes a job: what it is, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from crispen.enhance.request import Kind
from crispen.errors import InputError
from crispen.jobs.file_kinds import Bounds, examine, renamed
from crispen.jobs.job_facts import Source
from crispen.media import signatures
from crispen.models.dials import Dials


class Found(BaseModel):
    """What a file is and what was found in it; null where it is not known."""

    kind: Kind | None
    width: int | None = Field(None, description="as shown")
    height: int | None = Field(None, description="as shown")
    frames: int | None = None
    duration_s: float | None = None
    jpeg_step: float | None = Field(
        None,
        description="how coarsely a JPEG or WebP file is quantised, in per cent of libjpeg's "
        "tables, as its header says",
    )
    damage: Dials | None = Field(
        None,
        description="how bad a picture is: as measured in its pixels, and the compression as its "
        "header says, where it does",
    )
    content: str | None = Field(None, description="photo, drawing or text")
    found: list[str] = Field([], description="what is wrong with it, a few words each")

    @classmethod
    def of(cls, source: Source) -> Found:
        """What a file's header says."""
        return cls(
            kind=source.kind,
            width=source.width,
            height=source.height,
            frames=source.frames,
            duration_s=source.duration_s,
            jpeg_step=source.jpeg_step,
            damage=None if source.damage is None else source.seen,
            found=source.found,
        )


def glance(path: Path, name: str, bounds: Bounds, *, part: bool = False) -> Found:
    """Looks at a file; of a picture, at its pixels too.

    Args:
        path: The file.
        name: Its name for users, in errors.
        bounds: Its limits.
        part: It is only the beginning of the file: what is missing stays unknown.

    Raises:
        InputError: Neither a picture nor a video that can be read, or beyond the bounds.
    """
    if part:
        return _beginning(path, name, bounds)
    found = Found.of(examine(path, name, bounds))
    return found if found.kind == "video" else _looked(path, name, found)


def _beginning(path: Path, name: str, bounds: Bounds) -> Found:
    with path.open("rb") as file:
        head = file.read(signatures.HEAD_BYTES)
    picture = signatures.sniff(head) is not None
    looks = signatures.describe_stranger(head)
    try:
        return Found.of(examine(path, name, bounds))
    except InputError as error:
        if picture or "video" in looks or looks.startswith("something else"):
            return Found(kind="image" if picture else None)  # the rest may add more
        raise InputError(renamed(error, path, name)) from error


def _looked(path: Path, name: str, found: Found) -> Found:
    from crispen.look.exposure import exposure
    from crispen.look.looking import kind_of
    from crispen.media.image import read_image

    try:
        pixels = read_image(path).as_rgb8()
    except InputError as error:
        raise InputError(renamed(error, path, name)) from error
    words = [*found.found, *exposure(pixels).faults]
    return found.model_copy(update={"content": kind_of(pixels), "found": words})
