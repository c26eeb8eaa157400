"""A network in NumPy whose answers depend on every pixel within its halo, and on nothing else."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from crispen.engines.base import Pixels
from crispen.enhance.model import Model
from crispen.media.resample import resize
from crispen.models.card import ModelCard


class BoxEngine:
    """Sums over squares of radius `halo`, zeros outside, modulo the peak: any seam shows."""

    name = "fake"
    device = "cpu"
    precision = "fp32"
    bytes_per_px = 300.0
    dials = None

    def __init__(self, scale: int, halo: int, *, finite: bool = True, sleep_s: float = 0.0) -> None:
        self.card = ModelCard(
            name=f"box-x{scale}",
            scale=scale,
            halo=halo if finite else None,
            parameters=1000,
        )
        self.shapes: list[tuple[int, ...]] = []
        self.sleep_s = sleep_s
        self._halo = halo

    def run(self, pixels: Pixels, *, peak: int | None = None, studio: bool = False) -> Pixels:
        assert pixels.shape[2] in (1, 3)
        self.shapes.append(pixels.shape)
        time.sleep(self.sleep_s)
        h = self._halo
        padded = np.pad(pixels.astype(np.int64), ((h, h), (h, h), (0, 0)))
        sums = np.zeros(pixels.shape, np.int64)
        for y in range(2 * h + 1):
            for x in range(2 * h + 1):
                part = padded[y : y + pixels.shape[0], x : x + pixels.shape[1]]
                sums += part * (1 + 3 * y + 7 * x)
        large = sums.repeat(self.card.scale, 0).repeat(self.card.scale, 1)
        steps = np.add.outer(np.arange(large.shape[0]), 2 * np.arange(large.shape[1]))
        phase = steps % self.card.scale
        return ((large + phase[..., None]) % (np.iinfo(pixels.dtype).max + 1)).astype(pixels.dtype)

    def interrupt(self, thread: int) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def box_engine() -> Callable[..., BoxEngine]:
    return BoxEngine


# kind, its arguments, scale, channels
KINDS = {
    "pools": ("autoencoder-denoise", {}, 1, 3),
    "pools to a sixteenth": ("autoencoder-denoise", {"bottleneck": "2x2x8"}, 1, 3),
    "one window": ("autoencoder-dense", {}, 1, 3),
    "one window, luma": ("autoencoder-variational", {}, 1, 1),
    "residual U-Net": ("unet-denoise", {"width": 8}, 1, 3),
    "residual, half size": ("plain", {"width": 8, "depth": 2, "unshuffle": 2}, 1, 3),
    "residual, luma": ("plain", {"width": 8, "depth": 2}, 1, 1),
    "transposed": ("deconvolution", {}, 2, 3),
    "enlarges inside": ("srcnn", {}, 3, 3),
    "enlarges inside, luma": ("srcnn", {}, 2, 1),
    "batch norm, PReLU": ("residual", {"width": 8}, 4, 3),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, ModelCard]]:
    """The model file of a kind, made once."""
    import torch

    from crispen.lab.export import to_onnx
    from crispen.lab.networks import NETWORKS, build_network, parameter_count

    folder = tmp_path_factory.mktemp("kinds")
    tables = {table.model_fields["kind"].default: table for table in NETWORKS}

    @functools.cache
    def make(name: str) -> tuple[Path, ModelCard]:
        kind, arguments, scale, channels = KINDS[name]
        torch.manual_seed(1)
        network = build_network(tables[kind](**arguments), scale=scale, channels=channels)
        merged = network.eval().merged().eval()
        card = ModelCard(
            name=kind,
            task="upscale" if scale > 1 else "denoise",
            scale=scale,
            color="luma" if channels == 1 else "rgb",
            halo=merged.halo,
            base=merged.base,
            multiple=merged.multiple,
            window_px=merged.window_px,
            parameters=parameter_count(merged),
        )
        path = folder / f"{len(list(folder.iterdir()))}.onnx"
        path.write_bytes(to_onnx(merged, card).SerializeToString())
        return path, card

    return make


def picture(height: int, width: int, channels: int, dtype: str = "uint8"):
    rng = np.random.default_rng(height * width)
    coarse = rng.random((height // 5 + 2, width // 5 + 2, channels))
    smooth = resize(coarse, height, width, method="bilinear")
    return np.round(smooth * np.iinfo(dtype).max).astype(dtype)


def of(engine) -> Model:
    model = Model(Path("none.onnx"), engine.card)
    model._engine = engine
    return model


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three small pictures, one of them in a folder; the current one."""
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png", "sub/c.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        PilImage.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
        os.utime(path, (1_000_000, 1_000_000))
    monkeypatch.chdir(tmp_path)
    return tmp_path
