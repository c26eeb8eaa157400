"""Tasks in words: which models do them, in which order, and how strongly."""

from pathlib import Path

import numpy as np
import pytest

from crispen.enhance.chain import Lineup
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.model import Model
from crispen.enhance.target import Target
from crispen.enhance.task_models import default_model, default_models, models_for
from crispen.errors import ModelError, UsageError
from crispen.models import athand
from crispen.models.card import ModelCard
from crispen.models.store import Known
from crispen.models.tasks import TASKS


def card(name, task="upscale", scale=1):
    return ModelCard(name=name, task=task, scale=scale, halo=1, parameters=10)


CARDS = [
    card("photo-x2", scale=2),
    card("photo-x4", scale=4),
    card("photo-fast-x2", scale=2),
    card("denoise-impulse", "denoise"),
    card("denoise-photo", "denoise"),
    card("my-sharpener", "sharpen"),
]


@pytest.fixture(autouse=True)
def store(monkeypatch):
    monkeypatch.setattr(athand, "list_cards", lambda: [Known(Path(c.name), c) for c in CARDS])


def test_every_task_of_a_card_has_its_place():
    schema = ModelCard.model_json_schema()["properties"]["task"]
    assert schema["enum"] == list(TASKS)
    assert {ModelCard(name="a", task=task).task for task in TASKS} == set(TASKS)
    with pytest.raises(ValueError, match="'restore' or 'upscale'"):
        ModelCard(name="a", task="colorize")


def test_the_tables_model_is_taken_and_else_one_that_is_there():
    assert default_model("denoise") == "denoise-photo"
    assert default_model("sharpen") == "my-sharpener"
    assert default_model("upscale") == "photo"
    assert default_model("upscale", video=True) == "photo-fast"
    assert default_models() == {
        "denoise": "denoise-photo",
        "sharpen": "my-sharpener",
        "upscale": "photo",
    }


def test_a_task_without_a_model_says_what_to_do():
    with pytest.raises(ModelError, match=r"no model for 'relight'.*crispen train relight"):
        Lineup(None, tasks=["relight"])
    with pytest.raises(ModelError, match="crispen models add"):
        Lineup(None, tasks=["restore"])


@pytest.mark.parametrize(
    ("asked", "named", "expected"),
    [
        (["upscale", "denoise"], [], ["denoise-photo", "photo"]),
        (["sharpen", "upscale", "denoise"], [], ["denoise-photo", "my-sharpener", "photo"]),
        (["denoise"], ["denoise-impulse"], ["denoise-impulse"]),
        (["upscale", "denoise"], ["photo-fast"], ["denoise-photo", "photo-fast"]),
        (["denoise"], ["denoise-photo", "denoise-impulse"], ["denoise-photo", "denoise-impulse"]),
    ],
)
def test_models_of_tasks_in_the_order_that_makes_sense(asked, named, expected):
    assert models_for(asked, named) == expected


def test_what_does_not_fit():
    with pytest.raises(UsageError, match="did you mean denoise"):
        models_for(["denoize"])
    with pytest.raises(UsageError, match=r"photo-x2 is for 'upscale'; add --task upscale"):
        models_for(["denoise"], ["photo-x2"])


@pytest.mark.parametrize(
    ("asked", "scale", "factor", "expected"),
    [
        (["denoise"], 1, 1, ["denoise-photo"]),
        (["denoise", "upscale"], 2, 2, ["denoise-photo", "photo-x2"]),
        (["denoise"], 1, 4, ["denoise-photo", "photo-x4"]),
        (["upscale"], 2, 2, ["photo-x2"]),
    ],
)
def test_the_size_follows_from_the_tasks(asked, scale, factor, expected):
    plan = Lineup(None, tasks=asked)
    assert plan.default_scale == scale
    assert [model.card.name for model in plan.chain(factor)] == expected


def test_videos_are_enlarged_by_the_fast_family():
    plan = Lineup(None, tasks=["denoise"], video=True)
    assert [m.card.name for m in plan.chain(2)] == ["denoise-photo", "photo-fast-x2"]
    assert [m.card.name for m in Lineup(None, video=True).chain(2)] == ["photo-fast-x2"]


def test_results_are_named_by_what_was_done():
    assert Enhancer().label(None) == "x2"
    assert Enhancer(tasks=["denoise"]).label(None) == "denoise"
    assert Enhancer(tasks=["upscale", "sharpen"], strength=0.5).label(None) == "sharpen-0.5-x2"
    assert Enhancer(["denoise-photo"]).label(Target(width=90)) == "denoise-w90"


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_strengths_that_are_none(strength):
    with pytest.raises(UsageError, match="from 0 to 1"):
        Lineup(None, tasks=["denoise"], strength=strength)


@pytest.mark.parametrize("wanted", [None, ["photo-x2"]])
def test_strength_needs_something_to_mix(wanted):
    with pytest.raises(UsageError, match=r"only enlarges; add --task denoise"):
        Lineup(wanted, strength=0.5)


def test_strength_holds_for_all_steps_that_keep_the_size(box_engine):
    models = []
    for scale in (1, 2):
        engine = box_engine(scale, 1)
        models.append(Model(Path("none"), engine.card))
        models[-1]._engine = engine
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    half = Enhancer(models[:1], strength=0.5).enhance(pixels).pixels
    both = Enhancer(models, strength=0.5).enhance(pixels).pixels
    np.testing.assert_array_equal(both, models[1](half).pixels)
