"""Crops grow at the step that the recipe says, and a run resumes bit for bit across it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from crispen.errors import Cancelled, CrispenError
from crispen.evaluate.run_folders import read_run
from crispen.lab.checkpoint import CHECKPOINT, load_checkpoint
from crispen.lab.progression import Part, part_at, passes
from crispen.lab.recipe import Recipe, load_recipe, recipe_text
from crispen.lab.training import Trainer
from crispen.progress import Progress

Make = Callable[..., Recipe]
Stop = Callable[[int], Progress]
GROWS = "data.progressive=[{step=4, patch=16, batch=2}, {step=7, patch=20, batch=1}]"


def test_the_part_of_a_step(recipe: Make) -> None:
    made = recipe()
    parts = [Part(step, made, None) for step in (0, 4, 7)]
    assert [part_at(parts, step).step for step in (0, 3, 4, 6, 7, 99)] == [0, 0, 4, 4, 7, 7]
    # By hand: 4 steps of 10 a pass, 3 of 20, and 5 of 40.
    assert passes(parts, [10, 20, 40], 12) == pytest.approx(4 / 10 + 3 / 20 + 5 / 40)
    assert passes(parts, [10, 20, 40], 5) == pytest.approx(4 / 10 + 1 / 20)
    assert passes(parts, [10, 20, 40], 0) == 0


def test_each_step_has_the_crops_of_its_part(
    recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crispen.lab import learner

    seen: list[tuple[int, ...]] = []
    real = learner.make_pair

    def watched(*args: Any) -> Any:
        pair = real(*args)
        if args[1] is not None:
            assert pair.target.shape[-1] == 2 * pair.input.shape[-1]
            seen.append((args[1], len(pair.input), pair.input.shape[-1]))
        return pair

    monkeypatch.setattr(learner, "make_pair", watched)
    trainer = Trainer(recipe("upscale", GROWS, "train.steps=9", "train.accumulate=2"), tmp_path)
    trainer.fit()
    sizes = [(4, 12)] * 4 + [(2, 16)] * 3 + [(1, 20)] * 2
    assert seen == [(n, *sizes[n // 2]) for n in range(18)]
    # Validation keeps its crops.
    assert trainer.keeper.validator is not None
    assert trainer.keeper.validator.cases[0].input.shape == (1, 1, 12, 12)
    each = trainer.learner.steps_per_epoch
    expected = 4 / each[0] + 3 / each[1] + 2 / each[2]
    assert read_run(tmp_path).epoch == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("stride", [0, 12])
@pytest.mark.parametrize("stop", [3, 4, 8])
def test_resuming_is_exact(
    recipe: Make, stop_at: Stop, tmp_path: Path, stop: int, stride: int
) -> None:
    made = recipe("upscale", GROWS, "train.steps=10", f"data.stride={stride}")
    Trainer(made, tmp_path / "whole").fit()

    with pytest.raises(Cancelled):
        Trainer(made, tmp_path / "broken").fit(stop_at(stop))
    Trainer(made, tmp_path / "broken", resume=True).fit()
    a, b = (load_checkpoint(tmp_path / n / CHECKPOINT)["network"] for n in ("whole", "broken"))
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_the_written_recipe_has_the_parts(recipe: Make, tmp_path: Path) -> None:
    made = recipe("upscale", GROWS)
    file = tmp_path / "recipe.toml"
    file.write_text(recipe_text(made))
    again = load_recipe(str(file), ["data.progressive.1.batch=3"])
    assert [(s.step, s.patch, s.batch) for s in again.data.progressive] == [(4, 16, 2), (7, 20, 3)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["data.progressive=[{step=4, patch=16}]"], r"data\.progressive\.0\.batch"),
        (["data.progressive=[{step=0, patch=16, batch=1}]"], r"data\.progressive\.0\.step"),
        ([GROWS.replace("7", "4")], r"its steps \[4, 4\] do not rise"),
        ([GROWS, "train.epochs=2"], r"train\.epochs: .*give train\.steps"),
        ([GROWS, "train.keep_epochs=[1]"], r"train\.keep_epochs"),
        ([GROWS, "network.unshuffle=2", "data.progressive.1.patch=13"], r"1\.patch.*multiple of 2"),
        ([GROWS, "data.progressive.0.patch=200"], "smaller than a crop of 408x408.*progressive"),
        ([GROWS, "augment.mixup=0.5"], "augment.mixup: needs data.batch = 2"),
    ],
)
def test_what_cannot_work_is_told_at_once(
    recipe: Make, tmp_path: Path, changes: list[str], told: str
) -> None:
    with pytest.raises(CrispenError, match=told) as error:
        Trainer(recipe("upscale", *changes), tmp_path / "run")
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "run").exists()
