"""``crispen train``: from a recipe to a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crispen.cli.console import Json, print_json, progress
from crispen.errors import MissingExtra


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe that comes with Crispen (photo-x2 …) or a TOML file.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for checkpoints and logs; runs/NAME unless given. A run found there is "
            "resumed.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of HR pictures; the same as --set data.path=DIR."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change the recipe, as in train.steps=1000; may be given again.",
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option("--start", help="Checkpoint whose fitting weights it starts from."),
    ] = None,
    valid: Annotated[
        Path | None,
        typer.Option("--valid", help="Folder with HR and LR_xN, measured now and then."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda …")] = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="At most so many CPU threads.")
    ] = None,
    compile: Annotated[
        bool,
        typer.Option(
            "--compile/--no-compile",
            help="Let torch.compile fuse the network; on CPUs it needs a C++ compiler.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Train a network from a recipe; Ctrl-C saves it, the same command goes on.

    Needs PyTorch: pip install 'crispen[train]'.
    """
    try:
        import torch

        from crispen.lab.recipe import load_recipe
        from crispen.lab.training import CHECKPOINT, Trainer
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"training needs {error.name}; type: pip install 'crispen[train]'"
        ) from error

    changes = list(assignments or [])
    if data is not None:
        changes.append(f"data.path={_quoted(data)}")
    if start is not None:
        changes.append(f"train.start={_quoted(start)}")
    resolved = load_recipe(recipe, changes)
    folder = output or Path("runs") / resolved.name
    if threads is not None:
        torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    with progress(json) as work:
        trainer = Trainer(resolved, folder, device=device, compile_network=compile)
        state = trainer.fit(work, valid)
    last = state.history[-1] if state.history else {}
    checkpoint = folder / CHECKPOINT
    if json:
        print_json({"checkpoint": str(checkpoint), **last})
        return
    psnr = f", {last['psnr']:.2f} dB on {valid.name}" if valid and "psnr" in last else ""
    typer.echo(f"trained {resolved.name}: {state.step:,} steps{psnr}")
    typer.echo(f"make a model of it: crispen export {checkpoint}")


def _quoted(path: Path) -> str:
    # A TOML literal string: what --set understands, backslashes and all.
    return f"'{path}'"
