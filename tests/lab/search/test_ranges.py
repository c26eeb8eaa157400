"""Ranges: what is understood, how it is drawn, what is refused."""

from __future__ import annotations

import optuna
import pytest

from crispen.errors import UsageError
from crispen.lab.search.ranges import Choices, NumberRange, parse_ranges


def test_kinds_follow_from_how_the_ends_are_written() -> None:
    ranges = parse_ranges(
        ["train.ema=0.9..0.999", "network.depth=3..6", "data.batch=8|16|32", "train.clip=1..2.0"]
    )
    assert ranges == (
        NumberRange("train.ema", 0.9, 0.999),
        NumberRange("network.depth", 3, 6, whole=True),
        Choices("data.batch", ("8", "16", "32")),
        NumberRange("train.clip", 1, 2),
    )


@pytest.mark.parametrize(
    ("text", "logarithmic"),
    [("a=1e-4..2e-3", True), ("a=1..9", False), ("a=1..10", True), ("a=0..100", False)],
)
def test_ends_ten_times_apart_are_searched_by_their_logarithm(text: str, logarithmic: bool) -> None:
    (one,) = parse_ranges([text])
    assert isinstance(one, NumberRange)
    assert one.logarithmic == logarithmic
    assert ("logarithmic" if logarithmic else "linear") in str(one)


def test_a_trial_gets_values_inside() -> None:
    ranges = parse_ranges(["a=1e-4..2e-3", "b=3..6", "c=x|y"])
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(20):
        trial = study.ask()
        texts = dict(one.suggest(trial).split("=") for one in ranges)
        assert 1e-4 <= float(texts["a"]) <= 2e-3
        assert texts["b"] in "3456"
        assert texts["c"] in "xy"
        study.tell(trial, 0.0)


def test_examples_hold_both_ends() -> None:
    floats, whole, choices = parse_ranges(["a=1e-4..1e-2", "b=3..6", "c=x|y"])
    assert floats.examples()[:2] == ["a=0.0001", "a=0.01"]
    assert 1e-4 < float(floats.examples()[2].partition("=")[2]) < 1e-2
    assert whole.examples() == ["b=3", "b=6", "b=4"]
    assert choices.examples() == ["c=x", "c=y"]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ([], "at least one --set-range"),
        (["a"], "KEY=LOW..HIGH"),
        (["a="], "KEY=LOW..HIGH"),
        (["a=3"], "KEY=LOW..HIGH"),
        (["a=1..2..3"], "KEY=LOW..HIGH"),
        (["a=x..y"], "must be numbers"),
        (["a=2..1"], "below the second"),
        (["a=1..inf"], "below the second"),
        (["a=x|"], "none may be empty"),
        (["a=x|x"], "must differ"),
        (["a=1..2", "a=3..4"], "more than once"),
    ],
)
def test_what_is_no_range_is_refused(texts: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_ranges(texts)
