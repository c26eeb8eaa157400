"""Models of ncnn: what is translated computes what PyTorch computes from the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from crispen.errors import MissingInput, ModelError
from crispen.models import ncnn

from ..ncnn_models import Written, conv, picture


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("half", [False, True])
def test_a_compact_network(half: bool) -> None:
    """SRVGGNet, as realesr-general: convolutions, PReLU, pixel shuffle, the input enlarged."""
    first, last = conv(3, 7), conv(7, 12)
    slopes = torch.rand(7)
    if half:
        for layer in (first, last):
            layer.weight.data = layer.weight.data.half().float()
    made = Written(half=half)
    made.layer("Split", "x", "a b")
    made.convolution(first, "a", "c")
    made.layer("PReLU", "c", "d", "0=7")
    made.plain(slopes)
    made.convolution(last, "d", "e")
    made.layer("PixelShuffle", "e", "f", "0=2")
    made.layer("Interp", "b", "g", "0=1 1=2.0 2=2.0")
    made.layer("BinaryOp", "f g", "out", "0=0")
    x = picture()
    answer, converted = made.answer(x)
    t = torch.from_numpy(x)
    expected = F.pixel_shuffle(last(F.prelu(first(t), slopes)), 2) + F.interpolate(
        t, scale_factor=2
    )
    np.testing.assert_allclose(answer, expected.detach().numpy(), atol=1e-5)
    assert converted.architecture == "2 convolutions, from ncnn"
    # Two 3x3 convolutions; the pixel that is enlarged is one of those.
    assert converted.halo == 2


def test_a_dense_block() -> None:
    """RRDB: concatenated features, and sums with factors."""
    first, second = conv(3, 4), conv(7, 3)
    made = Written()
    made.layer("Split", "x", "a b c")
    made.convolution(first, "a", "d", "9=2 -23310=1,2.000000e-01")
    made.layer("Concat", "b d", "e", "0=0")
    made.convolution(second, "e", "f")
    made.layer("Eltwise", "f c", "out", "0=1 -23301=2,2.000000e-01,1.000000e+00")
    x = picture()
    t = torch.from_numpy(x)
    dense = torch.cat([t, F.leaky_relu(first(t), 0.2)], 1)
    np.testing.assert_allclose(made.answer(x)[0], (0.2 * second(dense) + t).detach(), atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_convolutions_without_padding(layers: int) -> None:
    """waifu2x: what they lose is added to the input as its edge, and cut where that is too much."""
    convolutions = [conv(3, 3, pad=0) for _ in range(layers)]
    up = nn.ConvTranspose2d(3, 3, 4, 2, padding=3)
    made = Written()
    name = "x"
    for number, layer in enumerate(convolutions):
        made.convolution(layer, name, f"v{number}")
        name = f"v{number}"
    made.layer("Deconvolution", name, "out", "0=3 1=4 3=2 4=3 5=1 6=144")
    made.kernel(up.weight.permute(1, 0, 2, 3))
    assert up.bias is not None
    made.plain(up.bias)
    x = picture()
    answer, _ = made.answer(x)
    assert answer.shape == (1, 3, 24, 18)
    y = F.pad(torch.from_numpy(x), [layers + 1] * 4, mode="replicate")
    for layer in convolutions:
        y = layer(y)
    np.testing.assert_allclose(answer, up(y).detach().numpy(), atol=1e-5)


def test_an_odd_loss_is_cut() -> None:
    """Two pixels lost at three times the size are a part of a pixel of the input."""
    layer = conv(3, 27, pad=1)
    last = conv(3, 3, pad=0)
    made = Written()
    made.convolution(layer, "x", "a")
    made.layer("PixelShuffle", "a", "b", "0=3")
    made.convolution(last, "b", "out")
    x = picture()
    answer, _ = made.answer(x)
    padded = F.pad(torch.from_numpy(x), [1] * 4, mode="replicate")
    whole = last(F.pixel_shuffle(layer(padded), 3))
    np.testing.assert_allclose(answer, whole[..., 2:-2, 2:-2].detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("0=1 1=2 2=2", lambda t: F.interpolate(t, scale_factor=2, mode="nearest")),
        ("0=2 1=2 2=2", lambda t: F.interpolate(t, scale_factor=2, mode="bilinear")),
        ("0=3 1=2 2=2", lambda t: F.interpolate(t, scale_factor=2, mode="bicubic")),
    ],
    ids=["nearest", "bilinear", "bicubic"],
)
def test_resizing(options: str, expected: object) -> None:
    assert callable(expected)
    made = Written()
    made.layer("Interp", "x", "out", options)
    x = picture()
    np.testing.assert_allclose(made.answer(x)[0], expected(torch.from_numpy(x)), atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("ReLU", "", torch.relu),
        ("ReLU", "0=0.1", lambda t: F.leaky_relu(t, 0.1)),
        ("Sigmoid", "", torch.sigmoid),
        ("BinaryOp", "0=2 1=1 2=3.0", lambda t: t * 3),
        ("BinaryOp", "0=1 1=1 2=0.5", lambda t: t - 0.5),
    ],
)
def test_what_happens_to_each_sample(kind: str, options: str, expected: object) -> None:
    assert callable(expected)
    layer = conv(3, 3)
    made = Written()
    made.convolution(layer, "x", "a")
    made.layer(kind, "a", "out", options)
    x = picture()
    found = made.answer(x)[0]
    np.testing.assert_allclose(found, expected(layer(torch.from_numpy(x))).detach(), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("9=1", torch.relu),
        ("9=3 -23310=2,0.1,0.4", lambda t: t.clamp(0.1, 0.4)),
        ("9=4", torch.sigmoid),
    ],
)
def test_activations_of_convolutions(options: str, expected: object) -> None:
    assert callable(expected)
    layer = conv(3, 3, groups=3, dilation=2, pad=2)
    made = Written()
    made.convolution(layer, "x", "out", options)
    x = picture()
    found, converted = made.answer(x)
    np.testing.assert_allclose(found, expected(layer(torch.from_numpy(x))).detach(), atol=1e-5)
    assert converted.halo == 2


def test_the_halo_is_how_far_a_pixel_is_seen() -> None:
    made = Written()
    name = "x"
    for number, side in enumerate((3, 5, 3)):
        layer = conv(3, 3, side, side // 2)
        layer.weight.data.abs_()
        made.convolution(layer, name, f"v{number}")
        name = f"v{number}"
    made.layer("Interp", name, "big", "0=2 1=2 2=2")
    x = picture(31, 31)
    other = x.copy()
    other[..., 15, 15] += 1
    found, converted = made.answer(x)
    seen = np.abs(made.answer(other)[0] - found)[0].max(0) > 1e-7
    rows = np.flatnonzero(seen.any(1)) // 2
    reach = int(max(15 - rows.min(), rows.max() - 15))
    assert converted.halo is not None
    assert reach <= converted.halo <= reach + 1


def test_far_reaching_networks_have_no_halo() -> None:
    made = Written()
    name = "x"
    for number in range(50):
        made.convolution(conv(3, 3), name, f"v{number}")
        name = f"v{number}"
    assert ncnn.convert(made.param, made.weights).halo is None


def broken(made: Written, old: str, new: str) -> str:
    assert old in made.param
    return made.param.replace(old, new)


def test_what_cannot_be_translated(tmp_path: Path) -> None:
    made = Written()
    made.convolution(conv(3, 3), "x", "out")
    for old, new, said in (
        ("Convolution ", "Softmax ", "Softmax is none of the layers that can be translated"),
        ("4=1", "3=2 4=1", "a stride, or a kernel that is not square, cannot be translated"),
        ("4=1", "4=-233", "its padding cannot be translated"),
        ("4=1", "4=1 9=7", "activation 7 cannot be translated"),
    ):
        with pytest.raises(ModelError, match=said):
            ncnn.convert(broken(made, old, new), made.weights)
    half = Written()
    half.layer("Interp", "x", "out", "0=1 1=0.5 2=0.5")
    with pytest.raises(ModelError, match="enlarges 1/2 times"):
        ncnn.convert(half.param, b"")
    with pytest.raises(ModelError, match="weights of kind 0xd4b38"):
        ncnn.convert(made.param, bytes([0x38, 0x4B, 0x0D, 0]) + made.weights[4:])


@pytest.mark.parametrize(
    ("param", "cut", "said"),
    [
        ("", 0, "the weights end too early"),
        ("", 8, "it holds more weights"),
        ("<!DOCTYPE html>", 0, "does not begin as models of ncnn do"),
        ("7767517\n1 1\nConvolution a 1 1 x y 0=three", 0, "is broken"),
        ("7767517\n1 1\nSplit a 1 1 nothing y", 0, "which none makes"),
        ("7767517\n1 1\nSplit", 0, "is broken"),
    ],
    ids=["short", "long", "page", "letters", "unknown", "line"],
)
def test_broken_files(tmp_path: Path, param: str, cut: int, said: str) -> None:
    made = Written()
    made.convolution(conv(3, 3), "x", "out")
    (tmp_path / "a.param").write_text(param or made.param)
    weights = made.weights + bytes(cut) if cut else made.weights[:-4]
    (tmp_path / "a.bin").write_bytes(weights)
    with pytest.raises(ModelError, match=said) as error:
        ncnn.load(tmp_path / "a.param")
    assert str(error.value).startswith(str(tmp_path / "a.param"))


def test_both_files_are_needed(tmp_path: Path) -> None:
    (tmp_path / "a.param").write_text("7767517\n")
    with pytest.raises(MissingInput, match=r"a.bin: is not there; a model of ncnn is two files"):
        ncnn.load(tmp_path / "a.bin")
