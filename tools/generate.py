"""Writes the generated pages of ``docs``: commands, models, the public API.

python tools/generate.py            write them
python tools/generate.py --check    list stale pages, and fail
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import crispen
from _pages import DOCS, write_or_check
from crispen.cli.main import COMMANDS, build
from crispen.models.card_page import card_page
from crispen.models.store import find, shipped_names

NOTE = "<!-- Written by tools/generate.py; change the program, then run `make docs`. -->\n"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, groups before their members."""
    root = build()
    yield "crispen", root
    for name in COMMANDS:
        command = root.get_command(None, name)
        yield f"crispen {name}", command
        for sub, inner in getattr(command, "commands", {}).items():
            yield f"crispen {name} {sub}", inner


def usage(words: str, command: Any) -> str:
    """The usage line."""
    arguments = []
    for p in command.params:
        if p.param_type_name == "argument":
            name = p.metavar or p.name.upper() + ("…" if p.nargs == -1 else "")
            arguments.append(name if p.required else f"[{name}]")
    group = ["COMMAND"] if words == "crispen" else []
    return " ".join([words, *group, *arguments, "[OPTIONS]"])


def cell(text: str) -> str:
    """Text for use in a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def row(parameter: Any) -> str:
    """One option or argument."""
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
    else:
        name = ", ".join([*parameter.opts, *parameter.secondary_opts])
    default = parameter.default
    shown = "" if default in (None, False, (), []) else f"`{default}`"
    if isinstance(parameter.show_default, str):
        shown = cell(parameter.show_default)
    if parameter.required:
        shown = "required"
    return f"| `{name}` | {cell(parameter.help or '')} | {shown} |"


def cli_page() -> str:
    """All commands and their options."""
    parts = [NOTE, "# Commands", ""]
    for words, command in commands():
        parts += [f"{'#' * (1 + len(words.split()))} {words}", ""]
        parts += ["```", usage(words, command), "```", ""]
        parts += [inspect.cleandoc(command.help or ""), ""]
        parameters = [p for p in command.params if not getattr(p, "hidden", False)]
        if parameters:
            parts += ["| | | default |", "| --- | --- | --- |"]
            parts += [row(p) for p in parameters]
            parts.append("")
    return "\n".join(parts)


def models_page() -> str:
    """The cards of all shipped models."""
    cards = [find(name)[1] for name in shipped_names()]
    parts = [NOTE, "# Models", "", "| name | parameters | halo | Set5 | Set14 |"]
    parts.append("| --- | --- | --- | --- | --- |")
    for card in cards:
        scores = [card.psnr(data) for data in ("Set5", "Set14")]
        shown = ["–" if s is None else f"{s:.2f} dB" for s in scores]
        halo = "–" if card.halo is None else card.halo
        parts.append(
            f"| [{card.name}](#{card.name}) | {card.parameters:,} | {halo} | {' | '.join(shown)} |"
        )
    parts.append("")
    parts += [card_page(card).replace("\n#", "\n##").replace("# ", "## ", 1) for card in cards]
    return "\n".join(parts)


def public_names() -> str:
    """A table of what can be imported from ``crispen``."""
    rows = ["| name | what it is |", "| --- | --- |"]
    for name in crispen.__all__:
        found = getattr(crispen, name)
        first = inspect.cleandoc(found.__doc__ or "").partition("\n\n")[0]
        text = re.sub(r"``([^`]*)``", r"`\1`", cell(first))
        shown = f"{name}()" if inspect.isfunction(found) else name
        rows.append(f"| `{shown}` | {text} |")
    return "\n".join(rows) + "\n"


def python_page() -> str:
    """The page of the Python API, with its table."""
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    marks = re.compile(r"(<!-- public -->\n).*?(<!-- /public -->)", re.DOTALL)
    return marks.sub(lambda found: f"{found[1]}{public_names()}{found[2]}", text)


def main() -> None:
    """Writes or checks."""
    pages = {"cli.md": cli_page(), "models.md": models_page(), "python.md": python_page()}
    write_or_check({DOCS / name: text for name, text in pages.items()})


if __name__ == "__main__":
    main()
