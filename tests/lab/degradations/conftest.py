"""A photograph, and every degradation by its example."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data
from torch import Generator, Tensor

from crispen.lab.degradations import Degradation
from crispen.lab.degradations.catalogue import EXAMPLES
from crispen.lab.degradations.spec import parse_degradation

Run = Callable[..., NDArray[np.float32]]


@pytest.fixture(scope="session")
def levels() -> NDArray[np.uint8]:
    """``(89, 102, 3)``: part of a photograph, sides that no block fits."""
    return np.ascontiguousarray(data.astronaut()[30:119, 170:272])


@pytest.fixture(scope="session")
def photo(levels: NDArray[np.uint8]) -> Tensor:
    """``(1, 3, 89, 102)``: the same for degradations."""
    return torch.from_numpy(levels / np.float32(255)).permute(2, 0, 1)[None].contiguous()


@pytest.fixture
def generator() -> Generator:
    return Generator().manual_seed(0)


@pytest.fixture
def run(photo: Tensor, generator: Generator) -> Run:
    """Degrades the photograph; ``(H, W, C)``."""

    def call(text: str, x: Tensor = photo, scale: int = 1) -> NDArray[np.float32]:
        y: NDArray[np.float32] = (
            parse_degradation(text)(x, generator, scale)[0].permute(1, 2, 0).numpy()
        )
        return y

    return call


@pytest.fixture(params=list(EXAMPLES))
def every(request: pytest.FixtureRequest) -> Degradation:
    """Each degradation in turn, as its example has it."""
    return parse_degradation(EXAMPLES[request.param])
