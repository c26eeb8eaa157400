"""What is exported is what was trained, whatever the network, and is used like any other model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import crispen
from crispen.engines.opening import open_engine
from crispen.errors import InputError, ModelError
from crispen.lab.checkpoint import BEST
from crispen.lab.export import StudioRange, export_checkpoint
from crispen.lab.learner import make_network
from crispen.lab.networks.plain import Plain
from crispen.lab.recipe import Recipe
from crispen.lab.training import Trainer
from crispen.models.card import read_card

Make = Callable[..., Recipe]

NETWORKS = {
    "plain": ("upscale", 'network={kind="plain", width=8, depth=2, unshuffle=2}'),
    "srcnn": ("upscale", 'network={kind="srcnn"}'),
    "residual": ("denoise",),
    "residual in int8": ("denoise", "network.activation=clipped-relu"),
    "fsrcnn in int8": ("upscale", 'network={kind="fsrcnn", activation="clipped-relu"}'),
    "variational": ("denoise", 'network={kind="autoencoder-variational"}', "data.patch=32"),
    "unet": ("denoise", 'network={kind="unet-denoise", width=4}'),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_three_files_that_agree_with_the_network(case: str, recipe: Make, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    made = recipe(*NETWORKS[case], "train.steps=2")
    Trainer(made, tmp_path / "run").fit()
    path = export_checkpoint(tmp_path / "run" / BEST, tmp_path / "out", name="mine")
    names = sorted(p.name for p in path.parent.iterdir())
    assert names == ["mine.md", "mine.onnx", "mine.safetensors"]
    network = make_network(made)
    card = read_card(path)
    assert (card.name, card.task, card.scale) == ("mine", made.task, made.scale)
    assert (card.base, card.halo) == (network.base, network.halo)
    assert (card.multiple, card.window_px) == (network.multiple, network.window_px)
    assert card.color == made.data.color
    assert card.int8 == ("int8" in case)
    assert len(card.training.data_sha256) == 64
    assert card.training.crispen == onnx.load(path).producer_version == crispen.__version__
    assert card.training.loss == made.loss_text
    tensors = load_file(path.with_suffix(".safetensors"))
    assert all(np.isfinite(t).all() for t in tensors.values())
    merged = network.merged()
    merged.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()})
    side = network.window_px or 24
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, network.channels), np.uint8)
    x = torch.from_numpy(pixels.transpose(2, 0, 1)[None] / np.float32(255))
    with torch.no_grad():
        expected = merged.eval()(x)[0].numpy().transpose(1, 2, 0) * 255
    engine = open_engine(path, card, device="cpu")
    try:
        # The network is shown the levels as they are, so one channel is studio luma.
        out = engine.run(pixels, studio=True).astype(np.float64)
    finally:
        engine.close()
    # Whole grey levels, from a network that may run in bf16 or, hardly trained for it, in int8.
    assert np.abs(out - expected).mean() < (2.0 if card.int8 else 1.0)
    assert card.training.recipe in path.with_suffix(".md").read_text()


def test_full_range_networks_take_studio_range(recipe: Make, tmp_path: Path) -> None:
    """White is 235 for whoever runs a luma model, and 1.0 for a network trained on YUV."""
    made = recipe("upscale", "data.color=yuv", "train.steps=1")
    Trainer(made, tmp_path).fit()
    path = export_checkpoint(tmp_path / BEST, tmp_path)
    card = read_card(path)
    assert (card.color, card.base) == ("luma", "none")
    plain = Plain(2, 1, width=8, depth=2).eval()
    for studio, full in ((16 / 255, 0.0), (235 / 255, 1.0)):
        with torch.no_grad():
            out = StudioRange(plain).eval()(torch.full((1, 1, 16, 16), studio))
            wanted = plain(torch.full((1, 1, 16, 16), full)) * 219 / 255 + 16 / 255
        torch.testing.assert_close(out, wanted)
    # A grey picture is full range, and goes through studio range unharmed.
    from safetensors.numpy import load_file

    tensors = load_file(path.with_suffix(".safetensors"))
    network = StudioRange(make_network(made).merged()).eval()
    network.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()})
    grey = np.random.default_rng(0).integers(0, 256, (24, 24, 1), np.uint8)
    with torch.no_grad():
        full = network.network(torch.from_numpy(grey[None, None, ..., 0] / np.float32(255)))
    expected = np.clip(full[0, 0].numpy(), 0, 1) * 255
    out = open_engine(path, card, device="cpu").run(grey)[..., 0]
    assert np.abs(out - expected).max() <= 0.51


def test_results_are_measured_with_the_recipes_degradation(
    recipe: Make, pictures: Path, tmp_path: Path
) -> None:
    from crispen.lab.degradations.noise import GaussianNoise

    made = recipe("denoise", "train.steps=2", "degradation.0.sigma=20")
    Trainer(made, tmp_path / "run").fit()
    (tmp_path / "valid" / "Three").mkdir(parents=True)
    (tmp_path / "valid" / "Three" / "HR").symlink_to(pictures)
    path = export_checkpoint(tmp_path / "run" / BEST, tmp_path, valid=tmp_path / "valid")
    (result,) = read_card(path).results
    assert (result.data, result.degradation) == ("Three", "gaussian-noise=20")
    # Luma takes 0.257, 0.504 and 0.098 of the noise in R, G and B; clipping takes some.
    sigma = 20 * np.sqrt(0.257**2 + 0.504**2 + 0.098**2)
    assert result.input_psnr == pytest.approx(20 * np.log10(255 / sigma), abs=0.5)
    assert "ms" in read_card(path).speed
    other = export_checkpoint(
        tmp_path / "run" / BEST,
        tmp_path,
        valid=tmp_path / "valid",
        degradations={"strong": GaussianNoise(sigma=(50, 50))},
    )
    (strong,) = read_card(other).results
    assert strong.degradation == "strong"
    assert result.input_psnr is not None
    # 20·log10(50 / 20) = 8 dB worse, less what clipping takes.
    assert strong.input_psnr == pytest.approx(result.input_psnr - 8, abs=1)


def test_a_wrong_graph_is_not_kept(
    recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crispen.lab import tracing

    Trainer(recipe("upscale", "train.steps=1"), tmp_path / "run").fit()
    slim = tracing.onnxslim.slim

    def degraded(model: onnx.ModelProto) -> onnx.ModelProto:
        made: onnx.ModelProto = slim(model)
        weights = onnx.numpy_helper.to_array(made.graph.initializer[0])
        made.graph.initializer[0].CopyFrom(
            onnx.numpy_helper.from_array(weights + 0.5, made.graph.initializer[0].name)
        )
        return made

    monkeypatch.setattr(tracing.onnxslim, "slim", degraded)
    with pytest.raises(ModelError, match="exported graph differs from the network"):
        export_checkpoint(tmp_path / "run" / BEST, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_other_files_are_refused(tmp_path: Path) -> None:
    junk = tmp_path / "junk.ckpt"
    junk.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="not a Crispen checkpoint"):
        export_checkpoint(junk, tmp_path)
