"""Fills the tables of ``docs/data.md`` from the code: keys of ``[data]``, and public sets.

python tools/data.py            write them
python tools/data.py --check    fail if the page is stale
"""

from __future__ import annotations

import re

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from _pages import DOCS, write_or_check
from crispen.lab.data.catalogue import SETS
from crispen.lab.data.tables import DATA as TABLES

PAGE = DOCS / "data.md"


def fill(text: str, name: str, content: str) -> str:
    """The text with `content` between ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return marks.sub(lambda m: f"{m[1]}{content}{m[2]}", text)


def table(*rows: tuple[str, ...]) -> str:
    """A Markdown table whose first row is the header."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows]
    return lines[0] + "| " + " | ".join("---" for _ in rows[0]) + " |\n" + "".join(lines[1:])


def default(field: FieldInfo) -> str:
    """A value as written in TOML."""
    if field.is_required():
        return "needed"
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def kind(cls: type[BaseModel]) -> str:
    """Its name in a recipe."""
    return str(cls.model_fields["kind"].default)


def keys() -> tuple[str, str]:
    """Keys common to all kinds, and the others with the kinds that have them."""
    shared = set.intersection(*(set(t.model_fields) for t in TABLES)) - {"kind"}
    # CIFAR-10 has its own defaults; a folder's are those of most kinds.
    folder = TABLES[0].model_fields
    common = [
        (f"`{name}`", field.description or "", default(field))
        for name, field in folder.items()
        if name in shared
    ]
    own = []
    for cls in TABLES:
        for name, field in cls.model_fields.items():
            differs = name in shared and field.default != folder[name].default
            if name != "kind" and (name not in shared or differs):
                own.append((kind(cls), f"`{name}`", field.description or "", default(field)))
    head = ("key", "what", "unless given")
    return table(head, *common), table(("kind", *head), *own)


def sets() -> str:
    """The public sets."""
    rows = [
        (
            f"`{name}`",
            s.title,
            f"{s.size_mb:,}" if s.size_mb else "–",
            f"{s.account} account" if s.account else "known" if s.sha256 else "noted at first",
            s.licence,
        )
        for name, s in SETS.items()
    ]
    return table(("name", "what", "MB", "SHA-256", "terms"), *rows)


def page() -> str:
    """The page as it should be."""
    common, own = keys()
    text = PAGE.read_text()
    for name, content in (("sets", sets()), ("keys", common), ("own keys", own)):
        text = fill(text, name, content)
    return text


def main() -> None:
    """Writes or checks it."""
    write_or_check({PAGE: page()})


if __name__ == "__main__":
    main()
