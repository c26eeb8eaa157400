"""Rates: how many requests a minute."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crispen.server.http.rates import Rate

from ..conftest import Live


def test_a_rate(start: Callable[..., Live]) -> None:
    rate = Rate(60)
    assert [rate.wait_s("a", 0.0) for _ in range(60)] == [0.0] * 60
    assert rate.wait_s("a", 0.0) == pytest.approx(1.0)
    assert rate.wait_s("b", 0.0) == 0.0
    assert rate.wait_s("a", 1.01) == 0.0
    assert Rate(0).wait_s("a") == 0.0
