"""``crispen enhance``: pictures and videos, larger and better."""

from __future__ import annotations

import json as jsonlib
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from crispen.cli.console import Json, MaxPixels, Overwrite, Quality, Recursive, progress
from crispen.errors import UsageError

if TYPE_CHECKING:
    from crispen.enhance.batch import Outcome
    from crispen.enhance.target import Target

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def enhance(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Pictures, videos, folders or patterns such as '*.jpg'; "
            "- reads a picture from standard input and writes to standard output.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            help="Where to: a file if there is one input, else a folder, in which the folders of "
            "the inputs are kept; - is standard output. Without it NAME.x2.EXT, NAME.denoise.EXT "
            "and the like stands beside each input.",
            show_default=False,
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            "--scale",
            "-s",
            help="How many times as long each side becomes: 2, 1.5, 4 … "
            "Without a size either, 2, or what the tasks or the named models give.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="WxH",
            help="Exactly this size, such as 3840x2160; with --fit, the largest inside it.",
            show_default=False,
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option("--width", help="This wide; the height follows.", show_default=False),
    ] = None,
    height: Annotated[
        int | None,
        typer.Option("--height", help="This high; the width follows.", show_default=False),
    ] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Keep the aspect ratio inside --size.")
    ] = False,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            "-t",
            help="What to do: denoise, relight (too dark or too bright), sharpen, upscale. Give it "
            "several times for several; they are done in the order that makes sense. Without "
            "upscale the size stays.",
            show_default="upscale",
        ),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(
            "--strength",
            min=0,
            max=1,
            help="How much of it to do, 0 to 1, where the task leaves the size as it is: 0.5 is "
            "half way between the input and the full result.",
            show_default="1",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A model's name (see 'crispen models') or file; a name without its scale, such as "
            "photo-fast, picks the scale by the size. Give it several times for a chain, in order; "
            "with --task it takes the place of that task's usual model.",
            show_default="the task's usual one",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="png, jpeg, webp, tiff, avif or gif; for videos mp4, mkv, mov or webm. "
            "The input's unless given.",
            show_default=False,
        ),
    ] = None,
    quality: Quality = None,
    device: Annotated[
        str,
        typer.Option(
            "--device", help="What computes: auto, cpu, cuda, …; 'crispen doctor' lists them."
        ),
    ] = "auto",
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            help="How much memory a picture may take, the program included, such as 500M or 2G; "
            "less makes smaller tiles.",
            show_default="1G",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="CPU threads; all unless given.", show_default=False),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            "--tile",
            min=1,
            help="Side of the tiles in pixels, instead of a choice by --memory. "
            "The result is the same.",
            show_default=False,
        ),
    ] = None,
    max_pixels: MaxPixels = None,
    recursive: Recursive = False,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume",
            help="Skip results that are finished: made from the same input with the same settings, "
            "as .crispen.jsonl beside them tells. With --overwrite nothing is skipped unless "
            "--resume is given too.",
            show_default="--resume",
        ),
    ] = None,
    overwrite: Overwrite = False,
    strip_metadata: Annotated[
        bool,
        typer.Option(
            "--strip-metadata", help="Leave EXIF, XMP and other notes out (where, when, by whom)."
        ),
    ] = False,
    codec: Annotated[
        str | None,
        typer.Option(
            "--codec",
            help="Videos: h264, hevc, av1, vp9, ffv1 or prores.",
            show_default="h264, in WebM vp9",
        ),
    ] = None,
    crf: Annotated[
        float | None,
        typer.Option(
            "--crf",
            min=0,
            max=63,
            help="Videos: quality, less is better and larger; 18 looks like the source.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            help="Videos: how much the encoder tries, ultrafast … veryslow.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Make pictures and videos larger, cleaner and sharper.

    Results stand beside the inputs as NAME.x2.EXT unless -o says otherwise. Inputs are never
    touched. A file that fails does not stop the rest; a batch that was interrupted goes on where it
    was when run again.
    """
    target = parse_target(scale, size, width, height, fit)
    memory_bytes = parse_memory(memory) if memory is not None else None

    from crispen.enhance.batch import Options, enhance_all, exit_code

    options = Options(
        target=target,
        models=tuple(model or ()),
        tasks=tuple(task or ()),
        strength=strength,
        format=format,
        quality=quality,
        device=device,
        memory_bytes=memory_bytes,
        threads=threads,
        tile_px=tile,
        max_pixels=max_pixels,
        recursive=recursive,
        resume=resume,
        overwrite=overwrite,
        strip_metadata=strip_metadata,
        codec=codec,
        crf=crf,
        preset=preset,
    )
    # Pixels and words must not mix on standard output.
    to_stderr = output == "-" or (output is None and "-" in inputs)

    def report(outcome: Outcome) -> None:
        line = jsonlib.dumps(outcome.as_json(), ensure_ascii=False) if json else summary(outcome)
        failed = outcome.status == "failed"
        typer.echo(line, err=to_stderr or (failed and not json))

    with progress(json) as work:
        outcomes = enhance_all(inputs, output, options, work, report)
    return exit_code(outcomes)


def parse_target(
    scale: float | None, size: str | None, width: int | None, height: int | None, fit: bool
) -> Target:
    """The size asked for by the flags.

    Raises:
        UsageError: They contradict each other.
    """
    from crispen.enhance.target import Target, parse_size

    if size is not None:
        if width is not None or height is not None:
            raise UsageError("both --size and --width or --height were given; give one of them")
        width, height = parse_size(size)
    return Target(scale=scale, width=width, height=height, fit=fit)


def parse_memory(text: str) -> int:
    """Bytes out of ``1G``, ``500M``, ``1.5 GB``.

    >>> parse_memory("1.5G")
    1610612736
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text.lower())
    if match is None:
        raise UsageError(f"--memory '{text}' is not an amount; write it as 500M or 2G")
    return int(float(match[1]) * _UNITS[match[2]])


def summary(outcome: Outcome) -> str:
    """One line for a person.

    ``photo.jpg → photo.x2.jpg  4000x3000 → 8000x6000  5.1 s``
    """
    if outcome.status == "failed":
        if outcome.target and outcome.error.startswith(outcome.target):
            return f"failed: {outcome.source} → {outcome.error}"
        named = outcome.source in outcome.error
        return f"failed: {'' if named else outcome.source + ': '}{outcome.error}"
    result = outcome.target
    if PurePath(result).parent == PurePath(outcome.source).parent:
        result = PurePath(result).name
    if outcome.status == "skipped":
        return f"{outcome.source} → {result}  skipped, finished already"
    sizes = " → ".join(
        "x".join(map(str, size))
        for size in (outcome.source_size, outcome.target_size)
        if size is not None
    )
    frames = f"  {outcome.frames} frames" if outcome.frames > 1 else ""
    notes = "".join(f"\n  note: {note}" for note in outcome.notes)
    return f"{outcome.source} → {result}  {sizes}{frames}  {outcome.seconds:.1f} s{notes}"
