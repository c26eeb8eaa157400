"""Which models a wish means."""

from __future__ import annotations

import pytest

from crispen.errors import ModelError, UsageError
from crispen.jobs.choice import choose, family_of, names_for, result_size
from crispen.jobs.options import Options
from crispen.models.card import ModelCard
from crispen.models.store import list_cards

from .conftest import SOURCE

CARDS = [card for _, card in list_cards()]
CLEAN = ModelCard(name="clean", task="denoise", scale=1)


def test_nothing_said_is_twice_as_large() -> None:
    choice = choose(Options(), "image", CARDS)
    assert choice.models == ("photo",)
    assert result_size(choice, SOURCE) == (16, 12)
    assert choice.label == "x2"


def test_videos_have_their_own_default() -> None:
    assert choose(Options(), "video", CARDS).models == ("photo-fast",)


def test_a_named_model_has_its_own_scale() -> None:
    assert result_size(choose(Options(models=["espcn-x3"]), "image", CARDS), SOURCE) == (24, 18)


def test_a_named_model_takes_the_place_of_its_tasks_default() -> None:
    options = Options(tasks=["upscale"], models=["espcn"], scale=4)
    choice = choose(options, "image", CARDS)
    assert (choice.models, result_size(choice, SOURCE)) == (("espcn",), (32, 24))


def test_sizes() -> None:
    choice = choose(Options(width=100, height=30, fit=True), "image", CARDS)
    assert result_size(choice, SOURCE) == (40, 30)


def test_contradictions() -> None:
    with pytest.raises(UsageError, match="both a scale and a size"):
        choose(Options(scale=2, width=10), "image", CARDS)
    with pytest.raises(UsageError, match="at least one task"):
        choose(Options(tasks=[]), "image", CARDS)
    with pytest.raises(UsageError, match="strength"):
        choose(Options(strength=0.5), "image", CARDS)


def test_unknown_models_are_told_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean photo-x2"):
        choose(Options(models=["foto-x2"]), "image", CARDS)


def test_a_file_is_no_name(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    folder = tmp_path_factory.mktemp("here")
    (folder / "evil.onnx").write_bytes(b"x")
    monkeypatch.chdir(folder)
    with pytest.raises(ModelError, match="no model is called"):
        choose(Options(models=["evil.onnx"]), "image", CARDS)


def test_strength_is_in_the_name() -> None:
    options = Options(models=["clean"], strength=0.5)
    choice = choose(options, "image", [*CARDS, CLEAN])
    assert (choice.label, result_size(choice, SOURCE)) == ("denoise-0.5", (8, 6))


def test_names_of_a_task() -> None:
    names = names_for("upscale", CARDS)
    assert names.index("photo") < names.index("photo-x2")
    assert names_for("denoise", [CLEAN]) == ["clean"]
    assert {family_of(c) for c in CARDS} >= {"photo", "photo-fast", "espcn"}
