"""A clock that jumps deletes nothing and hides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from crispen.server.services.clock import Clock

from ..conftest import Live
from .test_events import events

DAY_S = 86_400.0


class Hands:
    """Both clocks of a machine."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_700_000_000.0, 50.0

    def pass_s(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def clock(hands: Hands) -> Clock:
    return Clock(lambda: hands.wall, lambda: hands.steady)


def test_time_passes(hands: Hands, clock: Clock) -> None:
    for _ in range(100):
        hands.pass_s(600)
        hands.wall += 0.5  # as the network's time corrects it
        assert clock.now() == hands.wall


def test_a_jump_ahead_is_believed_after_an_hour(hands: Hands, clock: Clock) -> None:
    right = hands.wall
    hands.wall += 8 * DAY_S
    assert clock.now() == right
    hands.pass_s(3000)
    assert clock.now() == right + 3000
    hands.pass_s(700)
    assert clock.now() == hands.wall


def test_a_jump_that_is_taken_back_changes_nothing(hands: Hands, clock: Clock) -> None:
    for _ in range(5):
        hands.wall += 8 * DAY_S
        hands.pass_s(1800)
        clock.now()
        hands.wall -= 8 * DAY_S
        hands.pass_s(1800)
        assert clock.now() == hands.wall


def test_a_clock_set_back_is_followed(hands: Hands, clock: Clock) -> None:
    hands.wall -= 3600
    assert clock.now() == hands.wall
    hands.wall += 3600  # and set right again: a jump like any other
    assert clock.now() == hands.wall - 3600


def test_eight_days_ahead_delete_nothing(
    start: Callable[..., Live], photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = start()
    with live.client() as api:
        job = api.job(photo)
        api.post(f"/jobs/{job['id']}/cancel")
        upload = api.upload(photo)
        real = time.time
        with monkeypatch.context() as patch:
            patch.setattr(live.services.clock, "_wall", lambda: real() + 8 * DAY_S)
            assert live.services.queue.sweep() == live.services.uploads.sweep() == 0
        assert api.get(f"/jobs/{job['id']}").status_code == 200
        assert api.post("/jobs", json={"upload": upload}).status_code == 201


def test_events_go_on_when_the_clock_is_set_back(
    start: Callable[..., Live], photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = start()
    real = time.time
    with live.client() as api, live.client() as other, api.stream("GET", "/events") as answer:
        told = events(answer)
        assert next(told)[0] == "snapshot"
        other.job(photo)
        next(told)
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: real() - 3600)
            job = other.job(photo)
        while True:
            _, news = next(told)
            if news["id"] == job["id"]:
                break
