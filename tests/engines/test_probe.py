"""What a network takes is found by running it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper

from crispen.engines.adding import add
from crispen.enhance.model import load

from ..models_of_others import own_folder
from .conftest import graph_file


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The user's folder of this test."""
    return own_folder(tmp_path, monkeypatch)


FREE = [["n", "c", "h", "w"]] * 2


def test_a_network_of_one_window_is_found_out(tmp_path):
    # Flattened and unflattened, as around a fully connected layer.
    sizes = [numpy_helper.from_array(np.array([1, 3, 24, 24]), "shape")]
    nodes = [
        helper.make_node("Flatten", ["in"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["out"]),
    ]
    card = add(graph_file(tmp_path / "dense.onnx", nodes, [[1, 3, 24, 24]] * 2, sizes))
    assert (card.window_px, card.multiple, card.scale) == (24, 1, 1)
    x = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    np.testing.assert_array_equal(load(card.name)(x).pixels, x)


def test_what_sides_must_be_multiples_of_is_found_out(tmp_path):
    # Two halvings and two doublings of each side: 4 · floor(n / 4).
    scales = [numpy_helper.from_array(np.array([1, 1, 4, 4], np.float32), "s")]
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("MaxPool", ["in"], ["a"], **pool),
        helper.make_node("MaxPool", ["a"], ["b"], **pool),
        helper.make_node("Resize", ["b", "", "s"], ["out"], mode="nearest"),
    ]
    source = graph_file(tmp_path / "pools.onnx", nodes, [["n", 3, "h", "w"]] * 2, scales)
    card = add(source, task="denoise")
    assert (card.task, card.scale, card.multiple, card.window_px) == ("denoise", 1, 4, None)
    x = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    cells = np.pad(x, ((0, 2), (0, 2), (0, 0)), "edge").reshape(8, 4, 13, 4, 3).max((1, 3))
    expected = cells.repeat(4, 0).repeat(4, 1)[:30, :50]
    np.testing.assert_array_equal(load(card.name)(x).pixels, expected)


@pytest.mark.parametrize(("color", "channels"), [(None, "rgb"), ("rgb", "rgb"), ("luma", "luma")])
def test_a_network_of_any_channels_sees_what_is_said(color, channels, tmp_path):
    nodes = [helper.make_node("Relu", ["in"], ["out"])]
    assert add(graph_file(tmp_path / "any.onnx", nodes, FREE), color=color).color == channels
