"""Health is what loops and workers say, and asks nothing that could keep it waiting."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from crispen.jobs.states import Status
from crispen.server.api_errors import ApiError
from crispen.server.services.health import HealthCheck


def check(
    *, troubles: dict[str, str] | None = None, of_workers: dict[str, str] | None = None, alive=2
) -> HealthCheck:
    supervisor: Any = SimpleNamespace(troubles=troubles or {})
    pool: Any = SimpleNamespace(troubles=of_workers or {}, alive=alive, fewest=2)
    counts = dict.fromkeys(Status, 0) | {Status.QUEUED: 3, Status.RUNNING: 1}
    events: Any = SimpleNamespace(counts=counts)
    folder: Any = SimpleNamespace(used_bytes=lambda: 10, free_bytes=lambda: 20)
    return HealthCheck(supervisor, pool, events, folder)


def test_it_works() -> None:
    health = check().check()
    assert (health.status, health.workers, health.queued, health.running) == ("ok", 2, 3, 1)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"troubles": {"events": "host 10.0.0.1 refused"}}, "events"),
        ({"of_workers": {"worker 1": "/path is full"}}, "worker 1"),
        ({"alive": 1}, "workers"),
    ],
)
def test_troubles_are_named_without_their_reasons(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError) as error:
        check(**more).check()
    assert (error.value.status, error.value.code) == (503, "degraded")
    assert error.value.headers["Retry-After"]
    assert words in str(error.value)
    assert "10.0.0.1" not in str(error.value)
    assert "/path" not in str(error.value)


def test_gauges() -> None:
    gauges = check(troubles={"events": "x"}, of_workers={"worker 1": "y"}).gauges()
    values = {name: value for name, (_, value) in gauges.items()}
    assert values["jobs_queued"] == 3.0
    assert values["troubles"] == 2.0
    assert values["workers"] == 2.0
    assert (values["stored_bytes"], values["free_bytes"]) == (10.0, 20.0)
    assert all(about.endswith(".") for about, _ in gauges.values())
