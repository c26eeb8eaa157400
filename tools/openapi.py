"""Writes the API's OpenAPI document, from which the page's TypeScript types are generated.

python tools/openapi.py            write web/openapi.json
python tools/openapi.py --check    say whether it is stale, and fail
"""

from __future__ import annotations

import json

from _pages import ROOT, write_or_check
from crispen.server.openapi import document

FILE = ROOT / "web" / "openapi.json"


def text() -> str:
    """The document as it is kept in the repository."""
    about = document()
    # A new version of the program alone is no change of the API.
    about["info"]["version"] = "1"
    return json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes or checks."""
    write_or_check({FILE: text()}, mend="make page-types")


if __name__ == "__main__":
    main()
