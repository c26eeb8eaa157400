"""The graphs that engines run: networks with their base, colours and ranges around them."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.engines.openvino import OpenVinoEngine
from crispen.engines.torch import TorchEngine
from crispen.evaluate.metrics import luma255
from crispen.models.card import ModelCard
from crispen.models.store import find

from .conftest import ENGINES, SHIPPED, grown, onnx_file, smooth


@pytest.mark.parametrize("name", [n for n in SHIPPED if find(n)[1].color == "luma"])
def test_a_plane_of_studio_luma_equals_the_graph_itself(name):
    path, card = find(name)
    x = smooth(29, 31, 1, "uint8")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    planes = (x[None, :, :, 0][None] / 255).astype(np.float32)
    expected = np.rint(session.run(["output"], {"input": planes})[0][0, 0] * 255)
    for engine in (
        OpenVinoEngine(path, card, threads=1, precision="fp32"),
        OnnxRuntimeEngine(path, card, threads=1),
        TorchEngine(path, card),
    ):
        assert np.abs(engine.run(x, studio=True)[..., 0] - expected).max() <= 1, engine.name


@pytest.mark.parametrize("name", ["photo-fast-x2", "espcn-x3", "sharpen-photo", "denoise-photo"])
def test_a_plane_means_the_same_in_either_range(name):
    path, card = find(name)
    full = smooth(36, 40, 1, "uint16", seed=3)
    # BT.601: Y' of studio range runs from 16 to 235, here with 257 levels each.
    black, white = 16 * 257, 235 * 257
    studio = np.rint(black + full * (219 / 255)).astype(np.uint16)
    for engine in (
        OpenVinoEngine(path, card, threads=1, precision="fp32"),
        OnnxRuntimeEngine(path, card, threads=1),
        TorchEngine(path, card, threads=1),
    ):
        expected = engine.run(full) * (219 / 255) + black
        # Whiter than white is kept in studio range, and has no place in full range.
        answer = np.clip(engine.run(studio, studio=True).astype(float), black, white)
        assert np.abs(answer - expected).max() <= 8, engine.name


@pytest.mark.parametrize("kind", ENGINES)
def test_a_network_without_base_answers_with_its_picture(kind, swap):
    path, card = swap
    x = smooth(9, 11, 3, "uint8")
    engine = kind(path, card, threads=1)
    assert np.array_equal(engine.run(x), x[..., ::-1])
    assert np.array_equal(engine.run(x[..., :1]), x[..., :1])


@pytest.mark.parametrize("kind", ENGINES)
def test_rgb_residual_over_bicubic(kind, tmp_path):
    """The residual is the input itself at every sub-pixel: bicubic + nearest, per channel."""
    kernel = np.kron(np.eye(3), np.ones((4, 1))).astype(np.float32).reshape(12, 3, 1, 1) * 0.25
    path = onnx_file(
        tmp_path / "rgb.onnx",
        [
            helper.make_node("Conv", ["input", "k"], ["residual"]),
            helper.make_node("DepthToSpace", ["residual"], ["output"], blocksize=2, mode="CRD"),
        ],
        3,
        {"k": kernel},
    )
    card = ModelCard(name="rgb", color="rgb", scale=2, base="bicubic", halo=2)
    x = smooth(9, 11, 3, "uint8")
    nearest = x.repeat(2, 0).repeat(2, 1)
    engine = kind(path, card, threads=1)
    for part in (slice(None), slice(1, 2)):
        expected = grown(x[..., part].astype(float), 2) + 0.25 * nearest[..., part]
        assert np.abs(engine.run(x[..., part]) - np.clip(expected, 0, 255)).max() <= 1


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_network_adds_no_colour_where_it_saw_none(kind, dtype, tmp_path):
    unit = 1 if dtype == "uint8" else 257
    path = onnx_file(
        tmp_path / "tint.onnx",
        [helper.make_node("Conv", ["input", "k", "b"], ["output"])],
        3,
        {
            "k": np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1),
            "b": np.array([40, 0, -40], np.float32) / 255,
        },
    )
    engine = kind(path, ModelCard(name="tint", task="restore", color="rgb", halo=30), threads=1)
    x = np.full((20, 60, 3), 100)
    x[:, 50:, 0] += 30
    x[:, :20] += np.arange(20)[:, None, None]
    x = (x * unit).astype(dtype)
    change = (engine.run(x).astype(float) - x) / unit
    # By BT.601 the tint's luma is 40 · (0.299 - 0.114) = 7.4.
    assert np.abs(change[:, :42] - 7.4).max() <= 0.51
    assert np.ptp(engine.run(x)[:, :42], axis=2).max() == 0
    assert np.abs(change[:, 42:] - [40, 0, -40]).max() <= 0.51
    # Where there is a little colour there may be a little more: 4 · 2 levels.
    x = np.full((20, 20, 3), 100)
    x[..., 1] += 2
    x = (x * unit).astype(dtype)
    change = (engine.run(x).astype(float) - x) / unit
    assert np.abs(change - [7.4 + 8, 0, 7.4 - 8]).max() <= 0.51


@pytest.mark.parametrize("kind", ENGINES)
def test_a_luma_denoiser_of_scale_one(kind, tmp_path):
    """Halving luma about black takes 0.5 · Y' from each of R', G', B', scaled to full range."""
    kernel = np.full((1, 1, 1, 1), 0.5, np.float32)
    path = onnx_file(
        tmp_path / "half.onnx",
        [helper.make_node("Conv", ["input", "k"], ["output"])],
        1,
        {"k": kernel},
    )
    card = ModelCard(name="half", task="denoise", halo=0)
    x = smooth(9, 11, 3, "uint8")
    expected = x + (0.5 - 1) * luma255(x)[..., None] * 255 / 219
    answer = kind(path, card, threads=1).run(x)
    assert np.abs(answer - np.clip(expected, 0, 255)).max() <= 1
