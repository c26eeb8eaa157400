"""A study trains what is missing, continues where it stopped, and reports errors early."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from crispen.errors import Cancelled, MissingInput, OutputError, UsageError
from crispen.lab.checkpoint import load_checkpoint
from crispen.lab.studies.conduct import Conducted, Order, conduct, is_finished
from crispen.lab.studies.study import Study, recipe_of
from crispen.progress import Event, Progress


def order(folder: Path, **changes: object) -> Order:
    return replace(Order(folder, quick=True, device="cpu", threads=1), **changes)  # type: ignore[arg-type]


def test_it_trains_measures_and_tells(done: Conducted) -> None:
    assert [(run.id, run.name, run.status, run.step) for run in done.runs] == [
        ("first", "first", "done", 3),
        ("second", "second", "done", 3),
    ]
    assert [row["name"] for row in done.outcome.tables[0].rows] == ["bicubic", "first", "second"]


def test_a_training_begins_with_the_weights_of_an_earlier_one(done: Conducted) -> None:
    lineage = load_checkpoint(done.order.folder / "second" / "last.ckpt")["lineage"]
    assert (lineage["started_from"], lineage["steps"]) == ("first", 3)


def test_what_is_done_is_not_done_again(done: Conducted) -> None:
    files = [done.order.folder / key / "best.ckpt" for key in ("first", "second")]
    before = [file.stat().st_mtime_ns for file in files]
    again = conduct(done.study, done.order)
    assert [file.stat().st_mtime_ns for file in files] == before
    assert again.outcome.tables[0].rows == done.outcome.tables[0].rows


def test_stopped_and_gone_on_it_ends_as_if_it_was_not(done: Conducted, tmp_path: Path) -> None:
    stopping = Progress(None)

    def listen(event: Event) -> None:
        if event.what == "training second" and event.done >= 1:
            stopping.cancel()

    stopping._listener = listen
    with pytest.raises(Cancelled):
        conduct(done.study, order(tmp_path / "tiny"), stopping)
    recipes = {
        t.key: recipe_of(done.study, t, tmp_path / "tiny", quick=True) for t in done.study.trainings
    }
    assert [is_finished(tmp_path / "tiny" / key, r) for key, r in recipes.items()] == [True, False]
    conduct(done.study, order(tmp_path / "tiny"))
    one, other = (
        load_checkpoint(folder / "second" / "last.ckpt")["network"]
        for folder in (done.order.folder, tmp_path / "tiny")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_of_another_recipe_is_refused_and_put_aside_if_asked(
    tiny: Study, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    short = {"assignments": ["train.steps=1"], "limit": 1}
    conduct(tiny, order(folder, **short))
    other = short | {"assignments": ["train.steps=1", "network.width=6"]}
    with pytest.raises(UsageError, match="another recipe"):
        conduct(tiny, order(folder, **other))
    anew = conduct(tiny, order(folder, **other, resume=False))
    assert anew.runs[0].recipe["network"]["width"] == 6
    assert (folder / "first.1").is_dir()


def test_effort_is_a_factor_of_steps_or_epochs(tiny: Study, tmp_path: Path) -> None:
    first = tiny.trainings[0]
    assert recipe_of(tiny, first, tmp_path, quick=True, effort=10).train.steps == 30
    assert recipe_of(tiny, first, tmp_path, quick=True, effort=0.01).train.steps == 1
    epochs = recipe_of(
        tiny, first, tmp_path, quick=True, effort=2, assignments=["train.epochs=4"]
    ).train
    assert (epochs.epochs, epochs.steps) == (8, 3)
    counted = ["train.epochs=4", "data.epoch=10"]
    recipe = recipe_of(tiny, first, tmp_path, quick=True, effort=2, assignments=counted)
    assert (recipe.train.epochs, recipe.data.epoch) == (4, 20)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": "elsewhere"}, "leave --data and --valid out"),
        ({"sets": ("Set5",)}, "leave --data and --valid out"),
        ({"effort": 0.0}, "--effort 0: must be above 0"),
        ({"assignments": ["train.stepps=1"]}, "stepps"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_trained(
    tiny: Study, tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        conduct(tiny, order(tmp_path / "tiny", **changes))
    assert not list(tmp_path.rglob("*.ckpt"))


def test_missing_pictures_are_told_before_anything_is_trained(tiny: Study, tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="nowhere: no such folder"):
        conduct(tiny, order(tmp_path / "tiny", quick=False, sets=("nowhere",)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingInput, match="no pictures in it"):
        conduct(tiny, order(tmp_path / "tiny", quick=False, sets=(str(tmp_path / "empty"),)))
    assert not list(tmp_path.rglob("*.ckpt"))


def test_a_file_in_the_place_of_the_folder_is_told(tiny: Study, tmp_path: Path) -> None:
    (tmp_path / "tiny").write_text("")
    with pytest.raises(OutputError, match="choose another folder with -o"):
        conduct(tiny, order(tmp_path / "tiny"))
