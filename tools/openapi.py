"""Writes the API's OpenAPI document, from which the page's TypeScript types are generated.

python tools/openapi.py            write web/openapi.json
python tools/openapi.py --check    say whether it is stale, and fail
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from crispen.server.openapi import document

FILE = Path(__file__).parents[1] / "web" / "openapi.json"


def text() -> str:
    """The document as it is kept in the repository."""
    about = document()
    # A new version of the program alone is no change of the API.
    about["info"]["version"] = "1"
    return json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes or checks."""
    fresh = text()
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == fresh:
        return
    if "--check" in sys.argv:
        sys.exit("stale: web/openapi.json; type 'make page-types'")
    FILE.write_text(fresh, encoding="utf-8")
    print("wrote web/openapi.json")


if __name__ == "__main__":
    main()
