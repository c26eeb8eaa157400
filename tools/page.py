"""Builds the web page, checks it, and writes its types anew.

``python tools/page.py build | check | format | types``
"""

from __future__ import annotations

import filecmp
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from hatch_build import WEB, PageError, build, install, npm  # noqa: E402

SCHEMA = WEB / "src/api/schema.ts"
DOCUMENT = WEB / "openapi.json"


def write_types(target: Path) -> None:
    """The API's types as TypeScript, from its OpenAPI document."""
    install(checks=True)
    npm("exec", "--", "openapi-typescript", str(DOCUMENT), "--output", str(target), quiet=True)


def check() -> None:
    """Format, lint, types and tests of the page, and whether its API types are fresh.

    Raises:
        PageError: Something does not hold.
    """
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / SCHEMA.name
        write_types(made)
        if not filecmp.cmp(made, SCHEMA, shallow=False):
            raise PageError(f"{SCHEMA.relative_to(ROOT)} is stale; type 'make page-types'")
    npm("run", "--silent", "check")


def format() -> None:
    """Puts the page's sources into their format."""
    install(checks=True)
    npm("run", "--silent", "format")


def main() -> None:
    """Does what the argument says."""
    actions = {
        "build": build,
        "check": check,
        "format": format,
        "types": lambda: write_types(SCHEMA),
    }
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit(f"usage: python tools/page.py {' | '.join(actions)}")
    try:
        actions[sys.argv[1]]()
    except PageError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
