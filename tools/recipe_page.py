"""Writes ``docs/recipes.md`` from the recipe classes and the shipped recipes.

python tools/recipe_page.py            write the page
python tools/recipe_page.py --check    fail if it is stale
"""

from __future__ import annotations

from pydantic_core import PydanticUndefined

from _pages import DOCS, write_or_check
from crispen.lab.data.augmentation import Augment
from crispen.lab.data.tables import DATA, FolderTable
from crispen.lab.networks.discriminator import DiscriminatorTable
from crispen.lab.recipe import (
    Adversarial,
    Paper,
    Recipe,
    TrackerTable,
    Validation,
    load_recipe,
    recipe_names,
)
from crispen.lab.table import Table
from crispen.lab.teacher import TeacherTable
from crispen.lab.train_table import Train

PAGE = DOCS / "recipes.md"
WRITTEN = "<!-- Written by tools/recipe_page.py; change the program, then run it again. -->\n"
HEAD = """\
# Recipes

A recipe is a TOML file. This page lists all of its keys; other keys and invalid values are errors.
`crispen train NAME --set train.steps=500` changes a value, and
`--set degradation.0.sigma=[0,30]` one in a list. See also [training](training.md), and the pages on
the [networks](networks.md), [degradations](degradations.md) and [losses](losses.md) that
`[network]`, `[[degradation]]` and `[[loss]]` can name.
"""
SECTIONS: dict[str, type[Table]] = {
    "augment": Augment,
    "train": Train,
    "validation": Validation,
    "teacher": TeacherTable,
    "adversarial": Adversarial,
    "adversarial.discriminator": DiscriminatorTable,
    "tracker": TrackerTable,
    "paper": Paper,
}


def keys(table: type[Table], *left_out: str) -> list[str]:
    """A Markdown table of a class's fields."""
    lines = ["| key | default | |", "| --- | --- | --- |"]
    for name, field in table.model_fields.items():
        if name in left_out or not field.description:
            continue
        default = field.default
        if default is PydanticUndefined:
            shown = "required" if field.is_required() else ""
        elif isinstance(default, tuple):
            shown = f"`{list(default)}`"
        elif isinstance(default, bool):
            shown = f"`{str(default).lower()}`"
        else:
            shown = f'`"{default}"`' if isinstance(default, str) else f"`{default}`"
        lines.append(f"| `{name}` | {shown} | {field.description.replace('|', chr(92) + '|')} |")
    return [*lines, ""]


def page() -> str:
    """The whole page."""
    parts = [WRITTEN + HEAD, "## Recipes that come with Crispen", ""]
    parts += ["| name | task | network | data | |", "| --- | --- | --- | --- | --- |"]
    for name in recipe_names():
        r = load_recipe(name)
        scale = f" x{r.scale}" if r.scale > 1 else ""
        parts.append(
            f"| `{name}` | {r.task}{scale} | {r.network.kind} | {r.data.kind} | {r.summary} |"
        )
    parts += ["", "## The recipe itself", "", *keys(Recipe)]
    for name, table in SECTIONS.items():
        parts += [f"## [{name}]", "", (table.__doc__ or "").splitlines()[0], "", *keys(table)]
    parts += ["## [data]", "", "All kinds of data have these:", ""]
    shared = set.intersection(*({*table.model_fields} for table in DATA)) - {"kind"}
    rest = set(FolderTable.model_fields) - shared
    parts += keys(FolderTable, *rest)
    for table in DATA:
        kind = table.model_fields["kind"].default
        own = [n for n in table.model_fields if n not in shared and n != "kind"]
        parts += [f'### kind = "{kind}"', "", (table.__doc__ or "").splitlines()[0], ""]
        if own:
            parts += keys(table, "kind", *shared)
    return "\n".join(parts)


def main() -> None:
    """Writes or checks."""
    write_or_check({PAGE: page()})


if __name__ == "__main__":
    main()
