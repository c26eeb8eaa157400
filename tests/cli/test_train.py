"""``crispen train``: from a recipe to a model that is used, and everything that can stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from crispen.evaluate.run_folders import read_run

SHORT = (
    "--set",
    "train.steps=3",
    "--set",
    "data.count=6",
    "--set",
    "data.side=64",
    "--set",
    "validation.count=2",
)


def test_train_then_use(crispen: Any, photo: Path) -> None:
    said = crispen("train", "toy", *SHORT, "--threads", "1", "--device", "cpu")
    assert said.code == 0, said.err
    assert "trained toy: 3 steps, best" in said.out
    assert "--model runs/toy/toy.onnx" in said.out
    used = crispen("enhance", photo, "-o", "big.png", "--model", "runs/toy/toy.onnx")
    assert used.code == 0, used.err


def test_json_tells_checkpoint_model_and_figures(crispen: Any) -> None:
    said = crispen("train", "toy", *SHORT, "-o", "here", "--json")
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    assert (facts["checkpoint"], facts["model"]) == ("here/best.ckpt", "here/toy.onnx")
    assert facts["best"]["step"] == 3
    assert all("progress" in json.loads(line) for line in said.err.splitlines())


def test_resume_and_begin_anew(crispen: Any) -> None:
    assert crispen("train", "toy", *SHORT, "--resume").code == 1
    assert crispen("train", "toy", *SHORT, "--no-export").code == 0
    longer = (*SHORT, "--set", "train.steps=5", "--no-export", "--json")
    assert crispen("train", "toy", *longer, "--resume").code == 0
    assert read_run(Path("runs/toy")).step == 5
    other = crispen("train", "toy", *longer, "--set", "network.width=8")
    assert other.code == 2
    assert "another recipe (network differs)" in other.err
    assert "--no-resume" in other.err
    anew = crispen("train", "toy", *longer, "--set", "network.width=8", "--no-resume")
    assert anew.code == 0, anew.err
    assert read_run(Path("runs/toy.1")).step == 5


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "crispen train --list"),
        (("toi",), 1, "did you mean toy"),
        (("srcnn",), 1, "srcnn-x2, srcnn-x3, srcnn-x4"),
        (("toy", "--set", "train.stepps=3"), 2, "train.stepps"),
        (("toy", "--set", "scale=0"), 2, "scale"),
        (("toy", "--set", "data.patch=400"), 1, "smaller than a crop"),
        (("toy", "--valid", "nowhere"), 1, "nowhere: no such folder"),
        (("toy", "--start", "nowhere.ckpt"), 1, "nowhere.ckpt does not exist; train it first"),
        (("toy", "--device", "abacus"), 2, "give auto, cpu"),
        (("toy", "--slurm", "gpu=4"), 2, "did you mean gpus"),
    ],
)
def test_what_is_wrong_is_told(
    crispen: Any, arguments: tuple[str, ...], code: int, told: str
) -> None:
    said = crispen("train", *arguments)
    assert said.code == code
    assert told in said.err
    assert "Traceback" not in said.err


def test_list_shows_every_recipe(crispen: Any) -> None:
    from crispen.lab.recipe import recipe_names

    rows = json.loads(crispen("train", "--list", "--json").out)
    assert [row["name"] for row in rows] == recipe_names()
    assert all(row["summary"] and row["network"] for row in rows)
    table = crispen("train", "--list").out
    assert "photo-fast-x2" in table


def test_ctrl_c_saves_and_the_same_command_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "crispen", "train", "toy", "-o", "run", "--no-export"]
    command += ["--threads", "1", "--set", "train.steps=100000", "--set", "train.log_every=5"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "run" / "log.csv"
    try:
        deadline = time.monotonic() + 120
        while not log.is_file():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "stopped" in err
    run = read_run(tmp_path / "run")
    assert run.status == "stopped"
    assert run.step >= 5
    assert (tmp_path / "run" / "last.ckpt").is_file()
