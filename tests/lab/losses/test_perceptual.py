"""The perceptual loss with a narrow VGG-19, with ONNX and TorchScript files."""

from __future__ import annotations

import hashlib
import http.server
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from crispen.errors import InputError, MissingInput, UsageError
from crispen.lab.losses import build_loss, vgg
from crispen.lab.losses.onnx_features import OnnxFeatures
from crispen.lab.losses.perceptual import PerceptualLoss, load_features
from crispen.lab.networks import Output

from ...http_servers import running

IMAGENET = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))


def pictures(n: int = 1, side: int = 32, channels: int = 3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, channels, side, side, generator=generator)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The weights of a VGG-19 with 2 channels where it has 64."""
    monkeypatch.setattr(vgg, "WIDTH", 2)
    monkeypatch.delenv("CRISPEN_VGG19", raising=False)
    torch.manual_seed(0)
    path = tmp_path / "vgg.pth"
    torch.save(vgg.VGG19(("pool5",)).state_dict(), path)
    monkeypatch.setattr(vgg, "DIGEST", hashlib.sha256(path.read_bytes()).hexdigest()[:8])
    monkeypatch.setattr(vgg, "user_file", lambda: tmp_path / "home" / "vgg19.pth")
    return path


def test_vgg19_as_published() -> None:
    network = vgg.VGG19(("relu5_4",))
    # The paper's convolutions, and the numbering of the published weights.
    assert sum(p.numel() for p in network.parameters()) == 20_024_384
    numbers = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert [k for k in network.state_dict() if k.endswith("weight")] == [
        f"features.{n}.weight" for n in numbers
    ]


def test_layers_are_what_their_names_say(narrow: Path) -> None:
    network = vgg.load_vgg19(("conv1_2", "relu1_2", "pool1", "relu2_1"), narrow)
    with torch.no_grad():
        found = network(pictures())
    assert torch.equal(found["relu1_2"], found["conv1_2"].relu())
    assert torch.equal(found["pool1"], nn.functional.max_pool2d(found["relu1_2"], 2))
    assert found["relu2_1"].shape == (1, 4, 16, 16)
    assert len(network.features) == network.names.index("relu2_1") + 1


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_loss_is_the_distance_of_normalised_features(narrow: Path, suffix: str) -> None:
    path = narrow.with_suffix(suffix)
    if suffix == ".safetensors":
        save_file(torch.load(narrow, weights_only=True), path)
    layers = {"relu2_2": 0.5, "conv3_1": 2.0}
    table = PerceptualLoss(network=str(path), layers=layers, distance="l1")
    image, target = pictures(seed=1).requires_grad_(), pictures(seed=2)
    total, _ = build_loss([table])(Output(image), target)
    network = vgg.load_vgg19(tuple(layers), narrow)
    mean, spread = (v.view(1, 3, 1, 1) for v in IMAGENET)
    with torch.no_grad():
        a, b = (network((x - mean) / spread) for x in (image, target))
    expected = sum(w * (a[n] - b[n]).abs().mean() for n, w in layers.items())
    torch.testing.assert_close(total.detach(), expected)
    total.backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0


def test_the_network_stays_as_it_is(narrow: Path) -> None:
    loss = build_loss([PerceptualLoss(network=str(narrow))]).train()
    assert not any(p.requires_grad for p in loss.parameters())
    assert not any(m.training for m in loss.terms[0].modules())


def test_luma_is_shown_as_grey(narrow: Path) -> None:
    loss = build_loss([PerceptualLoss(network=str(narrow))])
    a, b = pictures(channels=1, seed=1), pictures(channels=1, seed=2)
    grey = [x.expand(-1, 3, -1, -1) for x in (a, b)]
    assert torch.equal(loss(Output(a), b)[0], loss(Output(grey[0]), grey[1])[0])


class Small(nn.Module):
    """A network with the operators that feature extractors have."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.LeakyReLU(0.2)
        )
        self.second = nn.Sequential(
            nn.MaxPool2d(3, 2, padding=1), nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=2)
        )
        self.slope = nn.PReLU(6)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        first = self.first(x)
        second = self.slope(self.second(first))
        wide = torch.cat([second, nn.functional.avg_pool2d(first, 2)], dim=1)
        return first, torch.sigmoid(wide) * 2.0 - wide.clamp(-0.5, 0.5)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Small, Path, Path]:
    torch.manual_seed(0)
    network = Small().eval()
    network.first[1].running_mean.uniform_(-0.1, 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(network, pictures()).save(tmp_path / "small.pt")
        torch.onnx.export(
            network,
            (pictures(),),
            tmp_path / "small.onnx",
            output_names=["near", "far"],
            opset_version=17,
            dynamo=False,
        )
    return network, tmp_path / "small.pt", tmp_path / "small.onnx"


def test_onnx_features_equal_pytorch_with_gradients(files: tuple[Small, Path, Path]) -> None:
    network, _, path = files
    x = pictures(2, 24).requires_grad_()
    found = OnnxFeatures(path)(x)
    assert list(found) == ["near", "far"]
    for made, expected in zip(found.values(), network(x), strict=True):
        torch.testing.assert_close(made, expected, atol=1e-6, rtol=1e-5)
        ours, theirs = (
            torch.autograd.grad(v.sum(), x, retain_graph=True)[0] for v in (made, expected)
        )
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["onnx", "torchscript"])
def test_loss_from_a_file(files: tuple[Small, Path, Path], kind: str) -> None:
    network, script, graph = files
    layers = {"far": 1.0, "near": 3.0} if kind == "onnx" else {"1": 1.0, "0": 3.0}
    table = PerceptualLoss(
        network=str(graph if kind == "onnx" else script), layers=layers, normalize=False
    )
    a, b = pictures(seed=1), pictures(seed=2)
    with torch.no_grad():
        near, far = (((x - y) ** 2).mean() for x, y in zip(network(a), network(b), strict=True))
        total, _ = build_loss([table])(Output(a), b)
    np.testing.assert_allclose(float(total), float(far + 3 * near), rtol=1e-5)


