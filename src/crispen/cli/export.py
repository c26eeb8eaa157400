"""``crispen export``: turns a checkpoint into the model file that everything else reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crispen.cli.console import Json, Overwrite, print_json
from crispen.errors import MissingInput, OutputError, UsageError, needs_extra


def export(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            help="A run's checkpoint, as runs/NAME/best.ckpt, or its folder.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="NAME.onnx; named after the recipe, in the current folder, unless given.",
        ),
    ] = None,
    valid: Annotated[
        Path | None,
        typer.Option(
            "--valid", help="Folder of data sets (Set5 …); the results go into the model's card."
        ),
    ] = None,
    degrade: Annotated[
        list[str] | None,
        typer.Option(
            "--degrade",
            metavar="NAME=VALUE",
            help="How the pictures of --valid are degraded first, as in gaussian-noise=25. Can be "
            "repeated; each is measured separately. By default the recipe's own.",
        ),
    ] = None,
    licence: Annotated[
        str, typer.Option("--licence", help="Licence of the weights, for the card.")
    ] = "MIT",
    blend: Annotated[
        str | None,
        typer.Option(
            "--blend",
            metavar="MODEL=SHARE",
            help="Mix in the weights of a model or checkpoint of the same architecture, as in "
            "real-x2=0.4: what a network knew before it was trained further.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Make a model from a checkpoint: NAME.onnx, NAME.safetensors and its card NAME.md.

    Needs PyTorch, which the extra 'train' installs.
    """
    if output is not None and output.suffix != ".onnx":
        raise UsageError(f"-o {output}: a model file ends in .onnx; give a name such as my-x2.onnx")
    if valid is not None and not valid.is_dir():
        raise MissingInput(f"--valid {valid}: no such folder; give one with Set5 or the like in it")
    with needs_extra("exporting", "train"):
        from crispen.lab.blending import Blend
        from crispen.lab.checkpoint import checkpoint_in, load_checkpoint
        from crispen.lab.degradations.spec import parse_degradation
        from crispen.lab.export import export_checkpoint

    file = checkpoint_in(checkpoint)
    name = output.stem if output else load_checkpoint(file)["recipe"].name
    folder = output.parent if output else Path()
    if (folder / f"{name}.onnx").exists() and not overwrite:
        raise OutputError(
            f"{folder / name}.onnx already exists; give --overwrite or another name with -o"
        )
    path = export_checkpoint(
        file,
        folder,
        name=name,
        valid=valid,
        degradations={text: parse_degradation(text) for text in degrade or []},
        licence=licence,
        blend=None if blend is None else Blend.parse(blend).into,
    )
    if json:
        print_json({"model": str(path), "bytes": path.stat().st_size})
    else:
        typer.echo(f"{path} ({path.stat().st_size / 1000:,.0f} kB), with .safetensors and .md")
        typer.echo(f"use it: crispen enhance photo.jpg --model {path}")
