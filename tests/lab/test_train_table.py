"""The optimiser's options are strict, and its usual values are recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from crispen.errors import UsageError
from crispen.lab import learner
from crispen.lab.recipe import Recipe, load_recipe, recipe_text
from crispen.lab.train_table import Train

Make = Callable[..., Recipe]


def test_usual_values_are_those_of_the_papers() -> None:
    # Adan: table 1 of arXiv:2208.06677 (there 1 - beta); Muon's momentum: its author's code.
    assert Train(optimizer="adan").betas == (0.98, 0.92, 0.99)
    assert Train(optimizer="muon").betas == (0.95, 0.9, 0.99)
    free = Train(optimizer="schedule-free")
    assert (free.ema, free.schedule) == (0, "constant")
    assert Train().betas == Train(optimizer="lion").betas == (0.9, 0.99)
    assert Train(optimizer="adan", betas=(0.9, 0.8, 0.7)).betas == (0.9, 0.8, 0.7)


@pytest.mark.parametrize(
    ("features", "slow", "device", "bf16"),
    [
        ((), False, "cpu", False),
        (("AVX2", "bf16"), True, "cpu", False),
        (("AVX2", "bf16"), False, "cpu", True),
        (("AVX2", "bf16", "bf16 (AMX)"), False, "cpu", True),
        ((), False, "cuda", True),
    ],
)
def test_precision_is_what_is_faster_on_the_device_unless_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
    recipe: Make,
    features: tuple[str, ...],
    slow: bool,
    device: str,
    bf16: bool,
) -> None:
    monkeypatch.setattr(learner, "cpu_features", lambda: features)
    monkeypatch.setattr(learner, "has_slow_bf16", lambda: slow)
    where = torch.device(device)
    assert learner.is_bf16(recipe("upscale"), where) is bf16
    assert learner.is_bf16(recipe("upscale", "train.precision=bf16"), where)
    assert not learner.is_bf16(recipe("upscale", "train.precision=fp32"), where)


@pytest.mark.parametrize("name", ["adan", "muon", "schedule-free"])
def test_a_written_recipe_reads_the_same(recipe: Make, name: str, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    made = recipe("upscale", f"train.optimizer={name}")
    file = tmp_path_factory.mktemp("written") / "recipe.toml"
    file.write_text(recipe_text(made))
    assert load_recipe(str(file)) == made


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["train.optimizer=adamm"], r"train\.optimizer: Input should be 'adam', 'adamw'"),
        (["train.nesterov=true"], r"train\.nesterov: no such key"),
        (["train.optimizer=adan", "train.betas=[0.9, 0.99]"], r"betas: adan has 3, not 2; leave"),
        (["train.betas=[0.98, 0.92, 0.99]"], "betas: adam has 2, not 3; leave"),
        (["train.optimizer=lion", "train.weight_decay=-1"], r"train\.weight_decay"),
        (["train.optimizer=schedule-free", "train.ema=0.9"], "ema: schedule-free averages"),
        (["train.optimizer=schedule-free", "train.schedule=wsd"], "schedule-free replaces wsd"),
        (["train.optimizer=schedule-free", "train.betas=[0, 0.9]"], "first beta of schedule-free"),
    ],
)
def test_unknown_names_and_options_give_one_line(
    recipe: Make, changes: list[str], told: str
) -> None:
    with pytest.raises(UsageError, match=told) as error:
        recipe("upscale", *changes)
    assert len(str(error.value).splitlines()) == 1
