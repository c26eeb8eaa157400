"""``crispen enhance`` with tasks in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from crispen.media.image import read_image

DEMO = Path(__file__).parents[2] / "docs" / "demo"


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """An RGB network that halves."""
    io = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3, "h", "w"])
        for n in ("in", "out")
    ]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["in", "half"], ["out"])],
        "g",
        io[:1],
        io[1:],
        [numpy_helper.from_array(np.array(0.5, np.float32), "half")],
    )
    opset = helper.make_opsetid("", 17)
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def test_a_network_of_another_maker_is_added_and_does_its_task(
    crispen: Any, photo: Path, net: Path, tmp_path: Path
) -> None:
    said = crispen("models", "add", net, "--name", "halve", "--task", "sharpen", "--color", "rgb")
    assert said.code == 0, said.err
    assert "added halve (sharpen at the same size, rgb)" in said.out
    before = read_image(photo).pixels
    said = crispen("enhance", photo, "--model", "halve", "--task", "sharpen")
    assert said.code == 0, said.err
    np.testing.assert_allclose(
        read_image(tmp_path / "photo.sharpen.png").pixels, before / 2, atol=0.51
    )
    said = crispen("enhance", photo, "--model", "halve", "--strength", "0.5", "--scale", "2")
    assert said.code == 0, said.err
    assert read_image(tmp_path / "photo.sharpen-0.5-x2.png").width == 96
    # Results beside their sources are not enhanced again with a folder, and none is skipped.
    said = crispen("enhance", tmp_path, "--model", "halve", "--json")
    outcome, other = (json.loads(line) for line in said.out.splitlines())
    assert (outcome["source"], outcome["status"]) == (str(photo), "skipped")
    assert (other["source"], other["status"], other["kind"]) == (str(net), "unread", "ONNX")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("enhance", "photo.png", "--task", "denoize"), "did you mean denoise"),
        (("enhance", "photo.png", "--strength", "0.5"), "only enlarges"),
        (("enhance", "photo.png", "--strength", "2"), "less than or equal to 1"),
        (("enhance", "photo.png", "--task", "denoise", "--model", "photo-x2"), "--task upscale"),
        (("models", "add", "net.onnx", "--task", "clean"), "choose one of denoise, relight"),
        (("models", "add", "net.onnx", "--color", "rbg"), "did you mean rgb"),
        (("models", "add", "net.onnx", "--scale", "2"), "keeps the size, which is not --scale 2"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    crispen: Any, photo: Path, net: Path, arguments: tuple[str, ...], told: str
) -> None:
    said = crispen(*arguments)
    assert said.code == 2
    assert told in said.err
    assert sorted(p.name for p in photo.parent.iterdir() if p.is_file()) == [net.name, photo.name]


def test_a_part_of_a_clip(crispen: Any, tmp_path: Path) -> None:
    shutil.copy(DEMO / "clip.mp4", tmp_path)
    part = ("--start", "0:01", "--duration", "0.5", "--fps", "30000/1001", "--crop", "60x40+20+14")
    said = crispen("enhance", "clip.mp4", "--scale", "1", *part)
    assert said.code == 0, said.err
    assert "60x40  15 frames" in said.out
    said = crispen("enhance", "clip.mp4", "--scale", "1", *part)
    assert "skipped" in said.out
    said = crispen("enhance", "clip.mp4", "--scale", "1", "--start", "0:59", "-o", "b.mp4")
    assert (said.code, said.err) == (
        2,
        "failed: clip.mp4: no frame of it is shown from 59 s on; it ends at 2.480 s\n",
    )