def test_unknown_layers_and_operators(
    files: tuple[Small, Path, Path], narrow: Path, tmp_path: Path
) -> None:
    _, script, graph = files
    with pytest.raises(UsageError, match="VGG-19 has no layer relu5_5; did you mean relu5_"):
        load_features(str(narrow), ("relu5_5",))
    with pytest.raises(UsageError, match="has no tensor farr; did you mean far"):
        load_features(str(graph), ("farr",))
    loss = build_loss([PerceptualLoss(network=str(script), layers={"7": 1.0})])
    with pytest.raises(UsageError, match="gives no layer 7"):
        loss(Output(pictures()), pictures())
    path = tmp_path / "odd.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(nn.Hardswish(), (pictures(),), path, opset_version=17, dynamo=False)
    with pytest.raises(InputError, match=r"operator HardSwish, .* as TorchScript"):
        load_features(str(path), ())


@pytest.mark.parametrize("name", ["a.onnx", "a.pt", "a.pth", "a.safetensors"])
def test_files_that_are_missing_or_broken(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(MissingInput, match="no such file"):
        load_features(str(path), ())
    path.write_bytes(b"no network at all")
    with pytest.raises(InputError, match=name):
        load_features(str(path), ())


def test_a_kind_of_file_that_is_not_known() -> None:
    with pytest.raises(UsageError, match="vgg16 is neither vgg19 nor"):
        load_features("vgg16", ())


def test_weights_of_another_network(narrow: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"features.0.weight": torch.zeros(3, 3, 3, 3)}, path)
    with pytest.raises(InputError, match=r"features.0.weight should be \(2, 3, 3, 3\), found \(3,"):
        load_features(str(path), ())


@pytest.fixture
def server(narrow: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Gives one body after the other, and the last one for ever."""
    bodies = [narrow.read_bytes()]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.pop(0) if len(bodies) > 1 else bodies[0]
            self.send_response(200 if body else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with running(Handler) as url:
        monkeypatch.setattr(vgg, "URL", f"{url}/vgg19.pth")
        yield bodies


def test_weights_are_fetched_once(server: list[bytes]) -> None:
    layers = ("relu1_1",)
    assert vgg.load_vgg19(layers).state_dict().keys() == {"features.0.weight", "features.0.bias"}
    server[:] = [b""]
    vgg.load_vgg19(layers)
    assert [p.name for p in vgg.user_file().parent.iterdir()] == ["vgg19.pth"]


def test_a_damaged_download_leaves_nothing(server: list[bytes]) -> None:
    server.insert(0, server[0][:-10])
    with pytest.raises(InputError, match="is damaged"):
        vgg.load_vgg19(("relu1_1",))
    assert list(vgg.user_file().parent.iterdir()) == []
    vgg.load_vgg19(("relu1_1",))


def test_no_network_tells_what_to_put_where(narrow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg, "URL", "http://127.0.0.1:9/vgg19.pth")
    with pytest.raises(MissingInput, match=r"could not be fetched .* put it at .*home/vgg19.pth"):
        vgg.load_vgg19(("relu1_1",))
    assert list(vgg.user_file().parent.iterdir()) == []


def test_a_file_put_by_hand_is_checked(narrow: Path) -> None:
    vgg.user_file().parent.mkdir()
    vgg.user_file().write_bytes(narrow.read_bytes())
    assert vgg.vgg19_file() == vgg.user_file()
    vgg.user_file().write_bytes(b"half")
    with pytest.raises(InputError, match=r"damaged .* delete it"):
        vgg.vgg19_file()


def test_a_file_named_in_the_environment(narrow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRISPEN_VGG19", str(narrow))
    assert vgg.vgg19_file() == narrow
    monkeypatch.setenv("CRISPEN_VGG19", str(narrow) + "x")
    with pytest.raises(MissingInput, match="correct CRISPEN_VGG19"):
        vgg.vgg19_file()
