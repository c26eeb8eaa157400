"""Finding, picking and adding models; URLs are served from this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.engines.adding import add
from crispen.errors import ModelError, UnknownModel
from crispen.models import store
from crispen.models.store import find, list_cards, shipped_names

from ..models_of_others import GOOD, foreign, own_folder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The user's folder of this test."""
    return own_folder(tmp_path, monkeypatch)


def test_names_and_paths_are_found(tmp_path):
    path, card = find("photo-fast-x2")
    assert (path.stem, card.name, card.scale) == ("photo-fast-x2", "photo-fast-x2", 2)
    copy = tmp_path / "copy.bin"
    copy.write_bytes(GOOD)
    assert find(copy) == (copy, card)
    assert find(str(copy)) == (copy, card)


def test_unknown_names_offer_the_nearest(tmp_path):
    with pytest.raises(UnknownModel, match="did you mean photo-x2"):
        find("foto-x2")
    with pytest.raises(UnknownModel, match="no such model file"):
        find(tmp_path / "none.onnx")
    with pytest.raises(UnknownModel, match="is a folder"):
        find(tmp_path)


def test_a_family_is_told_with_its_members():
    with pytest.raises(UnknownModel, match=r"'photo' is a family.*: photo-x2, photo-x3, photo-x4$"):
        find("photo")


def test_cards_are_listed_and_broken_ones_left_out(folder):
    add(foreign(folder.parent.parent / "odd.onnx"), name="mine")
    (folder / "broken.onnx").write_bytes(b"nothing")
    assert [card.name for _, card in list_cards()] == [*shipped_names(), "mine"]
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        find("broken")


def test_without_the_variable_the_platform_says_where(monkeypatch):
    import platformdirs

    monkeypatch.delenv("CRISPEN_MODELS")
    expected = Path(platformdirs.user_data_dir("crispen", appauthor=False)) / "models"
    assert store.user_folder() == expected
