"""``crispen worker``: processes the jobs of servers on other machines."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from crispen.cli.console import Json, WorkerThreads, print_json, stopped_by_signals
from crispen.errors import UsageError, needs_extra


def worker(
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            help="The servers' PostgreSQL database, such as postgresql://crispen@host/crispen. "
            "CRISPEN_DATABASE_URL keeps a password out of the process list.",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            help="The servers' data folder, as mounted on this machine.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Number of worker processes.", show_default="1"),
    ] = None,
    threads: WorkerThreads = None,
    device: Annotated[
        str | None,
        typer.Option("--device", help="Device: auto, cpu, cuda, …", show_default="auto"),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", help="The servers' TOML file of settings.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Process the jobs of servers that share their database and folder.

    The servers run with CRISPEN_SHARED=1. Nothing is lost if a worker ends for any reason: its job
    goes back to the queue. Ctrl-C puts running jobs back and stops.
    """
    with needs_extra("a worker", "server"):
        from crispen.server.logs import set_up
        from crispen.server.services.working import LoneWorkers
        from crispen.server.settings import read_settings

    chosen = read_settings(
        settings,
        database_url=database,
        folder=store,
        workers=workers,
        threads=threads,
        device=device,
        log_format="json" if json else None,
    )
    if chosen.database_url is None:
        raise UsageError("a worker needs the servers' database; give --database postgresql://…")
    set_up(chosen.log_format)
    with suppress(KeyboardInterrupt), stopped_by_signals(), LoneWorkers(chosen) as running:
        if json:
            print_json({"workers": running.pids, "folder": str(chosen.folder)})
        else:
            count = len(running.pids)
            word = "worker is" if count == 1 else "workers are"
            typer.echo(f"{count} {word} ready for the jobs in {chosen.folder}  (Ctrl-C stops)")
        sys.stdout.flush()
        threading.Event().wait()
