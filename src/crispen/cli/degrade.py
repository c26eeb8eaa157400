"""``crispen degrade``: degrades pictures on purpose, as for training."""

from __future__ import annotations

import json as jsonlib
import logging
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crispen.cli.console import (
    Json,
    MaxPixels,
    Overwrite,
    Quality,
    Recursive,
    print_json,
    print_table,
    progress,
)
from crispen.errors import Cancelled, CrispenError, OutputError, UsageError, needs_extra
from crispen.media.formats import WRITABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from crispen.enhance.results import Job
    from crispen.lab.degradations import Degradation
    from crispen.media.image import Image

log = logging.getLogger(__name__)

# Far enough for any blur of a usual picture.
_HIDDEN_PX = 64


def degrade(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INPUT...]",
            help="Pictures, folders or patterns such as '*.jpg'; - is standard input.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Output: a file if there is one input, else a folder, in which the folders of "
            "the inputs are kept; - is standard output. PNG keeps the result as it is, JPEG adds "
            "its own losses.",
            show_default=False,
        ),
    ] = None,
    degradations: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            "-w",
            metavar="KIND[=VALUE][:NAME=VALUE,…]",
            help="What to do, as in salt-and-pepper=0.4, gaussian-noise:sigma=25,grey=true or "
            "blind; a value 10..50 is a range. Give it again for the next one; see --list.",
            show_default=False,
        ),
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option(
            "--scale",
            min=1,
            max=16,
            help="How many times smaller the result is; bicubic where no --with shrinks.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Random seed, the same for each input.")
    ] = 0,
    gallery: Annotated[
        bool,
        typer.Option(
            "--gallery",
            help="Write one labelled sheet of INPUT in every degradation; NAME-gallery.png beside "
            "it unless -o says where.",
        ),
    ] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="List all degradations with their arguments.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=f"{WRITABLE}; the input's unless given.",
            show_default=False,
        ),
    ] = None,
    quality: Quality = None,
    max_pixels: MaxPixels = None,
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> int | None:
    """Degrade pictures on purpose: noise, blur, JPEG, fewer pixels, or all of them.

    The same functions as in training recipes. Needs PyTorch, which the extra 'train' installs.
    """
    with needs_extra("degrading", "train"):
        import crispen.lab.degradations  # noqa: F401

    if listing:
        return _list(json)
    if not inputs:
        raise UsageError("name the pictures to degrade, or give --list to see what is available")
    if gallery:
        if degradations or scale is not None:
            raise UsageError("--gallery shows all degradations; leave --with and --scale out")
        return _gallery(inputs, output, seed, overwrite, json)
    if output is None:
        raise UsageError("say where the result goes: -o FILE for one picture, else -o FOLDER")
    if not degradations and scale is None:
        raise UsageError(
            "say what to do, as in --with jpeg=20; 'crispen degrade --list' lists all degradations"
        )

    from crispen.enhance.folders import skipped_files
    from crispen.enhance.inputs import plan_jobs
    from crispen.enhance.naming import check_format
    from crispen.lab.degradations.picture import scale_of
    from crispen.lab.degradations.spec import parse_degradation
    from crispen.media.image import is_image_name

    tables = [parse_degradation(text) for text in degradations or ()]
    factor = scale_of(tables, scale)
    if format is not None:
        check_format(format, videos=False)
    jobs, problems, strangers = plan_jobs(
        inputs,
        output,
        label="degraded",
        format=format,
        recursive=recursive,
        is_picture=is_image_name,
        is_video=lambda path: False,
    )
    order = _Order(tables, factor, seed, format, quality, max_pixels, overwrite)
    # Pixels and words must not mix on standard output.
    to_stderr = output == "-"
    failures: list[Exception] = [problem for _, problem in problems]
    for text, problem in problems:
        _tell({"source": text, "status": "failed", "error": str(problem)}, json, to_stderr)
    with progress(json) as work, work.task("pictures", len(jobs), "files") as task:
        for job in jobs:
            facts: dict[str, Any] = {"source": job.source_name, "target": job.result_name}
            began = time.monotonic()
            try:
                if job.problem is not None:
                    raise job.problem
                facts |= _one(job, order, work.check)
                facts |= {"status": "done", "seconds": round(time.monotonic() - began, 3)}
            except Cancelled:
                raise
            except Exception as error:  # a bug that affects one file must not stop the others
                log.debug("%s failed", job.source_name, exc_info=True)
                failures.append(error)
                facts |= {"status": "failed", "error": _line(error)}
            _tell(facts, json, to_stderr)
            task.expect(len(jobs))  # files come and go meanwhile
            task.advance()
    if json:
        for stranger in strangers:
            about = {"status": "unread", "kind": stranger.kind, "error": stranger.why}
            _tell({"source": str(stranger.path), **about}, json, to_stderr)
    elif unread := skipped_files(stranger.kind for stranger in strangers):
        typer.echo(unread, err=to_stderr)
    if not failures:
        return 0
    wrong = all(isinstance(failure, UsageError) for failure in failures)
    return UsageError.exit_code if wrong and len(failures) == len(jobs) + len(problems) else 1


