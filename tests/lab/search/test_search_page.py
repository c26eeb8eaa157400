"""The page of a search: what it says, and that it needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from crispen.evaluate.run_folders import Log, Run
from crispen.lab.recipe import Recipe
from crispen.lab.search.outcome import SearchOutcome, TrialOutcome
from crispen.lab.search.ranges import parse_ranges
from crispen.lab.search.search_page import search_page, values_text

Make = Callable[..., Recipe]


def run(number: int, *values: float) -> Run:
    steps = tuple(float(10 * i) for i in range(1, len(values) + 1))
    log = Log({"step": steps, "val_psnr": values, "loss": values})
    return Run(Path(f"trial-{number}"), str(number), "tiny", log=log, step=10 * len(values))


def page(recipe: Recipe) -> str:
    ranges = parse_ranges(["train.learning_rate=1e-4..1e-2", "train.optimizer=adam|sgd"])
    rows = [("done", 30.5, "adam"), ("pruned", 20.0, "sgd"), ("done", 31.25, "sgd")]
    trials = [
        TrialOutcome(
            i,
            state,  # type: ignore[arg-type]
            {"train.learning_rate": 10.0 ** (i - 4), "train.optimizer": name},
            value,
            Path(f"s/trial-{i:03d}"),
            run(i, value - 1, value),
        )
        for i, (state, value, name) in enumerate(rows)
    ]
    trials.append(TrialOutcome(3, "failed", {}, None, Path("s/trial-003"), None, "loss <is> nan"))
    return search_page(SearchOutcome(Path("s"), recipe, ranges, tuple(trials), recipe))


def test_the_page_tells_the_search(recipe: Make) -> None:
    text = page(recipe("upscale"))
    assert "4 trials (2 done, 1 pruned, 1 failed); the highest psnr" in text
    assert "<b>31.25 dB</b><span>psnr, trial 2</span>" in text
    assert "train.learning_rate: 0.0001 to 0.01 (logarithmic)" in text
    assert "loss &lt;is&gt; nan" in text
    assert "crispen train s/best.toml" in text
    assert "name = &quot;tiny-x2&quot;" in text
    # The table's order, and a line for each run that there is.
    assert re.findall(r'<th scope="row">(\d)</th>', text) == ["2", "0", "1", "3"]
    assert text.count("<polyline") == 6
    assert not re.search(r'(?:src|href)="(?!#|data:)', text)


def test_values_are_drawn_for_complete_trials_only(recipe: Make) -> None:
    rate, optimizer = re.findall(r'aria-label="(train\.[^"]*)"', page(recipe("upscale")))
    assert rate == "train.learning_rate. 0.0001: 30.5; 0.01: 31.25"
    assert optimizer == "train.optimizer. adam: 30.5; sgd: 31.25"


def test_values_in_words() -> None:
    trial = TrialOutcome(0, "done", {"a": 3.42161e-4, "b": "x", "c": 4}, 1.0, Path())
    assert values_text(trial) == "a = 0.000342, b = x, c = 4"
