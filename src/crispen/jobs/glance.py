"""A look at a file before it becomes a job: what it is, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from crispen.enhance.request import Kind
from crispen.errors import InputError
from crispen.jobs.kinds import Bounds, examine, renamed
from crispen.jobs.options import Source
from crispen.media import formats

# Of less noise, fine texture may be all there is; see `crispen.look.looking`.
_SOME_NOISE, _MUCH_NOISE = 4.0, 12.0


class Found(BaseModel):
    """What a file is and what was found in it; null where it cannot be told."""

    kind: Kind | None
    width: int | None = Field(None, description="as shown")
    height: int | None = Field(None, description="as shown")
    frames: int | None = None
    duration_s: float | None = None
    jpeg_step: float | None = Field(
        None, description="how coarsely a JPEG file is quantised, in per cent of libjpeg's tables"
    )
    noise: float | None = Field(None, description="standard deviation in levels of 255")
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
            found=source.found,
        )


def glance(path: Path, name: str, bounds: Bounds, *, part: bool = False) -> Found:
    """Looks at a file; of a picture, at its pixels too.

    Args:
        path: The file.
        name: What people call it, for errors.
        bounds: What it may be at most.
        part: It is only the beginning of the file: what does not stand there is left open.

    Raises:
        InputError: Neither a picture nor a video that can be read, or beyond the bounds.
    """
    if part:
        return _beginning(path, name, bounds)
    source = examine(path, name, bounds)
    found = Found.of(source)
    return found if source.kind == "video" else _looked(path, name, found)


def _beginning(path: Path, name: str, bounds: Bounds) -> Found:
    with path.open("rb") as file:
        head = file.read(formats.HEAD_BYTES)
    picture = formats.sniff(head) is not None
    looks = formats.describe_stranger(head)
    try:
        return Found.of(examine(path, name, bounds))
    except InputError as error:
        if picture or "video" in looks or looks.startswith("something else"):
            return Found(kind="image" if picture else None)  # the rest of it may say more
        raise InputError(renamed(error, path, name)) from error


def _looked(path: Path, name: str, found: Found) -> Found:
    from crispen.look.looking import look

    try:
        seen = look(path)
    except InputError as error:
        raise InputError(renamed(error, path, name)) from error
    words = list(found.found)
    if seen.noise >= _SOME_NOISE:
        words.append("much noise" if seen.noise >= _MUCH_NOISE else "some noise")
    return found.model_copy(
        update={
            "noise": round(seen.noise, 1),
            "content": seen.kind,
            "found": words + seen.exposure.faults,
        }
    )
