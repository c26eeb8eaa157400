"""What the project asks for, and which distribution brings which module."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


# They come with what names them.
BROUGHT_BY = {
    "anyio": "fastapi",
    "h11": "uvicorn",
    "pydantic_core": "pydantic",
    "sqlalchemy": "sqlmodel",
    "starlette": "fastapi",
}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {plain(re.split(r"[\[<>=~!;]", text)[0]) for text in requirements}


EXTRAS = {extra: names(lines) for extra, lines in PROJECT["optional-dependencies"].items()}


DISTRIBUTIONS = importlib.metadata.packages_distributions()
