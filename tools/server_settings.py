"""Writes the table of settings in docs/server.md.

python tools/server_settings.py            write it
python tools/server_settings.py --check    fail if it is stale
"""

from __future__ import annotations

import re

from pydantic_core import PydanticUndefined

from _pages import DOCS, write_or_check
from crispen.server.settings import Settings

PAGE = DOCS / "server.md"
_MARKS = re.compile(r"(<!-- settings:.*? -->\n).*?(<!-- /settings -->)", re.DOTALL)
_NOT_SAID = {"page_folder": "in the package"}


def table() -> str:
    """All settings: name, meaning, default."""
    lines = ["| setting | what | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.default
        if default is PydanticUndefined:
            shown = "the user's data folder"
        elif default is None or default == ():
            shown = "–"
        else:
            shown = _NOT_SAID.get(name) or f"`{_number(default)}`"
        lines.append(f"| `{name}` | {field.description} | {shown} |")
    return "\n".join(lines) + "\n"


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return f"{value:g}" if isinstance(value, float) and value < 1e6 else f"{value:.0f}"


def main() -> None:
    """Writes or checks."""
    before = PAGE.read_text(encoding="utf-8")
    write_or_check({PAGE: _MARKS.sub(lambda m: m[1] + "\n" + table() + "\n" + m[2], before)})


if __name__ == "__main__":
    main()
