"""How a worker process ended."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from crispen.jobs.launcher import LocalLauncher
from crispen.jobs.worker import WorkerLimits
from crispen.jobs.worker_process import WorkerSetup


@pytest.fixture
def setup(tmp_path: Path, limits: WorkerLimits) -> WorkerSetup:
    return WorkerSetup(f"sqlite:///{tmp_path / 'queue.db'}", limits, lease_s=30, max_job_s=600)


def test_a_process_says_its_name_and_ends_when_it_is_told(store, setup: WorkerSetup) -> None:
    launcher = LocalLauncher()
    launcher.begin()
    one = launcher.launch(setup)
    assert one.alive
    assert one.ready
    assert one.label == str(one.pid)
    word, name = one.pipe.recv()
    assert word == "name"
    assert f"-{one.pid}-" in name
    one.say("stop")
    one.join(30)
    assert not one.alive
    assert one.fate == "ended with code 0"
    one.say("wake")  # which nobody hears
    one.pipe.close()
    launcher.end()


def test_a_killed_process_says_by_what(setup: WorkerSetup) -> None:
    one = LocalLauncher().launch(setup)
    one.kill()
    one.join()
    assert one.fate == f"was ended by {signal.Signals(9).name}, perhaps for lack of memory"
    one.pipe.close()


def test_all_that_are_wanted_run_here() -> None:
    assert (LocalLauncher().room(3), LocalLauncher().fewest(3)) == (3, 3)
