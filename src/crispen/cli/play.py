"""``crispen play``: a clip enhanced while it is watched, in the browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crispen.errors import UsageError, needs_extra

if TYPE_CHECKING:
    from crispen.enhance.video.live import Counts, LiveClip


def play(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A video.", show_default=False)],
    scale: Annotated[
        float | None,
        typer.Option(
            "--scale", "-s", help="Scale factor for each side, such as 2 or 1.5.", show_default="2"
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="WxH",
            help="Width and height instead, such as 1920x1080; the largest inside it.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A model by name, or a model file. Can be repeated. The larger it is, the more "
            "frames are bicubic.",
            show_default="the fastest",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            help="Where to begin, in seconds or [HH:]MM:SS[.fff].",
            show_default="its first frame",
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            "--device", help="What computes: auto, cpu, cuda, …; 'crispen doctor' lists them."
        ),
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="CPU threads; all unless given.", show_default=False),
    ] = None,
    open: Annotated[
        bool,
        typer.Option(
            "--open/--no-open", help="Open the page in the browser.", show_default="--open"
        ),
    ] = True,
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, help="Port to listen on.", show_default="any that is free"
        ),
    ] = 0,
) -> None:
    """Watch a video enhanced, in the browser, without waiting for a file.

    Frames that there is no time to enhance are enlarged bicubically, so that the picture never
    stutters. Only this machine can reach the page. Ctrl-C stops it.
    """
    from crispen.enhance.request import ask
    from crispen.enhance.target import parse_size
    from crispen.enhance.video.live import LIVE, open_live

    with needs_extra("playing in the browser", "server"):
        from crispen.server.http.player import serve_player
        from crispen.server.services.playing import Playing

    request, at_hand = ask(
        model,
        scale=scale,
        size=None if size is None else parse_size(size),
        fit=True if size is not None else None,
        start=start,
        **LIVE,
    )
    begin = request.span.begin or 0
    request = request.model_copy(update={"start": None})
    with open_live(clip, request, at_hand, device=device, threads=threads) as opened:
        if opened.length is not None and begin >= opened.length:
            raise UsageError(f"--start {start}: {clip} ends at {opened.length:.3f} s")
        typer.echo(_summary(clip, opened))
        playing = Playing(opened, clip.name, float(begin))
        serve_player(playing, port, lambda url: _ready(url, open))
    typer.echo(_tally(playing.counts))


def _summary(clip: Path, opened: LiveClip) -> str:
    decision = opened.decision
    before = (decision.header.width, decision.header.height)
    if decision.header.turned:
        before = before[::-1]
    sizes = ["x".join(map(str, pair)) for pair in (before, opened.size)]
    models = ", ".join(decision.plan.models) or "bicubic"
    return f"{clip}: {sizes[0]} to {sizes[1]} by {models}"


def _tally(counts: Counts) -> str:
    return f"{counts.enhanced} frames enhanced, {counts.bicubic} bicubic, {counts.dropped} dropped"


def _ready(url: str, browse: bool) -> None:
    typer.echo(f"Playing at {url}  (Ctrl-C stops it)")
    sys.stdout.flush()
    if browse:
        import webbrowser

        webbrowser.open(url)
