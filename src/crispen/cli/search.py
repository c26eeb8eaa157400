"""``crispen search``: finds the values of a recipe that train best."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crispen.cli.console import (
    Json,
    Threads,
    TrainingData,
    TrainingDevice,
    clock,
    print_json,
    print_table,
    progress,
)
from crispen.errors import UsageError, needs_extra

if TYPE_CHECKING:
    from crispen.lab.search.order import SearchOrder
    from crispen.lab.search.outcome import SearchOutcome


class Pruner(StrEnum):
    """When a trial is stopped early."""

    median = "median"
    halving = "halving"
    none = "none"


def search(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe that comes with Crispen (photo-x2 …) or a TOML file.", show_default=False
        ),
    ],
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--set-range",
            metavar="KEY=RANGE",
            help="What to try, as in train.learning_rate=1e-4..2e-3, network.depth=3..6 (whole "
            "numbers) or train.optimizer=adam|sgd; can be repeated. Numbers whose ends are 10 or "
            "more times apart are searched by their logarithm.",
        ),
    ] = None,
    trials: Annotated[
        int,
        typer.Option("--trials", min=1, help="Trials in all, with those already in the folder."),
    ] = 20,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder of the search (default: runs/NAME-search). Created if necessary.",
        ),
    ] = None,
    data: TrainingData = None,
    valid: Annotated[
        Path | None,
        typer.Option(
            "--valid", help="Pictures to measure on; the same as --set validation.path=DIR."
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change the recipe for all trials, as in train.steps=1000; can be repeated.",
        ),
    ] = None,
    pruner: Annotated[
        Pruner,
        typer.Option(
            "--pruner",
            help="Which trials to stop early: those worse than the median of earlier ones (median, "
            "from the sixth trial on), all but the best quarter again and again (halving), none.",
        ),
    ] = Pruner.median,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the choice of values.")] = 0,
    device: TrainingDevice = "auto",
    threads: Threads = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Train trials on all machines of a Ray cluster, such as ray://head:10001, which "
            "must see the folders under the same names; alone, that of CRISPEN_CLUSTER or the "
            "processors of this machine. --threads is then what each trial has, 1 unless given.",
            show_default=False,
        ),
    ] = None,
    slurm: Annotated[
        str | None,
        typer.Option(
            "--slurm",
            metavar="KEY=VALUE,…",
            help="Submit it to SLURM as an array of jobs that share the search: jobs, and as with "
            "'crispen train' partition, gpus (for each trial), hours, cpus, memory_gb, account, "
            "qos, constraint; as in partition=gpu,gpus=1,jobs=8.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train a recipe again and again with other values, and keep the best.

    Optuna chooses the values by what came out before; trials are compared by the recipe's
    validation.monitor. Each is an ordinary run in the folder of the search, which also gets
    best.toml and report.html. Ctrl-C stops it; the same command continues. Typed once more while
    it runs, here or on another machine that sees the folder, it trains other trials of the search.
    """
    with needs_extra("a search", "train"):
        from crispen.lab.recipe import load_recipe
        from crispen.lab.search.order import SearchOrder
        from crispen.lab.search.ranges import parse_ranges
        from crispen.lab.search.searching import search as search_recipe
    from crispen.cli.train import recipe_changes

    changes = [*(assignments or []), *recipe_changes(data=data, valid=valid)]
    parsed = parse_ranges(ranges or [])
    name = load_recipe(recipe, changes).name
    order = SearchOrder(
        recipe=recipe,
        ranges=parsed,
        folder=output or Path("runs") / f"{name}-search",
        assignments=changes,
        trials=trials,
        pruner=pruner.value,
        seed=seed,
        device=device,
        threads=threads,
    )
    if not json:
        for one in parsed:
            typer.echo(f"searching {one}", err=True)
    if slurm is not None:
        _submit(order, slurm, cluster=cluster, json=json)
        return
    with progress(json) as work:
        if cluster is None:
            found = search_recipe(order, work)
        else:
            from crispen.cluster.connection import chosen_address
            from crispen.lab.search.on_cluster import search_on_cluster

            found = search_on_cluster(order, work, address=chosen_address(cluster))
    if json:
        print_json(found.facts())
        return
    _print(found)


def _submit(order: SearchOrder, slurm: str, *, cluster: str | None, json: bool) -> None:
    from crispen.lab.slurm import submit_search

    if cluster is not None:
        raise UsageError("--cluster and --slurm: give one of them")
    jobs = [job.job_id for job in submit_search(order, slurm)]
    if json:
        print_json({"jobs": jobs, "folder": str(order.folder)})
        return
    typer.echo(f"submitted {', '.join(jobs)}; they write into {order.folder}")
    typer.echo("the same command without --slurm shows what they have found, and helps")


def _print(found: SearchOutcome) -> None:
    from rich.table import Table

    from crispen.evaluate.report.run_report import written
    from crispen.lab.search.outcome import BEST_RECIPE, REPORT
    from crispen.lab.search.search_page import values_text

    table = Table("trial", "state", "values", found.monitor, "steps", "time")
    for trial in found.ranked():
        table.add_row(
            str(trial.number),
            trial.state,
            values_text(trial),
            "–" if trial.value is None else written(found.monitor, trial.value),
            f"{trial.run.step:,}" if trial.run else "–",
            clock(trial.run.wall_time_s) if trial.run else "–",
        )
    print_table(table)
    best = found.best
    if best is None:
        typer.echo("no trial was trained to its end; the report says why")
    else:
        typer.echo(f"best: trial {best.number}, {values_text(best)}")
        typer.echo(f"train it again: crispen train {found.folder / BEST_RECIPE}")
        typer.echo(f"or export it: crispen export {best.folder}")
    typer.echo(f"made {found.folder / REPORT}")
