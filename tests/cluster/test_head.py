"""A cluster's head is asked now and then, and missed when it is gone."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crispen.cluster import batch as cluster
from crispen.cluster import head as heads
from crispen.cluster.head import Head, HeadLost
from crispen.cluster.share import Share
from crispen.enhance.outcome import Options, Outcome
from crispen.enhance.request import Request

from ..ray_nodes import Nodes

OPTIONS = Options(Request(models=("espcn",)), threads=1, recursive=True)


def ray_of(server: socket.socket, asked: list[int]) -> Any:
    host, port = server.getsockname()
    context = SimpleNamespace(gcs_address=f"{host}:{port}")

    def nodes() -> list[dict[str, Any]]:
        asked.append(1)
        return [{"Alive": True, "Resources": {"CPU": 3.0}}]

    return SimpleNamespace(get_runtime_context=lambda: context, nodes=nodes)


def test_it_is_asked_every_two_seconds_and_may_be_away_for_ten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(heads, "time", SimpleNamespace(monotonic=lambda: now[0]))
    asked: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = Head(ray_of(server, asked), "auto")
        share = Share(1, 1)
        assert [share.room(head.nodes()) for _ in range(3)] == [3, 3, 3]
        assert len(asked) == 1
        now[0] += 2
        assert share.room(head.nodes()) == 3
        assert len(asked) == 2
    # Ray is not asked any more: it would not return.
    for _ in range(5):
        now[0] += 2
        assert share.room(head.nodes()) == 3
    now[0] += 2
    with pytest.raises(HeadLost, match=r"--cluster auto: its head no longer answers \(Connection"):
        head.nodes()
    assert len(asked) == 2


def test_a_client_asks_the_address_that_it_was_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ray = SimpleNamespace(nodes=lambda: [])
        address = f"ray://127.0.0.1:{server.getsockname()[1]}"
        assert Share(1, 1).room(Head(ray, address).nodes()) == 0


def test_one_that_was_never_in_reach_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As through a client of Ray that a notebook has connected."""
    now = [100.0]
    monkeypatch.setattr(heads, "time", SimpleNamespace(monotonic=lambda: now[0]))
    asked: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        ray = ray_of(server, asked)
    head = Head(ray, "local")
    for _ in range(10):
        assert Share(1, 1).room(head.nodes()) == 3
        now[0] += 2
    assert len(asked) == 10


def test_one_that_dies_before_it_has_answered_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As between the knock and the question: Ray's call does not return then."""
    now = [100.0]
    monkeypatch.setattr(heads, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(heads, "_ANSWER_S", 0.05)
    asked: list[int] = []
    alive = threading.Event()
    alive.set()
    with socket.create_server(("127.0.0.1", 0)) as server:
        ray = ray_of(server, asked)
        plain = ray.nodes

        def nodes() -> Any:
            found = plain()
            alive.wait()
            return found

        ray.nodes = nodes
        head, share = Head(ray, "auto"), Share(1, 1)
        assert share.room(head.nodes()) == 3
        alive.clear()
        for _ in range(5):
            now[0] += 2
            assert share.room(head.nodes()) == 3
        # One question waits, and no other is asked.
        assert len(asked) == 2
        alive.set()  # a head that answers in time after all
        time.sleep(0.1)
        now[0] += 2
        assert share.room(head.nodes()) == 3
        alive.clear()
        for _ in range(5):
            now[0] += 2
            assert share.room(head.nodes()) == 3
        now[0] += 2
        with pytest.raises(HeadLost, match="asked in vain"):
            head.nodes()
        alive.set()


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_a_lost_head_is_told_and_the_same_command_continues(
    ray_nodes: Nodes, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "_AWAY_S", 0.5)
    monkeypatch.setattr(heads, "_ASK_EVERY_S", 0.1)
    doomed = Nodes(1)
    told: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        told.append(outcome)
        if len(told) == 1:
            doomed.kill_head()
            time.sleep(1)

    began = time.monotonic()
    with pytest.raises(HeadLost, match="type the same command"):
        cluster.enhance_all(
            [str(photos)], f"{tmp_path}/", OPTIONS, report=report, address=doomed.address
        )
    assert time.monotonic() - began < 50
    doomed.close()
    assert {outcome.status for outcome in told} == {"done"}
    assert [p.name for p in tmp_path.rglob(".*.drafts")] == []
    again = cluster.enhance_all([str(photos)], f"{tmp_path}/", OPTIONS, address=ray_nodes.address)
    assert Counter(o.status for o in again) == {"skipped": len(told), "done": 13 - len(told)}
