"""Models by name, and how often their files are read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crispen.enhance.enhancer import Enhancer
from crispen.errors import UnknownModel
from crispen.models import card as cards
from crispen.models.athand import AtHand
from crispen.models.card import ModelCard, read_card
from crispen.models.store import SHIPPED, Known, shipped_names, with_card


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """Names of the model files that were read, with nothing known before."""
    names: list[str] = []
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        names.append(path.name)
        return real(path)

    monkeypatch.setenv("CRISPEN_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    cards._read_card.cache_clear()
    yield names
    cards._read_card.cache_clear()


def test_each_model_file_is_read_once(reads: list[str]) -> None:
    tasks = ["denoise", "relight", "sharpen", "upscale"]
    with Enhancer(tasks=tasks):
        assert sorted(reads) == sorted(f"{name}.onnx" for name in shipped_names())
    reads.clear()
    with Enhancer(tasks=tasks):
        assert reads == []


def test_a_file_that_changed_is_read_again(reads: list[str], tmp_path: Path) -> None:
    content = (SHIPPED / "espcn-x2.onnx").read_bytes()
    path = tmp_path / "mine.onnx"
    for version in ("1", "2"):
        path.write_bytes(with_card(content, ModelCard(name="mine", version=version)))
        assert read_card(path).version == version
    # Of the same size, but written later.
    path.write_bytes(with_card(content, ModelCard(name="mine", version="3")))
    os.utime(path, ns=(1, 1))
    reads.clear()
    assert [read_card(path).version for _ in range(3)] == ["3", "3", "3"]
    assert reads == ["mine.onnx"]


def test_names_that_ship_stay_theirs() -> None:
    shipped = Known(Path("a"), ModelCard(name="photo-x2", scale=2))
    other = Known(Path("b"), ModelCard(name="photo-x2", scale=2, version="mine"))
    at_hand = AtHand([shipped, other])
    assert at_hand["photo-x2"] is shipped
    name = at_hand.take(other)
    assert name != "photo-x2"
    assert at_hand[name] is other
    assert at_hand.name_of(other) == name
    assert at_hand.family("photo") == (shipped,)


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(UnknownModel, match="did you mean photo-x2"):
        AtHand().card("foto-x2")
