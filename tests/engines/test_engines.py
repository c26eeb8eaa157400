"""Every shipped network through every engine; small hand-made networks for the other kinds."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from crispen.engines.base import Engine, color_near
from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.engines.opening import open_engine
from crispen.engines.openvino import KEPT_SHAPES, OpenVinoEngine
from crispen.engines.torch import TorchEngine
from crispen.errors import Cancelled, ModelError, UsageError
from crispen.evaluate.metrics import luma255, psnr, round8
from crispen.media.resample import resize
from crispen.models.card import ModelCard
from crispen.models.dials import Dials, set_dials
from crispen.models.store import find, shipped_names

# An engine takes these as they are; other kinds need the windows of tests/enhance/test_kinds.py.
SHIPPED = [n for n in shipped_names() if (c := find(n)[1]).base == "bicubic" and c.scale > 1]


def smooth(height: int, width: int, channels: int, dtype: str, seed: int = 0):
    """A picture with edges and slopes; noise alone would be unlike any photo."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 6 + 2, width // 6 + 2, channels))
    fine = resize(coarse, height, width, method="bilinear")
    fine[height // 3 :, : width // 2] *= 0.6
    return np.round(fine * np.iinfo(dtype).max).astype(dtype)


def grown(x, scale: int):
    return resize(x, x.shape[0] * scale, x.shape[1] * scale)


# Of each number format: the largest and the mean difference in grey levels, and what it may cost
# in decibels on the sharpest pictures of Set5. bf16 has 8 bits: a residual of 100 levels at a hard
# edge is rounded to half a level in every layer; int8 rounds all values of a layer by the same
# step, which a network for x4 makes the most of. Such pixels are few.
BOUNDS = {"int8": (24, 1.0, 0.05), "bf16": (4, 0.25, 0.02), "fp32": (1, 0.05, 0.002)}
# In dB, as measured: trained in 8 bits for minutes only.
KNOWN_COST = {("real-x2", "int8"): 0.061}


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(
    ("height", "width", "channels", "dtype"),
    [
        (1, 1, 3, "uint8"),
        (1, 40, 1, "uint8"),
        (37, 53, 1, "uint8"),
        (37, 53, 3, "uint8"),
        (37, 53, 3, "uint16"),
        (40, 1, 1, "uint16"),
    ],
)
def test_openvino_equals_onnxruntime(name, height, width, channels, dtype):
    path, card = find(name)
    x = smooth(height, width, channels, dtype)
    expected = OnnxRuntimeEngine(path, card, threads=1).run(x).astype(int)
    exact = OpenVinoEngine(path, card, threads=1, precision="fp32").run(x).astype(int)
    assert exact.shape == (height * card.scale, width * card.scale, channels)
    # In 16 bits, sums in another order differ by a few of 65535 levels.
    assert np.abs(exact - expected).max() <= (1 if dtype == "uint8" else 8)
    engine = OpenVinoEngine(path, card, threads=1)
    fast = engine.run(x)
    assert fast.dtype == x.dtype
    step = 1 if dtype == "uint8" else 257
    assert np.abs(fast.astype(int) - expected).max() <= BOUNDS[engine.precision][0] * step


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


@pytest.mark.parametrize("name", SHIPPED)
def test_precision_costs_no_quality(name, shared_data):
    """Low precision loses next to nothing, and the engines agree, on real pictures."""
    from PIL import Image

    path, card = find(name)
    # These pictures are clean, and a network that can be told so is.
    content = set_dials(path.read_bytes(), Dials(0, 0, 0)) if card.dials else None
    exact = OnnxRuntimeEngine(path, card, content=content, threads=1)
    engines: list[Engine] = [
        TorchEngine(path, card, content=content),
        OpenVinoEngine(path, card, content=content, threads=1, precision="fp32"),
        OpenVinoEngine(path, card, content=content, threads=1),
    ]
    scores: list[list[float]] = [[] for _ in range(4)]
    for file in ("img_002.png", "img_003.png", "img_005.png"):
        lr = np.asarray(Image.open(shared_data / f"valid/Set5/LR_x{card.scale}" / file))
        hr = np.asarray(Image.open(shared_data / "valid/Set5/HR" / file))
        answers = [engine.run(lr) for engine in (exact, *engines)]
        hr = hr[: answers[0].shape[0], : answers[0].shape[1]]
        for values, answer in zip(scores, answers, strict=True):
            values.append(psnr(round8(luma255(answer)), luma255(hr), border=card.scale))
        for engine, answer in zip(engines, answers[1:], strict=True):
            difference = np.abs(answer.astype(int) - answers[0])
            most, mean, _ = BOUNDS[engine.precision]
            assert difference.max() <= most, (engine.name, engine.precision)
            assert difference.mean() < mean, (engine.name, engine.precision)
    for engine, values in zip(engines, scores[1:], strict=True):
        cost = np.mean(scores[0]) - np.mean(values)
        bound = KNOWN_COST.get((name, engine.precision), BOUNDS[engine.precision][2])
        assert cost <= bound, (engine.name, engine.precision)


def test_ten_bit_video_plane_has_its_own_peak():
    path, card = find("espcn-x2")
    eight = smooth(20, 24, 1, "uint8")
    ten = np.rint(eight / 255 * 1023).astype(np.uint16)
    engine = OpenVinoEngine(path, card, threads=1)
    for studio in (False, True):
        answer = engine.run(ten, peak=1023, studio=studio)
        assert answer.max() <= 1023
        expected = engine.run(eight, studio=studio)
        assert np.abs(answer / 1023 - expected / 255).max() < 1.5 / 255


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


@pytest.mark.parametrize("kind", [OpenVinoEngine, OnnxRuntimeEngine, TorchEngine])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("name", ["photo-fast-x2", "denoise-photo", "srcnn-x3", "relight"])
def test_grey_equals_grey_rgb(name, dtype, kind):
    path, card = find(name)
    side = 48 // card.multiple * card.multiple
    grey = smooth(side, side, 1, dtype, seed=4)
    grey[8:20, 10:30] = np.iinfo(dtype).max  # a hard edge, where low precision errs most
    engine = kind(path, card)
    answer = engine.run(grey).astype(int)
    in_color = engine.run(np.repeat(grey, 3, axis=2)).astype(int)
    assert np.ptp(in_color, axis=2).max() == 0
    assert np.abs(answer - in_color).max() <= (1 if dtype == "uint8" else 257)


def test_a_luma_network_leaves_color_differences_bicubic():
    path, card = find("photo-x2")
    x = smooth(24, 24, 3, "uint8") // 2 + 64  # far from the ends, so that nothing is clipped
    answer = OpenVinoEngine(path, card, threads=1).run(x).astype(float)
    bicubic = grown(x.astype(float), 2)
    for pair in ((0, 1), (1, 2)):
        difference = np.subtract(*(answer[..., c] for c in pair))
        expected = np.subtract(*(bicubic[..., c] for c in pair))
        assert np.abs(difference - expected).max() <= 1.01


def test_many_threads_share_one_engine():
    path, card = find("espcn-x2")
    engine = OpenVinoEngine(path, card, threads=2, streams=2)
    inputs = [smooth(30 + i % 3, 40, 1 + i % 2 * 2, "uint8", seed=i) for i in range(24)]
    expected = [engine.run(x) for x in inputs]
    with ThreadPoolExecutor(6) as pool:
        for answer, want in zip(pool.map(engine.run, inputs), expected, strict=True):
            assert np.array_equal(answer, want)


def test_shapes_are_forgotten_and_made_again():
    path, card = find("photo-fast-x2")
    engine = OpenVinoEngine(path, card, threads=1)
    first = engine.run(smooth(8, 8, 1, "uint8"))
    for width in range(9, 9 + KEPT_SHAPES):
        engine.run(smooth(8, width, 1, "uint8"))
    assert np.array_equal(engine.run(smooth(8, 8, 1, "uint8")), first)
    engine.close()
    assert np.array_equal(engine.run(smooth(8, 8, 1, "uint8")), first)


def test_strided_and_read_only_pixels_are_taken():
    path, card = find("espcn-x2")
    engine = OpenVinoEngine(path, card, threads=1)
    x = smooth(20, 24, 3, "uint8")
    part = x[2:14:2, ::-1]
    part.flags.writeable = False
    assert np.array_equal(engine.run(part), engine.run(part.copy()))


# ---- networks that ship nowhere yet: RGB, and those without a base ---------------------------


def onnx_file(path: Path, nodes, channels: int, weights) -> Path:
    io = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", channels, "h", "w"])
        for n in ("input", "output")
    ]
    graph = helper.make_graph(
        nodes, "g", io[:1], io[1:], [numpy_helper.from_array(v, k) for k, v in weights.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.fixture
def swap(tmp_path):
    """An RGB network of scale 1 without a base: red and blue change places."""
    kernel = np.eye(3, dtype=np.float32)[[2, 1, 0]].reshape(3, 3, 1, 1)
    path = onnx_file(
        tmp_path / "swap.onnx",
        [helper.make_node("Conv", ["input", "k"], ["output"])],
        3,
        {"k": kernel},
    )
    return path, ModelCard(name="swap", task="restore", color="rgb", halo=0)


ENGINES = [OpenVinoEngine, OnnxRuntimeEngine, TorchEngine]


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


@pytest.mark.parametrize("halo", [0, 3, 8, 30, None])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 40), (30, 25)])
def test_the_colour_near_a_pixel(height, width, halo):
    x = np.random.default_rng(0).integers(0, 65535, (height, width, 3), np.uint16)
    r = 8 if halo is None else min(halo, 8)
    spread = np.ptp(x, axis=2)
    near = color_near(x, ModelCard(name="any", color="rgb", halo=halo))
    for i in range(height):
        for j in range(width):
            around = spread[max(0, i - r) : i + r + 1, max(0, j - r) : j + r + 1]
            assert near[i, j] == around.max()


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


