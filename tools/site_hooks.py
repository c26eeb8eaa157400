"""Hooks of the documentation site (mkdocs.yml): pages that come from files outside ``docs``.

README, CONTRIBUTING, SECURITY and CHANGELOG are read unchanged on GitHub and in a clone; on the
site they are pages with adapted links. Links to source files become plain text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changes.md",
}
# Search from a local folder needs this script, which the theme would fetch from a server.
_SHIM = "https://unpkg.com/iframe-worker/shim"
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages."""
    for source, target in PAGES.items():
        text = _LINK.sub(_from_root, (ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, target, content=text))
    return files


def _from_root(link: re.Match[str]) -> str:
    """A link from a file in the root, as seen from ``docs``."""
    mark, text, target = link.groups()
    path, _, anchor = target.partition("#")
    if "://" in target or not path:
        return link[0]
    if path in PAGES:
        path = PAGES[path]
    elif path.startswith("docs/demo/"):
        return text
    elif path.startswith("docs/"):
        path = path.removeprefix("docs/")
    else:
        return text
    return f"{mark}[{text}]({path}{'#' if anchor else ''}{anchor})"


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turns links out of ``docs`` into plain text, except those to the pages above."""

    def change(link: re.Match[str]) -> str:
        mark, text, target = link.groups()
        if "://" in target or target.startswith("#") or mark:
            return link[0]
        place = (ROOT / "docs" / page.file.src_uri).parent / target.partition("#")[0]
        inside = place.resolve().is_relative_to(ROOT / "docs")
        return link[0] if inside else text

    return _LINK.sub(change, markdown)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Loads the search script from the site itself."""
    up = "../" * page.file.src_uri.count("/")
    return output.replace(_SHIM, f"{up}assets/iframe-worker.js")


def on_post_template(output: str, template_name: str, config: Any) -> str:
    """The same for the 404 page."""
    return output.replace(_SHIM, "/assets/iframe-worker.js")
