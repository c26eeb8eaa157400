"""``crispen runs``: lists training runs and compares them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from crispen.cli.console import Json, Overwrite, clock, print_json, print_table
from crispen.errors import OutputError, UsageError, needs_extra

if TYPE_CHECKING:
    from crispen.evaluate.run_folders import Run

RUNS = Path("runs")
_KINDS = (".png", ".svg", ".pdf")


class _ListsFolders(TyperGroup):
    """``crispen runs FOLDER`` is short for ``crispen runs list FOLDER``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The requested command, or the one that lists."""
        known = not args or args[0] in self.commands
        return super().resolve_command(ctx, args if known else ["list", *args])


app = typer.Typer(
    cls=_ListsFolders,
    invoke_without_command=True,
    help="List training runs with their best figures, or plot their curves together.",
)


@app.callback()
def runs(context: typer.Context, json: Json = False) -> None:
    """List training runs with their best figures, or plot their curves together.

    Without a subcommand, the runs in ./runs or in the given folder are listed,
    the one written to last first.
    """
    if context.invoked_subcommand is None:
        _show(RUNS, json)


@app.command("list")
def list_(
    folder: Annotated[Path, typer.Argument(help="Folder of runs, or a run's own folder.")] = RUNS,
    json: Json = False,
) -> None:
    """List the runs in a folder: status, step, best figures, time."""
    _show(folder, json)


@app.command()
def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…", help="Folders of runs, as runs/a runs/b.", show_default=False
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Picture of the curves: .png, .svg or .pdf.")
    ] = Path("curves.png"),
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Plot the curves of several runs together, and print their best figures.

    Needs Matplotlib: pip install 'crispen[train]'.
    """
    if output.suffix.lower() not in _KINDS:
        raise UsageError(f"-o {output}: give a name that ends in {', '.join(_KINDS)}")
    if output.exists() and not overwrite:
        raise OutputError(f"{output}: exists already; add --overwrite or choose another name")
    from crispen.evaluate.run_folders import read_run

    found = [read_run(folder) for folder in folders]
    with needs_extra("drawing curves", "train"):
        from crispen.lab.curves import draw_curves

        draw_curves(found, output, _labels(found))
    if json:
        print_json({"curves": str(output), "runs": [run.facts() for run in found]})
        return
    _print(found, _labels(found))
    typer.echo(f"curves: {output}")


def _labels(found: list[Run]) -> list[str]:
    """Their names, or their folders where names are the same."""
    names = [run.name for run in found]
    if len(set(names)) == len(names):
        return names
    return [run.folder.name if names.count(run.name) > 1 else run.name for run in found]


def _show(folder: Path, as_json: bool) -> None:
    from crispen.evaluate.run_folders import list_runs

    found = list_runs(folder)
    if as_json:
        print_json([run.facts() for run in found])
    elif found:
        _print(found, [run.id for run in found])
    else:
        typer.echo(f"no runs in {folder}; 'crispen train NAME' makes one")


def _print(found: list[Run], labels: list[str]) -> None:
    from rich.table import Table

    table = Table("run", "task", "status", "step", "best step", "PSNR", "SSIM", "MSE", "time")
    for run, label in zip(found, labels, strict=True):
        scale = f" x{run.scale}" if run.scale > 1 else ""
        best = run.best
        table.add_row(
            label,
            f"{run.task}{scale}",
            run.status,
            f"{run.step:,} of {run.steps:,}",
            f"{best['step']:,.0f}" if "step" in best else "–",
            f"{best['psnr']:.2f} dB" if "psnr" in best else "–",
            f"{best['ssim']:.4f}" if "ssim" in best else "–",
            f"{best['mse']:.2e}" if "mse" in best else "–",
            clock(run.wall_time_s),
        )
    print_table(table)
