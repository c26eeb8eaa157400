"""``crispen models``: lists models, shows one's card, and adds one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crispen.cli.console import Json, print_error, print_json, print_table, progress
from crispen.errors import CrispenError, MissingInput, UsageError, nearest_names
from crispen.models.tasks import TASKS

if TYPE_CHECKING:
    from crispen.models.card import ModelCard

app = typer.Typer(
    invoke_without_command=True, help="List the models, show one's card, or add one of your own."
)


@app.callback()
def models(
    context: typer.Context,
    all_models: Annotated[
        bool,
        typer.Option(
            "--all",
            help="List the laboratory's models too, with parameters, halo, PSNR on Set5 and speed.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List the models, show one's card, or add one of your own.

    Without a subcommand, it lists the models that you can choose from, and your own: what each
    is for, and seconds for a photo of 12 megapixels. Nothing needs to be chosen: crispen enhance
    looks at each picture and takes what suits it.
    """
    if context.invoked_subcommand is not None:
        return
    from crispen.models.store import SHIPPED, list_cards

    found = list_cards()
    if json:
        print_json([_facts(card) for _, card in found])
    elif all_models:
        _print_all([card for _, card in found])
    else:
        _print_guide([card for path, card in found if path.parent == SHIPPED])
        own = [card for path, card in found if path.parent != SHIPPED]
        if own:
            typer.echo("your own:")
            _print_all(own)
        typer.echo("crispen models --all lists the laboratory's too")


def _print_guide(cards: list[ModelCard]) -> None:
    from rich.table import Table

    from crispen.models.guide import GUIDES, photo_seconds, stem_of

    table = Table("name", "scales", "use this for", "12-megapixel photo")
    for stem, guide in GUIDES.items():
        family = [card for card in cards if stem_of(card.name) == stem]
        if not family:
            continue
        seconds = [s for s in map(photo_seconds, family) if s is not None]
        table.add_row(
            stem,
            " ".join(f"x{card.scale}" for card in family),
            guide.use,
            f"from {min(seconds):.0f} s" if seconds else "–",
        )
    print_table(table)


def _print_all(cards: list[ModelCard]) -> None:
    from rich.table import Table

    table = Table("name", "task", "scale", "parameters", "halo", "PSNR Set5", "speed")
    for card in cards:
        psnr = card.psnr("Set5")
        table.add_row(
            card.name,
            card.task,
            f"x{card.scale}",
            f"{card.parameters:,}",
            "–" if card.halo is None else str(card.halo),
            "–" if psnr is None else f"{psnr:.2f} dB",
            card.speed or "–",
        )
    print_table(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A model's name or file.", show_default=False)],
    json: Json = False,
) -> None:
    """Show a model's card: what it is, what it scored, where its weights come from."""
    from crispen.models.card_page import card_page
    from crispen.models.store import find

    path, card = find(name)
    if json:
        print_json(_facts(card) | {"path": str(path)})
    else:
        typer.echo(card_page(card), nl=False)


@app.command()
def add(
    source: Annotated[
        str,
        typer.Argument(
            help="An ONNX file made by 'crispen export' or by another program, or a PyTorch file "
            "(.pth, .pt, .safetensors), or its URL; a model of ncnn (NAME.param, beside it "
            "NAME.bin); or a folder of such files."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the model (default: the name in its card)."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            help=f"Task of a third-party network: {', '.join(TASKS)}.",
            show_default="upscale if it enlarges, else restore",
        ),
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option(
            "--scale",
            min=1,
            max=16,
            help="Its scale; checked against the result of a trial run.",
            show_default=False,
        ),
    ] = None,
    color: Annotated[
        str | None,
        typer.Option(
            "--color",
            help="What it operates on: luma or rgb. Needed only if it takes any number of "
            "channels.",
            show_default=False,
        ),
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="SHA-256 of the file; required for a URL.")
    ] = None,
    json: Json = False,
) -> None:
    """Add a model to your own, so that --model knows it by name.

    A third-party ONNX network is tried out: it must take one picture of 1 or 3 channels
    from 0 to 1, channels first, and give one back. Models of ncnn, as Upscayl and waifu2x use them,
    and PyTorch files of the architectures that spandrel knows are translated to ONNX first.
    """
    from typing import get_args

    from crispen.engines.adding import add as add_model
    from crispen.engines.adding import models_in
    from crispen.models.card import Color

    stated_task = _choice("task", task, tuple(TASKS))
    stated_color = _choice("color", color, get_args(Color))
    folder = Path(source).expanduser()
    sources: list[str] = [source]
    if many := folder.is_dir():
        sources = [str(path) for path in models_in(folder)]
        if name is not None or sha256 is not None:
            raise UsageError("--name and --sha256 are for one model; leave them out for a folder")
        if not sources:
            raise MissingInput(f"{source}: holds no .onnx, .param, .pth, .pt or .safetensors file")
    cards, failed = [], 0
    for one in sources:
        try:
            with progress(json) as work:
                card = add_model(
                    one,
                    name=name,
                    task=stated_task,
                    scale=scale,
                    color=stated_color,
                    sha256=sha256,
                    progress=work,
                )
        except CrispenError as error:
            if not many:
                raise
            failed += 1
            print_error(str(error), as_json=json)
            continue
        cards.append(card)
        if not json:
            does = f"enlarges x{card.scale}" if card.scale > 1 else f"{card.task} at the same size"
            typer.echo(f"added {card.name} ({does}, {card.color}); use it with --model {card.name}")
    if json:
        print_json([_facts(card) for card in cards] if many else _facts(cards[0]))
    if failed:
        raise typer.Exit(1)


def _choice(option: str, text: str | None, known: tuple[Any, ...]) -> Any:
    if text is not None and text not in known:
        raise UsageError(
            f"--{option} {text}: no such {option}{nearest_names(text, known)}; "
            f"choose one of {', '.join(known)}"
        )
    return text


def _facts(card: ModelCard) -> dict[str, Any]:
    return card.model_dump(mode="json")
