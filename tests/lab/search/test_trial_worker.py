"""A worker of a search, in this process: what it refuses, and how it waits for answers."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

import crispen
from crispen.evaluate.run_folders import read_run
from crispen.lab.recipe import load_recipe
from crispen.lab.search.trial_worker import Look, Trained, TrialSetup, TrialWorker, Validation

from .test_searching import TINY


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrialSetup:
    """What a worker in this folder is given; the process is as before after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(TrialWorker, "hello", lambda self: _Hello(self._refusal))
    (tmp_path / "journal.log").touch()
    command = ("crispen", "search", "toy")
    return TrialSetup(crispen.__version__, tmp_path / "journal.log", tmp_path, command, "cpu", 1)


class _Hello:
    """As an actor's, whose machine has a name."""

    name = "here"

    def __init__(self, refusal: str) -> None:
        self.refusal = refusal


def changed(setup: TrialSetup, **changes: object) -> str:
    from dataclasses import replace

    return TrialWorker(replace(setup, **changes)).hello().refusal  # type: ignore[arg-type]


def test_a_machine_that_does_not_see_the_same_is_refused(setup: TrialSetup) -> None:
    assert changed(setup) == ""
    assert "install the same" in changed(setup, version="0.0.1")
    away = Path("/none/search/journal.log")
    assert changed(setup, journal=away) == (
        "does not see /none/search; use a folder that all machines share"
    )
    assert changed(setup, current=Path("/none")).startswith("does not see /none, where the search")


def test_it_is_no_part_of_the_job_that_started_its_ray(
    setup: TrialSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under ``srun ray start``: a trial would wait for the other processes of the job."""
    monkeypatch.setenv("SLURM_NTASKS", "4")
    TrialWorker(setup)
    assert "SLURM_NTASKS" not in os.environ
    assert sys.argv == ["crispen", "search", "toy"]


def seen(worker: TrialWorker, *, stop: bool = False) -> Look:
    """Its next validation that waits."""
    for _ in range(2400):
        look = worker.look(stop=stop)
        if look.validation is not None:
            return look
        time.sleep(0.05)
    raise AssertionError("no validation came")


def test_each_validation_waits_for_an_answer(setup: TrialSetup, tmp_path: Path) -> None:
    recipe = load_recipe("toy", TINY)
    worker = TrialWorker(setup)
    ends: list[Trained] = []

    def train() -> None:
        ends.append(worker.train(recipe, tmp_path / "trial"))

    thread = threading.Thread(target=train)
    thread.start()
    look = seen(worker)
    assert (look.node, look.steps) == ("here", 4)
    assert look.validation is not None
    first = look.validation.value
    assert look.validation == Validation(2, 4, first)
    time.sleep(0.3)
    assert worker.look(stop=False) == look  # it waits
    worker.answer(1, prune=True)  # a late answer to something else
    assert worker.look(stop=False) == look
    worker.answer(2, prune=False)
    for _ in range(2400):
        look = worker.look(stop=False)
        if look.validation is not None and look.validation.step == 4:
            break
        time.sleep(0.05)
    assert look.validation is not None
    last = look.validation.value
    worker.answer(4, prune=False)
    thread.join()
    assert ends == [Trained(max(first, last))]

    ends.clear()
    thread = threading.Thread(target=lambda: ends.append(worker.train(recipe, tmp_path / "pruned")))
    thread.start()
    seen(worker)
    worker.answer(2, prune=True)
    thread.join()
    assert ends == [Trained(None, pruned=True)]
    assert read_run(tmp_path / "pruned").step == 2


def test_one_that_is_stopped_has_a_checkpoint(setup: TrialSetup, tmp_path: Path) -> None:
    recipe = load_recipe("toy", TINY)
    worker = TrialWorker(setup)
    ends: list[Trained] = []
    thread = threading.Thread(target=lambda: ends.append(worker.train(recipe, tmp_path / "t")))
    thread.start()
    seen(worker)
    worker.look(stop=True)
    worker.answer(2, prune=False)
    thread.join()
    assert ends == [Trained(None)]
    assert (tmp_path / "t" / "last.ckpt").is_file()
    assert read_run(tmp_path / "t").status == "stopped"