# ---- what goes wrong --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("content", [b"", b"not a model", b"\x3a\x05abc"])
def test_broken_files_are_told_in_one_line(kind, content, tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken") as caught:
        kind(path, ModelCard(name="broken"), threads=1).run(np.zeros((4, 4, 1), np.uint8))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("wrong", [{"base": "bicubic"}, {"scale": 3}, {"color": "luma"}])
def test_a_card_that_lies_is_told(kind, wrong, swap):
    path, card = swap
    with pytest.raises(ModelError, match=r"swap"):
        kind(path, card.model_copy(update=wrong), threads=1).run(np.zeros((6, 6, 3), np.uint8))


def test_only_windows_are_taken():
    path, card = find("photo-fast-x2")
    engine = OpenVinoEngine(path, card, threads=1)
    for bad in (
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 1), np.uint8),
        np.zeros((4, 4, 1), np.float32),
    ):
        with pytest.raises(UsageError, match="an engine takes"):
            engine.run(bad)
    with pytest.raises(UsageError, match="peak"):
        engine.run(np.zeros((4, 4, 1), np.uint8), peak=1023)


def test_unknown_precision_is_refused():
    path, card = find("photo-fast-x2")
    with pytest.raises(UsageError, match="fp64"):
        OpenVinoEngine(path, card, precision="fp64")


