"""The pages of networks and losses are what their tool writes, and leave nothing out."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from crispen.lab.losses import LOSSES
from crispen.lab.networks import NETWORKS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lab_pages", ROOT / "tools" / "lab_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["networks.md", "losses.md"])
def test_pages_are_fresh(tool: ModuleType, name: str) -> None:
    stale = f"run 'python tools/lab_pages.py': docs/{name} is stale"
    assert (ROOT / "docs" / name).read_text() == tool.PAGES[name](), stale


@pytest.mark.parametrize(
    ("name", "tables"), [("networks.md", NETWORKS), ("losses.md", LOSSES)], ids=["net", "loss"]
)
def test_every_kind_and_key_is_there(name: str, tables: tuple[type, ...]) -> None:
    page = (ROOT / "docs" / name).read_text()
    for table in tables:
        kind = table.model_fields["kind"].default
        assert re.search(rf"^## (.*, )?{kind}(,|$)", page, re.MULTILINE), kind
        for key, field in table.model_fields.items():
            if key not in ("kind", "weight"):
                assert field.description, f"{kind}.{key} says nothing of itself"
                assert f"| `{key}` | {field.description} |" in page


def test_docstrings_become_markdown(tool: ModuleType) -> None:
    text = (
        "Title of\ntwo lines.\n\n::\n\n    x ─ y\n\n    z\n\nWith ``code`` [1]_::\n\n    a\n\n"
        '.. [1] A. B,\n   "C"\n'
    )
    assert tool.markdown(text) == (
        "Title of two lines.\n\n```\nx ─ y\n\nz\n```\n\nWith `code` [1]:\n\n```\na\n```\n\n"
        '- [1] A. B, "C"\n'
    )
