"""``crispen train``: trains a model from a recipe."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crispen.cli.console import (
    Json,
    Threads,
    TrainingData,
    TrainingDevice,
    print_json,
    print_table,
    progress,
)
from crispen.errors import UsageError, needs_extra
from crispen.media.format_choice import is_video_name

if TYPE_CHECKING:
    from crispen.lab.recipe import Recipe
    from crispen.lab.training_job import Trained


class Tracker(StrEnum):
    """Where the log is sent too."""

    tensorboard = "tensorboard"
    wandb = "wandb"
    mlflow = "mlflow"
    none = "none"


def train(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="A recipe that comes with Crispen (photo-x2 …) or a TOML file.", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder of the run (default: runs/NAME). Created if necessary."
        ),
    ] = None,
    data: TrainingData = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change the recipe, as in train.steps=1000 or degradation.0.sigma=[0,30]; can "
            "be repeated.",
        ),
    ] = None,
    tracker: Annotated[
        Tracker | None,
        typer.Option(
            "--tracker",
            help="Send the log to TensorBoard, Weights & Biases or MLflow too; the same as "
            "--set tracker.kind=NAME. Off unless given here or in the recipe.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option("--start", help="Checkpoint whose matching weights training starts from."),
    ] = None,
    valid: Annotated[
        Path | None,
        typer.Option(
            "--valid",
            help="Folder with HR and LR_xN, or of pictures that the recipe degrades, measured "
            "regularly; the same as --set validation.path=DIR.",
        ),
    ] = None,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume",
            help="Continue the run in the folder, or move it to NAME.1 and start over. Without "
            "either option, an existing run is continued.",
            show_default=False,
        ),
    ] = None,
    device: TrainingDevice = "auto",
    devices: Annotated[
        int, typer.Option("--devices", min=1, help="Number of devices that train together.")
    ] = 1,
    threads: Threads = None,
    compile: Annotated[
        bool,
        typer.Option(
            "--compile/--no-compile",
            help="Let torch.compile fuse the network; on CPUs it needs a C++ compiler.",
        ),
    ] = False,
    export: Annotated[
        bool, typer.Option("--export/--no-export", help="Export the best checkpoint as a model.")
    ] = True,
    slurm: Annotated[
        str | None,
        typer.Option(
            "--slurm",
            metavar="KEY=VALUE,…",
            help="Submit it to a cluster: partition, gpus, nodes, hours, cpus, memory_gb, account, "
            "qos, constraint; as in partition=gpu,gpus=4,hours=8. It is requeued on time-out.",
        ),
    ] = None,
    list_recipes: Annotated[
        bool, typer.Option("--list", help="List the recipes that come with Crispen.")
    ] = False,
    json: Json = False,
) -> None:
    """Train a network from a recipe. Ctrl-C saves the run; the same command continues it.

    Needs PyTorch, which the extra 'train' installs.
    """
    with needs_extra("training", "train"):
        from crispen.lab.recipe import load_recipe, recipe_names
        from crispen.lab.training_job import TrainingJob

    if list_recipes:
        _list([load_recipe(name) for name in recipe_names()], json)
        return
    if recipe is None:
        raise UsageError("name a recipe or a TOML file; 'crispen train --list' shows the recipes")
    resolved = load_recipe(
        recipe,
        [
            *(assignments or []),
            *recipe_changes(data=data, valid=valid),
            *([f"tracker.kind={tracker}"] if tracker is not None else []),
            *([f"train.start={_quoted(start)}"] if start is not None else []),
        ],
    )
    job = TrainingJob(
        recipe=resolved,
        folder=output or Path("runs") / resolved.name,
        device=device,
        devices=devices,
        threads=threads,
        compile_network=compile,
        resume=resume,
        export=export,
    )
    if slurm is not None:
        from crispen.lab.slurm import submit

        submitted = submit(job, slurm)
        if json:
            print_json({"job": submitted.job_id, "folder": str(job.folder)})
        else:
            typer.echo(f"submitted job {submitted.job_id}; it writes into {job.folder}")
        return
    with progress(json) as work:
        result = job.run(work)
    if result.rank:
        return  # one of several processes that torchrun or SLURM started
    facts = {"folder": str(job.folder), "best": result.best, "model": _text(result.model)}
    if json:
        print_json({"checkpoint": str(result.checkpoint), **facts})
        return
    typer.echo(f"trained {resolved.name}: {result.steps:,} steps{_figures(result)}")
    if result.model:
        typer.echo(f"use it: crispen enhance photo.jpg --model {result.model}")
    else:
        typer.echo(f"export it: crispen export {result.checkpoint}")


def recipe_changes(*, data: str | None, valid: Path | None) -> list[str]:
    """What ``--data`` and ``--valid`` change in a recipe, as ``key=value``."""
    return [
        *([] if data is None else _data(data)),
        *([f"validation.path={_quoted(valid)}"] if valid is not None else []),
    ]


def _data(path: str) -> list[str]:
    """The recipe changes of ``--data``: a clip and a folder are different kinds of data."""
    kind = ['data.kind="video"'] if Path(path).is_file() and is_video_name(path) else []
    return [*kind, f"data.path={_quoted(path)}"]


def _quoted(path: Path | str) -> str:
    # A TOML literal string: what --set understands, backslashes and all.
    return f"'{path}'"


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _figures(result: Trained) -> str:
    best = result.best
    if "psnr" not in best:
        return ""
    where = "in validation" if result.held_out else "on pictures it learned from (none held out)"
    return f", best {best['psnr']:.2f} dB {where} at step {best['step']:,.0f}"


def _list(recipes: list[Recipe], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "name": r.name,
            "task": r.task,
            "scale": r.scale,
            "network": r.network.describe(),
            "data": r.data.kind,
            "summary": r.summary,
        }
        for r in recipes
    ]
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table("recipe", "task", "network", "data", "summary")
    for row in rows:
        scale = f" x{row['scale']}" if row["scale"] > 1 else ""
        table.add_row(
            row["name"], f"{row['task']}{scale}", row["network"], row["data"], row["summary"]
        )
    print_table(table)
