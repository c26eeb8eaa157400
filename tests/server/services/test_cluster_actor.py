"""What an actor does, here without Ray."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crispen.jobs.job_store import JobStore
from crispen.jobs.ownership import Ownership
from crispen.jobs.worker import WorkerLimits
from crispen.jobs.worker_process import WorkerSetup
from crispen.server.services.cluster_actor import (
    ActorSetup,
    Heard,
    WorkerActor,
    actor_setup,
    refusal,
)


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ActorSetup:
    monkeypatch.setenv("CRISPEN_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("VIPS_CONCURRENCY", "1")
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    store = JobStore(url)
    ownership = Ownership(store, tmp_path)
    ownership.take()
    ownership.release()
    store.close()
    limits = WorkerLimits(tmp_path / "jobs", "cpu", 1, 64 << 20, 1000, 1000)
    return actor_setup(WorkerSetup(url, limits, lease_s=30, max_job_s=600))


def test_a_machine_must_have_the_same_version_and_see_the_same_folder(
    setup: ActorSetup, tmp_path: Path
) -> None:
    assert refusal(setup) == ""
    assert "install the same" in refusal(replace(setup, version="0.0.1"))
    (tmp_path / "store").write_text("another\n")
    assert refusal(setup) == (
        f"does not see the server's {tmp_path}; use a folder that all machines share"
    )
    (tmp_path / "store").unlink()
    assert "does not see" in refusal(setup)


def test_messages_and_logs_are_passed_on_until_the_worker_ends(setup: ActorSetup) -> None:
    actor = WorkerActor(setup)
    thread = threading.Thread(target=actor.work)
    thread.start()

    def heard(good: Callable[[Heard], bool]) -> Heard:
        for _ in range(30):
            now = actor.hear()
            if good(now):
                return now
        raise AssertionError("not in time")

    first = heard(lambda now: bool(now.messages))
    assert first.messages[0][0] == "name"
    logging.getLogger("crispen.test").warning("the %s", "words")
    said = heard(lambda now: bool(now.lines))
    assert said.lines == ("WARNING crispen.test the words",)
    actor.say("stop")
    assert heard(lambda now: now.ended).ended
    thread.join()
    actor.say("wake")  # which nobody hears
    assert actor.hear().ended
