"""``crispen enhance``: pictures and videos, larger and better."""

from __future__ import annotations

import json as jsonlib
import re
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crispen.cli._request import TakesRequest
from crispen.cli.console import Json, MaxPixels, Overwrite, Recursive, progress
from crispen.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from crispen.enhance.batch import Options, Outcome
    from crispen.enhance.request import Request
    from crispen.models.athand import AtHand
    from crispen.progress import Progress

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@TakesRequest
def enhance(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Pictures, videos, folders or patterns such as '*.jpg', also as addresses "
            "(s3://, gs://, az://, sftp://, smb://, https://, zip://); "
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
            "the inputs are kept; a path or an address; - is standard output. Without it "
            "NAME.x2.EXT, NAME.denoise.EXT and the like stands beside each input.",
            show_default=False,
        ),
    ] = None,
    *,
    request: Request,
    at_hand: AtHand,
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
    keep_damaged: Annotated[
        bool,
        typer.Option(
            "--keep-damaged",
            help="Enhance damaged pictures as far as they can be read, with a note, instead of "
            "refusing them.",
        ),
    ] = False,
    try_ways: Annotated[
        bool,
        typer.Option(
            "--try",
            help="Make one sheet of crops, NAME.try.png, that shows all sensible ways to enhance "
            "the picture side by side, and nothing else.",
        ),
    ] = False,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview",
            help="Enhance one second of a video's most telling scene, NAME.preview.EXT, and put "
            "three stills beside bicubic, NAME.preview.png, next to where the result would go; "
            "say how long the whole would take, and do no more.",
        ),
    ] = False,
    recursive: Recursive = False,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume",
            help="Skip results that are finished: made from the same input with the same settings, "
            "according to .crispen.jsonl beside them. With --overwrite nothing is skipped unless "
            "--resume is given too.",
            show_default="--resume",
        ),
    ] = None,
    overwrite: Overwrite = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Work on all machines of a Ray cluster, such as ray://head:10001, which must see "
            "the files under the same names; alone, that of CRISPEN_CLUSTER or the processors of "
            "this machine. --threads is then what each worker has, 1 unless given.",
            show_default=False,
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Go on with what arrives in the folder, each file once it has not changed for two "
            "seconds, until Ctrl-C. Nothing is done twice, also when it is started again.",
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Make pictures and videos larger, cleaner and sharper.

    Results stand beside the inputs as NAME.x2.EXT unless -o says otherwise. Inputs are never
    touched. A file that fails does not stop the rest; an interrupted batch continues where it
    was when run again.
    """
    memory_bytes = parse_memory(memory) if memory is not None else None
    if try_ways:
        return _tried(inputs, output, request.scale, overwrite=overwrite, json=json)

    if preview:
        machine = {"device": device, "threads": threads, "memory_bytes": memory_bytes}
        return _previewed(inputs, output, request, at_hand, machine, overwrite=overwrite, json=json)

    from crispen.enhance.batch import Options, enhance_all
    from crispen.enhance.folders import skipped_files
    from crispen.enhance.outcome import Tally
    from crispen.stores.address import is_address

    options = Options(
        request=request,
        at_hand=at_hand,
        device=device,
        memory_bytes=memory_bytes,
        threads=threads,
        tile_px=tile,
        max_pixels=max_pixels,
        keep_damaged=keep_damaged,
        recursive=recursive,
        resume=resume,
        overwrite=overwrite,
    )
    # Pixels and words must not mix on standard output.
    to_stderr = output == "-" or (output is None and "-" in inputs)

    tally = Tally()

    def report(outcome: Outcome) -> None:
        tally.add(outcome)
        if outcome.status == "unread" and not json:
            return  # all together, at the end
        # In ASCII, which holds names of any encoding.
        line = jsonlib.dumps(outcome.as_json()) if json else summary(outcome)
        failed = outcome.status == "failed"
        typer.echo(line, err=to_stderr or (failed and not json))

    with progress(json) as work:
        if any(map(is_address, (output, *inputs))):
            if watch or cluster is not None:
                option = "--watch" if watch else "--cluster"
                raise UsageError(
                    f"{option} takes files of this machine; leave it out, or copy them"
                )
            from crispen.enhance.stored.batch import enhance_stored

            enhance_stored(inputs, output, options, work, report)
        elif watch:
            return _watched(inputs, output, options, work, report, cluster)
        elif cluster is None:
            enhance_all(inputs, output, options, work, report, keep=False)
        else:
            from crispen.cluster import batch, connection

            address = connection.chosen_address(cluster)
            batch.enhance_all(inputs, output, options, work, report, address=address, keep=False)
    unread = skipped_files(tally.unread.elements())
    if unread and not json:
        typer.echo(unread, err=to_stderr)
    return tally.exit_code


def _watched(
    inputs: list[str],
    output: str | None,
    options: Options,
    work: Progress,
    report: Callable[[Outcome], None],
    cluster: str | None,
) -> int:
    from crispen.enhance.arrivals import Arrivals
    from crispen.enhance.batch import enhance_all

    if len(inputs) != 1:
        raise UsageError("--watch takes one folder")
    if cluster is not None:
        raise UsageError("--watch and --cluster do not go together; leave one of them out")
    arriving = Arrivals(Path(inputs[0]), work, recursive=options.recursive)
    with suppress(Cancelled):  # which is how it ends
        enhance_all(inputs, output, options, work, report, arriving=arriving)
    return 0


def _tried(
    inputs: list[str], output: str | None, scale: float | None, *, overwrite: bool, json: bool
) -> int:
    from crispen.evaluate.alternatives import make_choices
    from crispen.media.atomic import check_target
    from crispen.media.image import Image, write_image

    if len(inputs) != 1 or not Path(inputs[0]).is_file():
        raise UsageError("--try takes one picture file")
    source = Path(inputs[0])
    result = Path(output or source.with_name(f"{source.stem}.try.png"))
    check_target(result, overwrite=overwrite)
    with progress(json) as work:
        sheet = make_choices(source, scale=scale, progress=work)
    write_image(Image(sheet), result, overwrite=overwrite)
    line = {"source": str(source), "target": str(result), "status": "done"}
    typer.echo(jsonlib.dumps(line, ensure_ascii=False) if json else f"{source} → {result.name}")
    return 0


def _previewed(
    inputs: list[str],
    output: str | None,
    request: Request,
    at_hand: AtHand,
    machine: dict[str, Any],
    *,
    overwrite: bool,
    json: bool,
) -> int:
    from crispen.enhance.inputs import plan_jobs
    from crispen.enhance.naming import label_of
    from crispen.enhance.plan import check
    from crispen.evaluate.clip_preview import make_preview
    from crispen.media.format_choice import is_video_name
    from crispen.media.image import is_image_name

    if len(inputs) != 1 or not Path(inputs[0]).is_file():
        raise UsageError("--preview takes one video file")
    source = Path(inputs[0])
    lineup = check(request, "video", at_hand)
    tasks = [model.card.task for model in lineup.same_size]
    label = label_of(request.target.or_scale(lineup.default_scale), tasks, lineup.strength)
    planned = plan_jobs(
        inputs,
        output,
        label=label,
        format=request.format,
        recursive=False,
        is_picture=is_image_name,
        is_video=is_video_name,
    )
    result = next((job.result for job in planned.jobs), None)
    if result is None:
        raise UsageError("--preview has no place for its files; give -o NAME.mp4")
    with progress(json) as work:
        done = make_preview(
            source, result, request, at_hand, overwrite=overwrite, progress=work, **machine
        )
    if json:
        typer.echo(jsonlib.dumps(done.as_json()))
        return 0
    means = ", ".join(part for part in (" + ".join(done.models), done.codec) if part)
    notes = "".join(f"\n  note: {note}" for note in done.notes)
    typer.echo(
        f"{source} → {done.clip.name}  1 s from {done.begin_s:.2f} s  {means}\n"
        f"{source} → {done.sheet.name}  {len(done.stills_s)} stills beside bicubic{notes}\n"
        f"{done.estimate}"
    )
    return 0


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

    ``photo.jpg → photo.x2.jpg  4000x3000 → 8000x6000  photo-x2  5.1 s``
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
    means = " + ".join(outcome.models)
    if outcome.codec:
        means = ", ".join(part for part in (means, outcome.codec) if part)
    means = f"  {means}" if means else ""
    node = f"  on {outcome.node}" if outcome.node else ""
    said = outcome.notes
    if outcome.shrinks_back is not None:
        said += (f"shrinks back to the repaired picture within {outcome.shrinks_back:.2f} levels",)
    notes = "".join(f"\n  note: {note}" for note in said)
    return (
        f"{outcome.source} → {result}  {sizes}{frames}{means}  {outcome.seconds:.1f} s{node}{notes}"
    )