@dataclass(frozen=True, slots=True)
class _Order:
    """Settings for all pictures."""

    tables: list[Degradation]
    scale: int
    seed: int
    format: str | None
    quality: int | None
    max_pixels: int | None
    overwrite: bool


def _line(error: Exception) -> str:
    ours = isinstance(error, CrispenError)
    text = str(error) if ours else f"unexpected {type(error).__name__}: {error}"
    return " ".join(text.split())


def _read(source: Path | None, max_pixels: int | None) -> Image:
    import numpy as np

    from crispen.enhance.fill import fill_hidden
    from crispen.media.image import MAX_PIXELS, read_image

    file = sys.stdin.buffer.read() if source is None else source
    image = read_image(file, max_pixels=max_pixels or MAX_PIXELS)
    if not image.has_alpha:
        return image
    # A blur must not reveal what transparent pixels hide.
    filled = np.empty_like(image.pixels)
    for i in range(image.frames):
        filled[i * image.height :][: image.height] = fill_hidden(image.frame(i), _HIDDEN_PX)
    return replace(image, pixels=filled)


def _one(job: Job, order: _Order, check: Callable[[], None]) -> dict[str, Any]:
    from crispen.lab.degradations.picture import degrade_image
    from crispen.media.image import write_image

    if job.result is not None and job.result.exists() and not order.overwrite:
        raise OutputError(f"{job.result}: exists already; add --overwrite to replace it")
    image = _read(job.source, order.max_pixels)
    bad = degrade_image(image, order.tables, seed=order.seed, scale=order.scale, check=check)
    if job.result is not None:
        try:
            job.result.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{job.result.parent}: cannot be made ({error.strerror}); choose another -o"
            ) from error
    write_image(
        bad,
        sys.stdout.buffer if job.result is None else job.result,
        format=order.format,
        quality=order.quality,
        overwrite=order.overwrite,
    )
    return {
        "seed": order.seed,
        "source_size": [image.width, image.height],
        "target_size": [bad.width, bad.height],
    }


def _tell(facts: dict[str, Any], as_json: bool, to_stderr: bool) -> None:
    failed = facts["status"] == "failed"
    if as_json:
        line = jsonlib.dumps(facts)
    elif failed:
        named = facts["source"] in facts["error"]
        line = f"failed: {'' if named else facts['source'] + ': '}{facts['error']}"
    else:
        sizes = " → ".join("x".join(map(str, facts[s])) for s in ("source_size", "target_size"))
        line = f"{facts['source']} → {facts['target']}  {sizes}  {facts['seconds']:.1f} s"
    typer.echo(line, err=to_stderr or (failed and not as_json))


def _gallery(
    inputs: list[str], output: str | None, seed: int, overwrite: bool, as_json: bool
) -> int:
    from crispen.media.image import Image, is_image_name, read_image, write_image

    if len(inputs) > 1:
        raise UsageError(f"--gallery takes one picture, not {len(inputs)}")
    source = Path(inputs[0])
    target = source.with_name(f"{source.stem}-gallery.png") if output is None else Path(output)
    if not is_image_name(target):
        raise UsageError(f"-o {target}: give a name that ends in .png")
    if source.exists() and target.exists() and source.samefile(target):
        raise UsageError(f"-o {target} is the picture itself; give another name")
    if target.exists() and not overwrite:
        raise OutputError(f"{target}: exists already; add --overwrite to replace it")

    from crispen.lab.degradations.catalogue import EXAMPLES
    from crispen.lab.degradations.gallery import make_gallery

    sheet = Image(make_gallery(read_image(source), seed=seed))
    write_image(sheet, target, overwrite=overwrite)
    if as_json:
        print_json({"sheet": str(target), "degradations": list(EXAMPLES.values()), "seed": seed})
    else:
        typer.echo(f"made {target}")
    return 0


def _list(as_json: bool) -> int:
    from crispen.lab.degradations.catalogue import catalogue

    entries = catalogue()
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return 0
    from rich.markup import escape
    from rich.table import Table

    table = Table("degradation", "what it is", "arguments", caption="* set by KIND=VALUE")
    for entry in entries:
        arguments = [
            f"{a.name}{'*' if a.name == entry.main else ''}{'=' if a.default else ''}{a.default}"
            for a in entry.arguments
            if a.name not in ("probability", "clip")
        ]
        table.add_row(entry.kind, escape(entry.summary), escape(", ".join(arguments)))
    print_table(table)
    typer.echo("All of them also take probability=1 (that it is applied) and clip=true.")
    return 0
