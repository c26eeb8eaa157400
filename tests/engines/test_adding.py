"""Models of other makers get a card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from crispen.engines.adding import add
from crispen.engines.openvino import OpenVinoEngine
from crispen.enhance.api import enhance
from crispen.enhance.model import load
from crispen.errors import ModelError, OutputError, UsageError
from crispen.evaluate.metrics import luma255, psnr
from crispen.media.image import Image, read_image
from crispen.media.resample import resize
from crispen.models import store
from crispen.models.store import find

from .. import ncnn_models
from ..models_of_others import DIGEST, GOOD, foreign, own_folder, serving
from .conftest import graph_file


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The user's folder of this test."""
    return own_folder(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.mark.parametrize(("channels", "scale"), [(1, 1), (3, 2), (1, 4)])
def test_a_foreign_network_gets_a_card(channels, scale, tmp_path):
    source = foreign(tmp_path / "other net.onnx", channels, scale)
    before = source.read_bytes()
    card = add(source)
    assert source.read_bytes() == before
    assert (card.name, card.scale, card.halo) == ("other-net", scale, None)
    assert card.color == ("luma" if channels == 1 else "rgb")
    assert card.task == ("upscale" if scale > 1 else "restore")
    assert card.parameters == (channels * scale) ** 2 or scale == channels == 1
    path, found = find("other-net")
    assert found == card
    onnx.checker.check_model(onnx.load(path))
    x = np.arange(4 * 5, dtype=np.uint8).reshape(4, 5, 1) * 9
    expected = x.repeat(scale, 0).repeat(scale, 1)
    assert np.array_equal(OpenVinoEngine(path, card, threads=1).run(x), expected)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"channels": 2}, "2 channels"),
        ({"inputs": 2}, "2 inputs"),
        ({"sides": (64, 48)}, "height and width"),
    ],
)
def test_what_is_no_picture_network_is_refused(how, message, tmp_path, folder):
    source = foreign(tmp_path / "x.onnx", **how)
    with pytest.raises(ModelError, match=message):
        add(source)
    assert list(folder.iterdir()) == []


def test_half_precision_is_taken(tmp_path):
    half = [numpy_helper.from_array(np.array(0.5, np.float16), "half")]
    nodes = [helper.make_node("Mul", ["in", "half"], ["out"])]
    shape = [["n", 3, "h", "w"]] * 2
    add(graph_file(tmp_path / "half.onnx", nodes, shape, half, TensorProto.FLOAT16))
    x = np.arange(0, 240, 2, dtype=np.uint8).reshape(5, 8, 3)
    np.testing.assert_array_equal(load("half")(x).pixels, x // 2)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"scale": 3}, "enlarges 2 times, which is not --scale 3"),
        ({"color": "luma"}, "3 channels, which is not luma"),
        ({"task": "denoise"}, "enlarges 2 times, which is not 'denoise'"),
    ],
)
def test_what_is_said_of_a_foreign_network_is_checked(wishes, message, tmp_path, folder):
    with pytest.raises(UsageError, match=message):
        add(foreign(tmp_path / "x.onnx"), **wishes)
    assert list(folder.iterdir()) == []
    card = add(foreign(tmp_path / "x.onnx"), scale=2, color="rgb", task="restore")
    assert (card.scale, card.color, card.task) == (2, "rgb", "restore")


