"""``crispen models``: which models there are, what one is, and how to add one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crispen.cli.console import Json, print_json, print_table, progress

if TYPE_CHECKING:
    from crispen.models.card import ModelCard

app = typer.Typer(
    invoke_without_command=True, help="List the models, show one's card, or add one of your own."
)


@app.callback()
def models(context: typer.Context, json: Json = False) -> None:
    """List the models, show one's card, or add one of your own.

    Without a further word all models are listed: what each is for, how many times it enlarges, how
    many parameters it has, how many pixels around a pixel it looks at (halo), its PSNR on Set5, its
    speed.
    """
    if context.invoked_subcommand is not None:
        return
    from crispen.models.store import list_cards

    cards = [card for _, card in list_cards()]
    if json:
        print_json([_facts(card) for card in cards])
        return
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
    from crispen.models.page import card_page
    from crispen.models.store import find

    path, card = find(name)
    if json:
        print_json(_facts(card) | {"path": str(path)})
    else:
        typer.echo(card_page(card), nl=False)


@app.command()
def add(
    source: Annotated[
        str, typer.Argument(help="An ONNX file made by 'crispen export', or its URL.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Call it so; the card's name unless given.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="What the file must hash to; needed for a URL.")
    ] = None,
    json: Json = False,
) -> None:
    """Add a model to your own, so that --model knows it by name."""
    from crispen.models.store import add as add_model

    with progress(json) as work:
        card = add_model(source, name=name, sha256=sha256, progress=work)
    if json:
        print_json(_facts(card))
    else:
        typer.echo(f"added {card.name}; use it with --model {card.name}")


def _facts(card: ModelCard) -> dict[str, Any]:
    return card.model_dump(mode="json")
