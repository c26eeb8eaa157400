"""The notebooks in ``docs/notebooks`` run from start to finish."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipykernel", reason="notebooks need ipykernel")
nbformat = pytest.importorskip("nbformat", reason="notebooks need nbformat")
nbclient = pytest.importorskip("nbclient", reason="notebooks need nbclient")

DOCS = Path(__file__).parents[1] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


def run(notebook: Path, folder: Path) -> Any:
    """The notebook with its outputs; run in a copy of its place."""
    place = folder / "notebooks"
    place.mkdir()
    shutil.copytree(DOCS / "demo", folder / "demo")
    book = nbformat.read(notebook, 4)
    client = nbclient.NotebookClient(
        book, timeout=600, resources={"metadata": {"path": str(place)}}
    )
    client.execute()
    assert list(place.iterdir()) == [], "left behind"
    return book


def shown(book: Any, kind: str) -> list[Any]:
    """Outputs of that media type."""
    outputs = [o for cell in book.cells if cell.cell_type == "code" for o in cell.outputs]
    return [o.data[kind] for o in outputs if "data" in o and kind in o.data]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_not_committed(notebook: Path) -> None:
    book = nbformat.read(notebook, 4)
    nbformat.validate(book)
    for cell in book.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_enhancing(tmp_path: Path) -> None:
    book = run(DOCS / "notebooks/enhance.ipynb", tmp_path)
    assert len(shown(book, "image/png")) == 1
    assert sum("<iframe" in text for text in shown(book, "text/html")) == 2
    assert "VideoReport" in shown(book, "text/plain")[-1]


def test_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRISPEN_MINUTES", "0.05")
    book = run(DOCS / "notebooks/train.ipynb", tmp_path)
    assert len(shown(book, "image/png")) == 1
    pages = [text for text in shown(book, "text/html") if "<iframe" in text]
    assert len(pages) == 2
    assert all("dB" in page for page in pages)
