"""Helper functions of single studies: test images, cost of models, training pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from crispen.evaluate.contender import Contender, open_contender
from crispen.evaluate.metrics import luma255
from crispen.lab.data.toy import toy_pictures
from crispen.lab.learner import make_pipeline
from crispen.lab.studies.classic import accuracy
from crispen.lab.studies.denoising import DENOISING, NETWORKS
from crispen.lab.studies.study import recipe_of
from crispen.lab.studies.twice import chained, work
from crispen.lab.studies.unet import grainy, strongest_alone
from crispen.models.card import ModelCard


def test_pure_colours_have_the_best_accuracy_and_a_poor_picture() -> None:
    (target,) = toy_pictures(1, 48, 5)
    poster = strongest_alone(target)
    assert accuracy(poster, target) == 1.0
    assert set(np.unique(poster)) == {0, 255}
    assert (poster.sum(axis=2, dtype=int) == 255).all()


def test_grain_is_at_most_two_levels() -> None:
    (target,) = toy_pictures(1, 48, 5)
    off = np.abs(grainy(target).astype(int) - target)
    assert off.max() == 2


def test_work_counts_every_step_at_its_size() -> None:
    def step(scale: int, parameters: int) -> Contender:
        card = ModelCard(name="a", scale=scale, parameters=parameters)
        return Contender("a", scale, True, card, lambda pixels: pixels)

    # By hand: 100 weights at the small size, then at twice its sides, for 16 pixels.
    assert work([step(2, 100), step(2, 100)]) == (100 + 4 * 100) / 16
    assert work([step(4, 100)]) == 100 / 16


def test_a_chain_is_one_model_after_another() -> None:
    (pixels,) = toy_pictures(1, 24, 1)
    with open_contender("espcn-x2", 2, device="cpu", threads=1) as model:
        answer = chained("twice", [model, model]).run(pixels)
        expected = model.run(model.run(pixels))
    np.testing.assert_array_equal(answer.rgb, expected)
    assert answer.luma is not None
    # Luma of the coloured answer: the same but for rounding and what colour was clipped.
    assert np.median(np.abs(answer.luma - luma255(answer.rgb))) < 1.0


@pytest.mark.parametrize("key", NETWORKS)
def test_clean_inputs_are_their_targets_and_noisy_ones_are_not(key: str, tmp_path: Path) -> None:
    trainings = {training.key: training for training in DENOISING.trainings}
    pictures = torch.from_numpy(np.stack(toy_pictures(4, 32, 2))).permute(0, 3, 1, 2) / 255.0
    for inputs, same in (("a", True), ("b", False)):
        recipe = recipe_of(DENOISING, trainings[f"{key}-{inputs}"], tmp_path, quick=True)
        pipeline = make_pipeline(recipe, torch.device("cpu"))
        assert pipeline is not None
        pair = pipeline(pictures, torch.Generator().manual_seed(0))
        x, target = pair.input, pair.target
        assert torch.equal(x, target) is same