def test_torch_names_the_operations_it_does_not_know(tmp_path):
    path = onnx_file(
        tmp_path / "x.onnx", [helper.make_node("Softplus", ["input"], ["output"])], 1, {}
    )
    with pytest.raises(ModelError, match="Softplus"):
        TorchEngine(path, ModelCard(name="x"))


def test_open_engine_takes_the_cpu_and_checks_threads():
    path, card = find("photo-fast-x2")
    engine = open_engine(path, card, device="auto", threads=1)
    assert isinstance(engine, Engine)
    assert (engine.name, engine.device) == ("openvino", "cpu")
    with pytest.raises(UsageError, match="threads"):
        open_engine(path, card, threads=0)


def test_openvino_stops_a_run_of_one_thread_alone():
    engine = OpenVinoEngine(*find("photo-x2"), threads=1)
    x = smooth(200, 200, 3, "uint8")
    expected = engine.run(x)
    ended = {}
    enough = threading.Event()

    def work(name):
        try:
            while not enough.is_set():
                np.testing.assert_array_equal(engine.run(x), expected)
        except Cancelled:
            ended[name] = "cancelled"

    stopped = threading.Thread(target=work, args=["stopped"])
    other = threading.Thread(target=work, args=["other"])
    stopped.start()
    other.start()
    until = time.monotonic() + 30
    while stopped.is_alive() and time.monotonic() < until:
        engine.interrupt(stopped.ident)
    enough.set()
    other.join()
    stopped.join()
    assert ended == {"stopped": "cancelled"}
    np.testing.assert_array_equal(engine.run(x), expected)
