"""Run folders read back: whole ones, half-written ones, and what is none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from crispen.errors import MissingInput
from crispen.evaluate.run_folders import list_runs, read_run

HEADER = "step,epoch,learning_rate,loss,val_loss,val_mse,val_psnr,val_ssim,val_accuracy,seconds"
LOG = f"""{HEADER}
100,0.5,0.001,0.02,,,,,,10
200,1,0.001,0.01,0.012,0.003,27.5,0.9,,20
300,1.5,0.0005,0.009,,,,,,30
400,2,0.0005,0.008,0.011,0.0025,26.5,0.91,,40
"""
RECIPE = """
name = "denoise-toy"
task = "denoise"
scale = 1
[train]
steps = 1000
seed = 7
"""


def run(folder: Path, *, log: str = LOG, **about: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "log.csv").write_text(log)
    facts = {"name": "denoise-toy", "task": "denoise", "status": "running", "step": 400} | about
    (folder / "run.json").write_text(json.dumps(facts))
    return folder


def test_a_run_is_read(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "a",
        status="done",
        best={"step": 200, "psnr": 27.5},
        command=["crispen", "train", "toy.toml"],
        paper={"title": "T", "figures": {"psnr": 27.25}},
    )
    (folder / "denoise-toy.onnx").write_bytes(b"")
    one = read_run(folder)
    assert (one.id, one.name, one.task, one.status) == ("a", "denoise-toy", "denoise", "done")
    assert (one.step, one.steps, one.seed, one.scale) == (400, 1000, 7, 1)
    assert one.fraction == 0.4
    assert one.wall_time_s == 40
    assert one.best == {"step": 200, "psnr": 27.5}
    assert one.command == "crispen train toy.toml"
    assert one.paper["figures"] == {"psnr": 27.25}
    assert one.model == folder / "denoise-toy.onnx"
    assert json.loads(json.dumps(one.facts()))["name"] == "denoise-toy"


def test_curves_hold_what_was_measured(tmp_path: Path) -> None:
    log = read_run(run(tmp_path / "a")).log
    assert len(log) == 4
    assert log.curve("val_psnr") == [(200, 27.5), (400, 26.5)]
    assert log.curve("val_psnr", over="epoch") == [(1, 27.5), (2, 26.5)]
    assert log.curve("val_accuracy") == []
    assert log.curve("nothing") == []
    assert log.best("val_psnr") == (200, 27.5)
    assert log.best("val_loss") == (400, 0.011)
    assert log.best("val_mse") == (400, 0.0025)
    assert log.best("val_accuracy") is None
    assert log.last("val_ssim") == 0.91
    assert next(iter(log.rows()))["loss"] == 0.02


def test_a_half_written_line_is_left_out(tmp_path: Path) -> None:
    log = read_run(run(tmp_path / "a", log=LOG + "500,2.5,0.00")).log
    assert log.columns["step"] == (100, 200, 300, 400)


def test_a_resumed_run_counts_its_last_words(tmp_path: Path) -> None:
    again = "300,1.5,0.0005,0.5,,,,,,33\n400,2,0.0005,0.4,,,,,,43\n"
    log = read_run(run(tmp_path / "a", log=LOG + again)).log
    assert log.curve("loss") == [(100, 0.02), (200, 0.01), (300, 0.5), (400, 0.4)]
    assert log.curve("val_psnr") == [(200, 27.5)]


def test_what_is_no_number_is_not_measured(tmp_path: Path) -> None:
    log = read_run(run(tmp_path / "a", log=LOG + "500,2.5,0.1,nan,inf,?,,,,50\n")).log
    assert log.curve("loss")[-1] == (400, 0.008)
    assert log.columns["val_loss"][-1] is None


@pytest.mark.parametrize("broken", ["", '{"name": "denoise-t', "[1, 2]", "null"])
def test_a_run_whose_facts_are_half_written(tmp_path: Path, broken: str) -> None:
    folder = run(tmp_path / "a")
    (folder / "run.json").write_text(broken)
    one = read_run(folder)
    assert (one.name, one.task, one.status) == ("denoise-toy", "denoise", "unknown")
    assert (one.step, one.steps) == (400, 1000)


def test_a_run_that_just_began(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text('{"status": "running", "step": null, "best": null}')
    one = read_run(tmp_path / "a")
    assert (one.name, one.step, one.status, one.fraction) == ("a", 0, "running", 0.0)
    assert len(one.log) == 0
    assert list(one.log.rows()) == []


def test_a_log_without_lines(tmp_path: Path) -> None:
    for text in ("", HEADER, HEADER + "\n", "\0\0\n"):
        assert len(read_run(run(tmp_path / "a", log=text)).log) == 0


def test_a_broken_recipe_is_still_shown_as_text(tmp_path: Path) -> None:
    folder = run(tmp_path / "a")
    (folder / "recipe.toml").write_text("name = ")
    one = read_run(folder)
    assert one.recipe == {}
    assert one.recipe_text == "name = "


def test_samples_are_those_that_are_there(tmp_path: Path) -> None:
    folder = run(tmp_path / "a")
    sheets = folder / "samples"
    sheets.mkdir()
    for step in (5000, 1000):
        (sheets / f"step-{step:08}.png").write_bytes(b"x")
    (folder / "secret.png").write_bytes(b"x")
    listed = [
        {"step": 5000, "epoch": 5, "file": "step-00005000.png"},
        {"step": 1000, "epoch": None, "file": "step-00001000.png"},
        {"step": 9000, "epoch": 9, "file": "step-00009000.png"},
        {"step": 1, "epoch": 0, "file": "../secret.png"},
        "nonsense",
    ]
    (sheets / "samples.json").write_text(json.dumps(listed))
    samples = read_run(folder).samples
    assert [(s.step, s.epoch) for s in samples] == [(1000, None), (5000, 5.0)]
    assert samples[1].file == sheets / "step-00005000.png"


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    for age, name in enumerate(("c", "a", "b")):
        folder = run(tmp_path / name)
        for file in folder.iterdir():
            os.utime(file, (1e9 - age, 1e9 - age))
    (tmp_path / "notes").mkdir()
    (tmp_path / "file.txt").write_text("")
    assert [r.id for r in list_runs(tmp_path)] == ["c", "a", "b"]


def test_runs_below_other_folders(tmp_path: Path) -> None:
    run(tmp_path / "study" / "one")
    assert list_runs(tmp_path) == []
    assert [r.id for r in list_runs(tmp_path, depth=2)] == ["study/one"]


def test_a_runs_own_folder_lists_that_run(tmp_path: Path) -> None:
    assert [r.id for r in list_runs(run(tmp_path / "a"))] == ["a"]


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="crispen train"):
        list_runs(tmp_path / "nowhere")


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match=r"no run\.json"):
        read_run(tmp_path)
