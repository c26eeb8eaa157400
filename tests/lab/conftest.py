"""Small pictures, and recipes that are done in a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from crispen.lab.recipe import Recipe, load_recipe
from crispen.media.image import Image, write_image
from crispen.progress import Event, Progress

UPSCALE = """
name = "tiny-x2"
summary = "For tests."
scale = 2
network = { kind = "plain", width = 8, depth = 2 }
data = { path = 'PICTURES', patch = 12, batch = 4, valid_share = 0.34 }
loss = [{ kind = "l1" }]
train = { steps = 24, warmup = 2, learning_rate = 3e-3, log_every = 6, sample_every = 0 }
validation = { count = 4 }
"""
DENOISE = """
name = "tiny-noise"
task = "denoise"
summary = "For tests."
scale = 1
network = { kind = "residual", width = 8, blocks = 1 }
data = { path = 'PICTURES', color = "rgb", patch = 16, batch = 4, valid_share = 0.34 }
degradation = [{ kind = "gaussian-noise", sigma = [0, 50] }]
loss = [{ kind = "mse" }]
train = { steps = 24, warmup = 2, log_every = 6, sample_every = 0 }
validation = { count = 4 }
"""
RECIPES = {"upscale": UPSCALE, "denoise": DENOISE}
Make = Callable[..., Recipe]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from skimage.data import astronaut

    folder = tmp_path_factory.mktemp("pictures")
    for i in range(3):
        part = astronaut()[100 * i : 100 * i + 96, 120:216].copy()
        write_image(Image(part), folder / f"{i}.png")
    return folder


@pytest.fixture(scope="session")
def recipe(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """``recipe("upscale", "train.steps=5", …)``."""
    folder = tmp_path_factory.mktemp("recipes")

    def make(kind: str = "upscale", *overrides: str) -> Recipe:
        file = folder / f"{kind}.toml"
        file.write_text(RECIPES[kind].replace("PICTURES", str(pictures)))
        return load_recipe(str(file), overrides)

    return make


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def stop_at() -> Callable[[int], Progress]:
    """``stop_at(3)`` cancels a run after its third step."""

    def make(step: int) -> Progress:
        def listen(event: Event) -> None:
            if event.done == step:
                progress.cancel()

        progress = Progress(listen)
        return progress

    return make
