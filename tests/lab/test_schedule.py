"""Schedules and the judge of a run."""

from __future__ import annotations

import pytest

from crispen.lab.schedule import Judge, rate_factor
from crispen.lab.train_table import Train


def test_schedules_by_hand() -> None:
    wsd = Train(steps=100, warmup=10, decay=0.2)
    assert [rate_factor(s, wsd) for s in (4, 50, 90, 99)] == pytest.approx([0.5, 1, 0.5, 0.05])
    cosine = Train(steps=100, warmup=20, schedule="cosine")
    assert [rate_factor(s, cosine) for s in (9, 20, 60, 100)] == pytest.approx([0.5, 1, 0.5, 0])
    constant = Train(steps=100, warmup=0, schedule="constant")
    assert rate_factor(99, constant, cut=0.5) == 1
    assert rate_factor(99, Train(warmup=0, schedule="plateau"), cut=0.5) == 0.5


def test_the_judge_slows_and_stops() -> None:
    train = Train(plateau_patience=2, plateau_factor=0.1, patience=4)
    judge = Judge()
    heard = [judge.hear(v, i, train, larger=True) for i, v in enumerate([30, 31, 31, 30, 29])]
    assert heard == [True, True, False, False, False]
    assert (judge.best, judge.step, judge.cut) == (31, 1, 0.1)
    assert not judge.enough(train)
    judge.hear(30.5, 5, train, larger=True)
    assert judge.enough(train)
    assert judge.cut == pytest.approx(0.01)
    assert Judge(best=0.5).hear(0.4, 1, train, larger=False)
