"""``crispen serve``: the web page and its API."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crispen.cli.console import Json, WorkerThreads, print_json
from crispen.errors import needs_extra

if TYPE_CHECKING:
    from crispen.server.settings import Settings


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            help="Address to listen on. Only this machine can reach 127.0.0.1; with 0.0.0.0 "
            "everyone on the network can use it, so set a --token as well.",
            show_default="127.0.0.1",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            help="Port to listen on; 0 picks a free one.",
            show_default="8000",
        ),
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=0,
            help="Number of worker processes. They share the cores; more than one helps if many "
            "small pictures arrive at once.",
            show_default="1, or as many as the --cluster has room for",
        ),
    ] = None,
    threads: WorkerThreads = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Run the jobs on all machines of a Ray cluster, such as head:6379, which must see "
            "the --folder and the database; alone, that of CRISPEN_CLUSTER or the processors of "
            "this machine. --threads is then what each worker has, 1 unless given.",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            help="Where uploads, results and the queue are kept.",
            show_default="the user's data folder",
        ),
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(
            "--runs",
            help="Show the training runs in this folder.",
            show_default="./runs, if it exists",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            help="Token that every client must send. CRISPEN_TOKEN keeps it out of the "
            "process list.",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            help="Host name under which the server is reached. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--cors-origin",
            help="Another web origin whose pages may use the API, as https://example.org. "
            "Can be repeated.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            help="A TOML file with any setting of docs/server.md.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Open a web page for enhancing pictures and videos, with an API for programs.

    Everything runs on this machine, unless a --cluster is given. Ctrl-C stops it; running jobs
    continue when it is started again. Every limit is a setting: see docs/server.md.
    """
    with needs_extra("the server", "server"):
        from crispen.server.http.serving import serve as run
        from crispen.server.logs import set_up
        from crispen.server.settings import misspelt, read_settings

    if cluster is not None:
        from crispen.cluster.connection import chosen_address

        cluster = chosen_address(cluster)
    if runs is None and Path("runs").is_dir():
        runs = Path("runs")
    chosen = read_settings(
        settings,
        host=host,
        port=port,
        workers=workers,
        threads=threads,
        jobs_cluster=cluster,
        folder=folder,
        runs_folder=runs,
        token=token,
        allowed_hosts=allow_host,
        cors_origins=cors_origin,
        log_format="json" if json else None,
    )
    for line in misspelt(os.environ):
        typer.echo(f"crispen: warning: {line}", err=True)
    set_up(chosen.log_format)
    run(chosen, lambda url: _ready(chosen, url, open, json))


def _ready(settings: Settings, url: str, browse: bool, json: bool) -> None:
    if not settings.local and not settings.all_tokens:
        typer.echo(
            f"crispen: warning: everyone who can reach {settings.host} can use this server and its "
            "disk; set a --token",
            err=True,
        )
    if json:
        print_json({"url": url})
    else:
        typer.echo(f"Crispen is at {url}  (Ctrl-C stops it)")
    sys.stdout.flush()
    if browse:
        import webbrowser

        webbrowser.open(url)