def test_what_is_said_against_a_card_is_refused(tmp_path):
    source = tmp_path / "p.onnx"
    source.write_bytes(GOOD)
    with pytest.raises(UsageError, match="its card says color luma, not rgb"):
        add(source, name="mine", color="rgb")


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        (["n", "h", "w", 3], TensorProto.FLOAT, "height and width"),
        ([1, 64, 64, 3], TensorProto.FLOAT, "channels first"),
        (["n", 3, "h", "w"], TensorProto.UINT8, "floats from 0 to 1"),
        ([4, 3, "h", "w"], TensorProto.FLOAT, "4 pictures at once"),
        (["n", 3], TensorProto.FLOAT, r"\(N, channels, height, width\)"),
    ],
)
def test_inputs_that_are_no_pictures(shape, kind, message, tmp_path, folder):
    nodes = [helper.make_node("Identity", ["in"], ["out"])]
    source = graph_file(tmp_path / "x.onnx", nodes, [shape] * 2, kind=kind)
    with pytest.raises(ModelError, match=message):
        add(source)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"text", GOOD[:-100], GOOD[: len(GOOD) // 2]])
def test_broken_files_are_refused_and_nothing_is_left(content, tmp_path, folder):
    source = tmp_path / "bad.onnx"
    source.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.onnx") as caught:
        add(source)
    assert "\n" not in str(caught.value)
    assert ".adding" not in str(caught.value)
    assert list(folder.iterdir()) == []


def test_a_file_that_makes_openvino_crash(tmp_path, folder):
    """Found by fuzzing; in this process it would end Python without a word."""
    source = tmp_path / "crashing.onnx"
    source.write_bytes((Path(__file__).parent / "segfault.onnx").read_bytes())
    with pytest.raises(ModelError, match=r"crashing\.onnx: could not be tried out \(.*SIGSEGV\)"):
        add(source)
    assert list(folder.iterdir()) == []


def test_names_are_not_taken_twice(tmp_path, folder):
    source = tmp_path / "p.onnx"
    source.write_bytes(GOOD)
    with pytest.raises(UsageError, match="shipped model"):
        add(source)
    assert add(source, name="mine").name == "mine"
    with pytest.raises(UsageError, match="already"):
        add(source, name="mine")
    add(source, name="mine", overwrite=True)
    assert [p.name for p in folder.iterdir()] == ["mine.onnx"]
    for bad in ("../up", "a b", ""):
        with pytest.raises(UsageError, match=rf"--name '{bad}' cannot be a model's name"):
            add(source, name=bad)
    source.write_bytes(b"the name comes first")
    with pytest.raises(UsageError, match="cannot be a model's name"):
        add(source, name="a/../b")
    assert [p.name for p in folder.iterdir()] == ["mine.onnx"]


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CRISPEN_MODELS", str(tmp_path / "file" / "models"))
    source = tmp_path / "p.onnx"
    source.write_bytes(GOOD)
    with pytest.raises(OutputError, match="cannot be written"):
        add(source, name="mine")


def test_too_large_a_file_is_refused(tmp_path, monkeypatch, server):
    monkeypatch.setattr(store, "MAX_MODEL_BYTES", 1000)
    source = tmp_path / "p.onnx"
    source.write_bytes(GOOD)
    for what in (source, f"{server}/good.onnx"):
        with pytest.raises(ModelError, match="larger than"):
            add(what, name="net", sha256=DIGEST)


@pytest.mark.parametrize("suffix", [".param", ".bin"])
def test_a_model_of_ncnn(suffix, tmp_path):
    source = ncnn_models.doubling(tmp_path)
    card = add(source.with_suffix(suffix))
    assert (card.name, card.scale, card.color, card.task) == ("twice", 2, "rgb", "upscale")
    assert card.architecture == "1 convolutions, from ncnn"
    assert card.halo == 2
    x = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    whole = load("twice")(Image(x)).pixels
    assert np.array_equal(whole, x.repeat(2, 0).repeat(2, 1))
    assert np.array_equal(enhance(Image(x), model="twice", tile_px=24).pixels, whole)


@pytest.mark.parametrize(
    ("name", "scale", "halo"),
    [
        ("waifu2x-photo-noise3-x2", 2, 8),
        ("realesr-animevideov3-x2", 2, 19),
        ("realesr-general-x4v3", 4, 34),
    ],
)
def test_models_that_people_use(shared_data, name, scale, halo):
    """They enlarge a photo, and by exact tiles as they do the whole."""
    card = add(shared_data / "teachers" / f"{name}.param")
    assert (card.name, card.scale, card.halo) == (name, scale, halo)
    truth = read_image(shared_data / "valid/Set5/HR/img_003.png").as_rgb8()[:192, :192]
    small = resize(truth, 192 // scale, 192 // scale)
    made = load(name)(Image(small))
    tile = 2 * halo + 16
    assert np.array_equal(enhance(Image(small), model=name, tile_px=tile).pixels, made.pixels)
    ours, bicubic = (
        psnr(luma255(picture), luma255(truth), border=scale)
        for picture in (made.as_rgb8(), resize(small, 192, 192))
    )
    # Two of them learned to please rather than to be right.
    assert ours > bicubic - 3
