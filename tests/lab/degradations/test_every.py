"""What is promised of every degradation there is, on both kinds of device."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor

from crispen.lab.degradations import DEGRADATIONS, Degradation, Pipeline, degrade
from crispen.lab.degradations.catalogue import EXAMPLES, catalogue
from crispen.lab.degradations.spec import KINDS, parse_degradation

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    ),
]


@pytest.fixture
def batch(photo: Tensor) -> Tensor:
    """Three different pictures of 40×48."""
    return torch.cat([photo[..., i : i + 40, 2 * i : 2 * i + 48] for i in (0, 12, 24)])


def bad(every: Degradation, x: Tensor, seed: int = 7) -> Tensor:
    return every(x, Generator(x.device).manual_seed(seed), 1)


@pytest.mark.parametrize("device", DEVICES)
def test_size_type_and_range(every: Degradation, batch: Tensor, device: str) -> None:
    x = batch.to(device)
    before = x.clone()
    y = bad(every, x)
    factor = every.shrink(1)
    assert y.shape == (3, 3, -(-40 // factor), -(-48 // factor))
    assert y.dtype == torch.float32
    assert y.device == x.device
    assert 0 <= float(y.min()) <= float(y.max()) <= 1
    assert torch.equal(x, before)
    if factor == 1:
        assert not torch.equal(y, x)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (40, 1)])
def test_the_smallest_pictures(every: Degradation, photo: Tensor, size: tuple[int, int]) -> None:
    height, width = size
    y = bad(every, photo[..., :height, :width])
    factor = every.shrink(1)
    assert y.shape == (1, 3, -(-height // factor), -(-width // factor))
    assert y.isfinite().all()


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_seed_gives_the_same_pixels(
    every: Degradation, batch: Tensor, device: str
) -> None:
    x = batch.to(device)
    assert torch.equal(bad(every, x), bad(every, x))


@pytest.mark.parametrize(
    "kind", ["gaussian-noise", "poisson-noise", "salt-and-pepper", "color-noise", "blind", "one-of"]
)
def test_another_seed_gives_other_pixels(kind: str, batch: Tensor) -> None:
    degradation = parse_degradation(EXAMPLES[kind])
    results = {float(bad(degradation, batch, seed).sum()) for seed in range(6)}
    assert len(results) > 1


def test_nothing_is_taken_from_the_global_generator(every: Degradation, batch: Tensor) -> None:
    state = torch.get_rng_state()
    bad(every, batch)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_picture_does_not_depend_on_its_neighbours(every: Degradation, batch: Tensor) -> None:
    other = batch.clone()
    other[1] = 1 - other[1]
    first, second = bad(every, batch), bad(every, other)
    torch.testing.assert_close(first[0], second[0], atol=2e-6, rtol=0)
    torch.testing.assert_close(first[2], second[2], atol=2e-6, rtol=0)
    assert not torch.equal(first[1], second[1])


def test_probability_befalls_some(every: Degradation, batch: Tensor) -> None:
    if every.shrink(2) > 1:
        pytest.skip("what shrinks befalls all")
    some = copy.deepcopy(every).model_copy(update={"probability": 0.5})
    many = batch[:1].expand(40, -1, -1, -1)
    changed = (bad(some, many) != many).flatten(1).any(dim=1).sum()
    # Binomial(40, 1/2): outside 7 … 33 once in a hundred thousand.
    assert 7 <= changed <= 33
    never = every.model_copy(update={"probability": 0.0})
    assert torch.equal(bad(never, batch), batch)


def test_one_channel_or_a_refusal(every: Degradation, batch: Tensor) -> None:
    if every.needs_color():
        with pytest.raises(ValueError, match="needs colour"):
            degrade(batch[:, :1], [every], Generator(), 1)
        return
    assert bad(every, batch[:, :1]).shape[1] == 1


@pytest.mark.parametrize("scale", [1, 2])
def test_pipeline_gives_pairs_of_the_sizes_asked_for(
    every: Degradation, scale: int, photo: Tensor, generator: Generator
) -> None:
    if every.shrink(scale) not in (1, scale):
        every = every.model_copy(update={"factor": scale})
    pipeline = Pipeline([every], scale=scale, patch=10)
    crops = photo.tile(3, 1, 3, 3)[..., : pipeline.crop, : pipeline.crop]
    pair = pipeline(crops, generator)
    x, target = pair.input, pair.target
    assert x.shape == (3, 3, 10, 10)
    assert target.shape == (3, 3, 10 * scale, 10 * scale)


def test_every_kind_is_listed_once() -> None:
    assert len(KINDS) == len(DEGRADATIONS) == 31
    assert set(EXAMPLES) == set(KINDS)
    assert [entry.kind for entry in catalogue()] == list(KINDS)


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.kind)
def test_every_kind_has_a_formula_and_says_what_its_arguments_are(entry: object) -> None:
    assert entry.summary  # type: ignore[attr-defined]
    assert "=" in entry.formula  # type: ignore[attr-defined]
    assert all(a.description for a in entry.arguments)  # type: ignore[attr-defined]


def test_the_page_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "tools/degradations.py", "--check"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
