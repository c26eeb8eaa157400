"""Prints the API's OpenAPI document: ``python -m crispen.server.http.openapi [FILE]``."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from crispen.server.http.app import create_app
from crispen.server.settings import Settings


def document() -> dict[str, Any]:
    """The document, the same for every server."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(folder=Path(folder)))
        try:
            return app.openapi()
        finally:
            app.state.services.store.close()


def main() -> None:
    """Prints or writes it."""
    text = json.dumps(document(), indent=1, sort_keys=True) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
