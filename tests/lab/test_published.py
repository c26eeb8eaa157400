"""Published PyTorch files: read without running anything in them, and written as ONNX."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from crispen.errors import InputError, MissingInput, ModelError
from crispen.lab.networks.espcn import EspcnTable
from crispen.lab.published import network_of, read_published, take_published, to_model

from ..published_files import SMALL, build, publish


@pytest.mark.parametrize("name", [name for name in SMALL if name != "HAT"])
def test_the_graph_gives_what_the_network_gives(name: str, tmp_path: Path) -> None:
    source = publish(tmp_path / "theirs.pth", name)
    facts = to_model(source, tmp_path / "model.onnx")
    small = SMALL[name]
    assert (facts["halo"], facts["multiple"]) == (small.halo, small.multiple)
    assert facts["parameters"] == sum(p.numel() for p in build(name).parameters())
    model = onnx.load(tmp_path / "model.onnx")
    assert not model.metadata_props
    side = small.window_px or 40
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = build(name)(x).numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        (given,) = ReferenceEvaluator(model).run(None, {"input": x.numpy()})
    assert given.shape == (1, 3, small.scale * side, small.scale * side)
    np.testing.assert_allclose(given, expected, atol=1e-4)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_every_kind_of_file_holds_the_same(suffix: str, tmp_path: Path) -> None:
    found = network_of(read_published(publish(tmp_path / f"theirs{suffix}")))
    assert (found.scale, found.channels, found.title) == (4, 3, "RealESRGAN Compact 8nf 2nc")
    expected = build("SRVGGNetCompact").model.state_dict()
    for key, value in found.model.state_dict().items():
        torch.testing.assert_close(value, expected[key], rtol=0, atol=0)


def test_half_precision_becomes_whole(tmp_path: Path) -> None:
    weights = {k: v.half() for k, v in build("SRVGGNetCompact").model.state_dict().items()}
    torch.save(weights, tmp_path / "half.pth")
    network = network_of(read_published(tmp_path / "half.pth"))
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_a_licence_that_the_file_says_is_known(tmp_path: Path) -> None:
    about = {"modelspec.license": "CC-BY-4.0"}
    said = publish(tmp_path / "a.safetensors", **about)
    assert to_model(said, tmp_path / "a.onnx")["licence"] == "CC-BY-4.0"
    unsaid = publish(tmp_path / "b.safetensors")
    assert to_model(unsaid, tmp_path / "b.onnx")["licence"] == "unknown"


class Harm:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    harm = Harm(tmp_path / "harm")
    torch.save({"params": harm}, tmp_path / "zip.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps({"params": harm}))
    for name in ("zip.pth", "plain.pth"):
        with pytest.raises(InputError, match=r"\.pth: contains more than weights.*\.safetensors"):
            read_published(tmp_path / name)
    assert not (tmp_path / "harm").exists()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such file"):
        read_published(tmp_path / "none.pth")
    whole = publish(tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:100])
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        read_published(tmp_path / "cut.safetensors")
    whole = publish(tmp_path / "a.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[:200])
    with pytest.raises(InputError, match=r"cut\.pth: "):
        read_published(tmp_path / "cut.pth")
    torch.save({"step": 3}, tmp_path / "values.pth")
    with pytest.raises(InputError, match="no plain table of weights"):
        read_published(tmp_path / "values.pth")


def test_what_no_architecture_fits(tmp_path: Path) -> None:
    torch.save({"first.weight": torch.zeros(3, 3)}, tmp_path / "a.pth")
    with pytest.raises(ModelError, match=r"a\.pth: its weights are of none .*SPAN"):
        to_model(tmp_path / "a.pth", tmp_path / "a.onnx")


def test_our_own_networks_take_none_of_it(tmp_path: Path) -> None:
    own = EspcnTable().build(2, 3)
    assert not take_published(own, publish(tmp_path / "a.pth"))
