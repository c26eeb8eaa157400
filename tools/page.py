"""Builds the web page, checks it, and regenerates its types.

``python tools/page.py build | check | format | types | site-app``
"""

from __future__ import annotations

import filecmp
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from hatch_build import WEB, PageError, build, install, npm  # noqa: E402

APP = ROOT / "build/site-app"
SCHEMA = WEB / "src/api/schema.ts"
DOCUMENT = WEB / "openapi.json"


def write_types(target: Path) -> None:
    """The API's types as TypeScript, from its OpenAPI document."""
    install(checks=True)
    npm("exec", "--", "openapi-typescript", str(DOCUMENT), "--output", str(target), quiet=True)


def check() -> None:
    """Format, lint, types and tests of the page, and whether its API types are fresh.

    Raises:
        PageError: A check fails.
    """
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / SCHEMA.name
        write_types(made)
        if not filecmp.cmp(made, SCHEMA, shallow=False):
            raise PageError(f"{SCHEMA.relative_to(ROOT)} is stale; type 'make page-types'")
    npm("run", "--silent", "check")


def format() -> None:
    """Formats the page's sources."""
    install(checks=True)
    npm("run", "--silent", "format")


def site_app() -> None:
    """Builds the page without a server into a folder that any static host can serve."""
    install(checks=True)
    npm("run", "build:kernel", quiet=True)
    npm("run", "build:alone", "--", "--logLevel", "warn", quiet=True, CRISPEN_APP=str(APP))
    size = sum(path.stat().st_size for path in APP.rglob("*") if path.is_file())
    print(f"{APP.relative_to(ROOT)}: {size / 1e6:.0f} MB, for any static host")


def main() -> None:
    """Runs the given command."""
    actions = {
        "build": build,
        "check": check,
        "format": format,
        "types": lambda: write_types(SCHEMA),
        "site-app": site_app,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit(f"usage: python tools/page.py {' | '.join(actions)}")
    try:
        actions[sys.argv[1]]()
    except PageError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
