"""Finding, picking and adding models; URLs are served from this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from crispen.engines.adding import add
from crispen.errors import ModelError, UnknownModel
from crispen.models import store
from crispen.models.store import find, list_cards, shipped_names

GOOD = (store.SHIPPED / "photo-fast-x2.onnx").read_bytes()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The user's folder of this test."""
    chosen = tmp_path / "mine" / "models"
    monkeypatch.setenv("CRISPEN_MODELS", str(chosen))
    return chosen


def foreign(path: Path, channels: int = 3, scale: int = 2, sides=("h", "w"), inputs: int = 1):
    """A network of another maker: nearest enlargement by `scale`, no card."""
    out = channels * scale * scale
    kernel = np.kron(np.eye(channels), np.ones((scale * scale, 1))).astype(np.float32)
    names = ["picture", *(f"more{i}" for i in range(1, inputs))]
    value_in = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, channels, *sides]) for n in names
    ]
    value_out = helper.make_tensor_value_info("big", TensorProto.FLOAT, [1, channels, "H", "W"])
    nodes = [
        helper.make_node("Sum", names, ["sum"]),
        helper.make_node("Conv", ["sum", "k"], ["c"]),
        helper.make_node("DepthToSpace", ["c"], ["big"], blocksize=scale, mode="CRD"),
    ]
    weights = [numpy_helper.from_array(kernel.reshape(out, channels, 1, 1), "k")]
    graph = helper.make_graph(nodes, "g", value_in, [value_out], weights)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


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
