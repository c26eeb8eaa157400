from pathlib import Path

import pytest

from crispen.enhance.chain import Lineup
from crispen.enhance.model import Model
from crispen.errors import ModelError, UsageError
from crispen.models import athand
from crispen.models.card import ModelCard
from crispen.models.store import Known


def card(name, scale, parameters=100):
    return ModelCard(name=name, scale=scale, parameters=parameters, halo=3)


@pytest.fixture(autouse=True)
def store(monkeypatch):
    cards = [
        card("photo-x2", 2),
        card("photo-x3", 3, 110),
        card("photo-x4", 4, 130),
        card("photo-fast-x2", 2),
        card("photo-fast-x4", 4),
        card("denoise-photo", 1),
        card("thin-x2", 2, 24_000),
        card("thin-x4", 4, 23_000),
    ]
    monkeypatch.setattr(athand, "list_cards", lambda: [Known(Path(c.name), c) for c in cards])


def names(plan, factor):
    return [model.card.name for model in plan.chain(factor)]


def test_a_few_weights_less_do_not_make_four_times_the_pixels_cheaper():
    plan = Lineup(["thin"])
    assert names(plan, 2) == ["thin-x2"]
    assert names(plan, 4) == ["thin-x4"]


@pytest.mark.parametrize(
    ("factor", "scales"),
    [
        (0.3, []),
        (1, []),
        (1.5, [2]),
        (2, [2]),
        (2.003, [2]),
        (2.1, [3]),
        (3, [3]),
        (3.7, [4]),
        (4, [4]),
        (4.5, [4]),
        (6, [4]),
        (8, [4]),
        (16, [4]),
        (1000, [4]),
    ],
)
def test_one_network_does_it_and_beyond_its_scale_bicubic(factor, scales):
    assert names(Lineup(None), factor) == [f"photo-x{scale}" for scale in scales]


def test_a_family_by_name():
    assert names(Lineup(["photo-fast"]), 3) == ["photo-fast-x4"]
    assert names(Lineup(["photo-fast"]), 1) == []


def test_named_models_always_run_and_the_last_repeats():
    assert names(Lineup(["photo-x2"]), 1) == ["photo-x2"]
    assert names(Lineup(["photo-x2"]), 4) == ["photo-x2", "photo-x2"]
    assert names(Lineup(["photo-x2"]), 3) == ["photo-x2", "photo-x2"]
    assert names(Lineup(["photo-x2"]), 5) == ["photo-x2", "photo-x2"]
    assert names(Lineup(["photo-x2", "photo"]), 8) == ["photo-x2", "photo-x2"]
    assert names(Lineup(["photo-x2", "photo-x4"]), 8) == ["photo-x2", "photo-x4"]
    assert names(Lineup(["photo-x4"]), 8) == ["photo-x4"]
    assert names(Lineup(["photo-x3"]), 6) == ["photo-x3", "photo-x3"]


def test_what_does_not_enlarge_is_followed_by_what_does():
    plan = Lineup(["denoise-photo"])
    assert names(plan, 1) == ["denoise-photo"]
    assert names(plan, 2) == ["denoise-photo", "photo-x2"]
    assert plan.default_scale == 1
    assert names(Lineup(["denoise-photo", "photo-fast"]), 4) == ["denoise-photo", "photo-fast-x4"]
    assert names(Lineup(["denoise-photo"]), 8) == ["denoise-photo", "photo-x4"]


def test_a_network_of_a_larger_scale_is_used_to_its_scale():
    large = Model(Path("x"), card("mine-x8", 8))
    assert Lineup([large]).chain(6) == [large]
    assert Lineup([large]).chain(16) == [large]


def test_default_scales():
    assert Lineup(None).default_scale == 2
    assert Lineup(["photo-x4"]).default_scale == 4
    assert Lineup(["photo-x2", "photo-x3"]).default_scale == 6
    assert Lineup(["denoise-photo", "photo-fast"]).default_scale == 2


def test_models_themselves_are_taken():
    model = Model(Path("x"), card("mine", 2))
    assert Lineup([model]).chain(2) == [model]


def test_what_cannot_be():
    with pytest.raises(UsageError, match="both choose"):
        Lineup(["photo", "photo-fast"])
    with pytest.raises(ModelError, match="nothing-such"):
        Lineup(["nothing-such"])
