"""Writes ``docs/networks.md`` and ``docs/losses.md`` from the code of networks and losses.

python tools/lab_pages.py            write the pages
python tools/lab_pages.py --check    fail if a page is stale
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from pydantic_core import PydanticUndefined

from _pages import DOCS, write_or_check
from crispen.errors import UsageError
from crispen.lab.losses import LOSSES, adversarial
from crispen.lab.networks import (
    NETWORKS,
    Network,
    build_network,
    discriminator,
    parameter_count,
    spandrel,
)
from crispen.lab.networks.base import Architecture
from crispen.lab.recipe import load_recipe, recipe_names
from crispen.lab.table import Table

WRITTEN = "<!-- Written by tools/lab_pages.py; change the program, then run it again. -->\n"

NETWORKS_HEAD = """\
# Networks

What a recipe's `[network]` table can name. Each is one file in `crispen.lab.networks`, whose own
words stand here; `crispen train --list` shows the recipes made of them.

```toml
[network]
kind = "plain"
width = 32
depth = 12
```

Halo: how many input pixels around a pixel its output depends on; tiles cut with it equal the whole
picture. Multiple: what the input's sides are padded to. Parameters are those of the exported file.

| kind | parameters | halo | multiple |
| --- | --- | --- | --- |
"""

LOSSES_HEAD = """\
# Losses

What a recipe's `[[loss]]` tables can name. They are added up, each times its `weight` (1 unless
given); the log has each of them before weighting. The residual study's "MSE + 100·L1" is:

```toml
[[loss]]
kind = "mse"

[[loss]]
kind = "l1"
weight = 100
```
"""


def markdown(docstring: str) -> str:
    """A module's docstring with Markdown headings and blocks."""
    title, _, rest = docstring.strip().partition("\n\n")
    text = re.sub(r"``([^`]+)``", r"`\1`", rest)
    text = re.sub(r"\[(\d+)\]_", r"[\1]", text)
    text = re.sub(r"^\.\. \[(\d+)\] ((?:.|\n   )+)", _reference, text, flags=re.MULTILINE)
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        if not inside and lines and line.startswith("    ") and not lines[-1]:
            lines.append("```")
            inside = True
        elif inside and line and not line.startswith("    "):
            while not lines[-1]:
                lines.pop()
            lines += ["```", ""]
            inside = False
        lines.append(line.removeprefix("    ") if inside else line)
    if inside:
        lines.append("```")
    text = re.sub(r"^::\n", "", "\n".join(lines), flags=re.MULTILINE).replace("::\n", ":\n")
    return f"{' '.join(title.split())}\n\n{text.strip()}\n"


def _reference(found: re.Match[str]) -> str:
    return f"- [{found[1]}] {' '.join(found[2].split())}"


def arguments(table: type[Table], *left_out: str) -> str:
    """One row per key of a table."""
    rows = []
    for name, field in table.model_fields.items():
        if name == "kind" or name in left_out:
            continue
        known = field.default not in (PydanticUndefined, {}, ())
        usual = f"`{field.default}`".replace("True", "true").replace("False", "false")
        rows.append(f"| `{name}` | {field.description} | {usual if known else ''} |")
    return "\n".join(["| | | usually |", "| --- | --- | --- |", *rows, ""]) if rows else ""


def usual(table: type[Architecture]) -> tuple[Network, str]:
    """A network as in recipes: on luma if one of them is, enlarging if it can."""
    kind = table.model_fields["kind"].default
    recipes = [load_recipe(name) for name in recipe_names()]
    channels = min((r.data.channels for r in recipes if r.network.kind == kind), default=3)
    for scale in (2, 1):
        try:
            network = build_network(table(), scale=scale, channels=channels)
        except UsageError:
            continue
        seen = "luma" if channels == 1 else "RGB"
        return network, f"{seen}, x{scale}" if scale > 1 else seen
    raise AssertionError(table)


def networks_page() -> str:
    """The page of networks."""
    rows, sections = [], []
    for table in NETWORKS:
        kind = table.model_fields["kind"].default
        network, seen = usual(table)
        halo = f"none: {network.window_px} px only" if network.halo is None else network.halo
        count = parameter_count(network.merged())
        rows.append(f"| [{kind}](#{kind}) | {count:,} ({seen}) | {halo} | {network.multiple} |")
        sections += [f"## {kind}\n", _words(table.__module__), arguments(table)]
    sections += [
        "## spandrel\n",
        _words(spandrel.__name__),
        arguments(spandrel.SpandrelTable),
        "## discriminator\n",
        _words(discriminator.__name__),
        arguments(discriminator.DiscriminatorTable),
    ]
    return WRITTEN + NETWORKS_HEAD + "\n".join([*rows, "", *filter(None, sections)])


def losses_page() -> str:
    """The page of losses."""
    return WRITTEN + LOSSES_HEAD + "\n" + "\n".join(filter(None, _loss_sections()))


def _loss_sections() -> Iterator[str]:
    modules: dict[str, list[type[Table]]] = {}
    for table in LOSSES:
        modules.setdefault(table.__module__, []).append(table)
    for module, tables in modules.items():
        kinds = {table: table.model_fields["kind"].default for table in tables}
        yield f"## {', '.join(kinds.values())}\n"
        yield _words(module)
        for table, kind in kinds.items():
            rows = arguments(table, "weight")
            yield f"`{kind}`:\n\n{rows}" if rows else ""
    yield "## adversarial\n"
    yield _words(adversarial.__name__)


def _words(module: str) -> str:
    return markdown(sys.modules[module].__doc__ or "")


PAGES = {"networks.md": networks_page, "losses.md": losses_page}


def main() -> None:
    """Writes or checks."""
    write_or_check({DOCS / name: page() for name, page in PAGES.items()})


if __name__ == "__main__":
    main()
