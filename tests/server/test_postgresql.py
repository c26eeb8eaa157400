"""A server whose queue is in PostgreSQL: it works, and outlives a restart of the database."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..postgresql import Cluster
from .conftest import Live, png
from .services.test_events import events
from .test_outage import healthy, until

FAST = {"models": ["espcn-x2"]}
SLOW = {"models": ["residual-x4"]}


def test_a_restart_of_the_database_loses_nothing(
    cluster: Cluster, postgresql_url: str, start: Callable[..., Live], photo: bytes
) -> None:
    live = start(workers=1, database_url=postgresql_url, lease_s=2.0)
    with live.client() as api, live.client() as other:
        assert api.wait(api.job(photo, **FAST)["id"])["status"] == "done"
        running = api.job(png(400, 400), **SLOW)
        waiting = api.job(photo, "b.png", **FAST)
        api.wait(running["id"], ("running",))
        with other.stream("GET", "/events") as answer:
            told = events(answer)
            assert next(told)[0] == "snapshot"
            cluster.stop()
            try:
                until(lambda: not healthy(api))
                time.sleep(3)  # longer than the lease
            finally:
                cluster.start()
            until(lambda: healthy(api))
            ended = set()
            for _, job in told:
                if job["status"] == "done":
                    ended.add((job["id"], job["attempts"]))
                if len(ended) == 2:
                    break
        assert ended == {(running["id"], 1), (waiting["id"], 1)}
