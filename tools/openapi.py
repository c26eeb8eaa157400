"""Writes the page's data from the program: the OpenAPI document and video suffixes.

The page's TypeScript types are generated from the document.

python tools/openapi.py            write web/openapi.json and web/src/api/formats.ts
python tools/openapi.py --check    fail if one is stale
"""

from __future__ import annotations

import json

from _pages import ROOT, write_or_check
from crispen.media.video_formats import VIDEO_SUFFIXES
from crispen.server.http.openapi import document

FILE = ROOT / "web" / "openapi.json"
FORMATS = ROOT / "web" / "src" / "api" / "formats.ts"
NOTE = "// Written by tools/openapi.py from crispen.media.formats: make page-types\n"


def text() -> str:
    """The document as stored in the repository."""
    about = document()
    # A new version of the program alone does not change the API.
    about["info"]["version"] = "1"
    return json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def formats() -> str:
    """The suffixes of videos as TypeScript."""
    lines = [f'  "{suffix}",' for suffix in sorted(VIDEO_SUFFIXES)]
    return "\n".join([NOTE, "export const VIDEO_SUFFIXES = [", *lines, "];", ""])


def main() -> None:
    """Writes or checks."""
    write_or_check({FILE: text(), FORMATS: formats()}, mend="make page-types")


if __name__ == "__main__":
    main()
