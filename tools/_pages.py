"""Files generated from the code: rewritten, or compared with what would be written."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def checking() -> bool:
    """Whether the tool should only check that its files are fresh."""
    return "--check" in sys.argv[1:]


def write_or_check(files: Mapping[Path, str], *, mend: str = "make docs") -> None:
    """Writes stale files; with ``--check`` lists them instead and fails.

    Args:
        files: The content of each file.
        mend: The command to type if something is stale.
    """
    stale = [path for path, text in files.items() if _content(path) != text]
    if checking() and stale:
        fail_stale(stale, mend=mend)
    for path in stale:
        path.write_text(files[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


def fail_stale(paths: list[Path], *, mend: str = "make docs") -> None:
    """Ends the tool with one line."""
    names = ", ".join(str(path.relative_to(ROOT)) for path in paths)
    sys.exit(f"stale: {names}; run '{mend}'")


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
