"""Batches as the command line runs them."""

import io
import json
import os
import shutil
import sys
from dataclasses import replace

import pytest
from PIL import Image as PilImage

from crispen.cli.enhance import parse_memory, summary
from crispen.enhance.batch import Outcome, enhance_all, exit_code
from crispen.enhance.record import NAME

from .batches import FAST, asking, crispen, size


def test_exit_codes():
    done = Outcome("a", "b", "done")
    usage = Outcome("a", "b", "failed", exit_code=2)
    broken = Outcome("a", "b", "failed", exit_code=1)
    assert exit_code([]) == 0
    assert exit_code([done, Outcome("a", "b", "skipped")]) == 0
    assert exit_code([done, usage]) == 1
    assert exit_code([usage]) == 2
    assert exit_code([usage, broken]) == 1


def test_command(folder, capsys):
    assert crispen("a.png", "--scale", "1.5") == 0
    assert capsys.readouterr().out.startswith("a.png → a.x1.5.png  30x20 → 45x30  ")
    assert size("a.x1.5.png") == (45, 30)
    assert crispen("a.png", "--size", "100x100", "--fit", "-o", "fit.png") == 0
    assert size("fit.png") == (100, 67)
    capsys.readouterr()
    assert crispen("a.png", "--scale", "1.5") == 0
    assert capsys.readouterr().out == "a.png → a.x1.5.png  skipped, finished already\n"


def test_command_as_json(folder, capsys):
    assert crispen("a.png", "gone.png", "--json") == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_source = {entry["source"]: entry for entry in told}
    assert by_source["a.png"]["target_size"] == [60, 40]
    assert by_source["gone.png"]["status"] == "failed"
    assert "no such file" in by_source["gone.png"]["error"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--scale", "2", "--width", "9"),
        ("--size", "big"),
        ("--memory", "lots"),
        ("--memory", "1k"),
        ("--tile", "0"),
        ("--tile", "9", "--size", "3000x3000"),
        ("--quality", "101"),
        ("--format", "docx"),
        ("--fit",),
        ("--model", "photo"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(folder, capsys, wrong):
    assert crispen("a.png", *wrong) == 2
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert len(told.err.strip().splitlines()) == 1
    assert sorted(p.name for p in folder.iterdir()) == ["a.png", "b.png", "sub"]


def test_standard_input_to_standard_output(folder, monkeypatch, capsysbinary):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((folder / "a.png").read_bytes())))
    assert crispen("-") == 0
    told = capsysbinary.readouterr()
    with PilImage.open(io.BytesIO(told.out)) as picture:
        assert (picture.format, picture.size) == ("PNG", (60, 40))
    assert b"30x20" in told.err


def test_memory():
    assert parse_memory("500M") == 500 << 20
    assert parse_memory("2 GiB") == 2 << 30
    assert parse_memory("1.5gb") == 3 << 29
    assert parse_memory("123456") == 123_456


def test_summary():
    done = Outcome("d/photo.jpg", "d/photo.x2.jpg", "done", (4, 3), (8, 6), 1, 5.12)
    assert summary(done) == "d/photo.jpg → photo.x2.jpg  4x3 → 8x6  5.1 s"
    made = {"models": ("denoise-photo", "photo-x2"), "codec": "hevc", "frames": 50}
    clip = Outcome("d/a.mp4", "e/a.mp4", "done", (4, 3), (8, 6), seconds=5.12, **made)
    what = "denoise-photo + photo-x2, hevc"
    assert summary(clip) == f"d/a.mp4 → e/a.mp4  4x3 → 8x6  50 frames  {what}  5.1 s"
    failed = Outcome("photo.jpg", "", "failed", error="the disk is full")
    assert summary(failed) == "failed: photo.jpg: the disk is full"


def test_every_odd_file_in_one_batch(shared_data, tmp_path):
    """Valid ones come out at twice their size; broken ones fail alone, and nothing is left over."""
    odd = shared_data / "odd"
    inside = tmp_path / "in"
    for kind in ("valid", "broken", "unsupported"):
        # 144 megapixels within the limit: enlarged rightly, in a minute that a test need not spend.
        skip = shutil.ignore_patterns("bomb_12000x12000_grey.png")
        shutil.copytree(odd / kind, inside / kind, copy_function=shutil.copy, ignore=skip)
    before = {p: p.read_bytes() for p in inside.rglob("*") if p.is_file()}
    options = asking(replace(FAST, recursive=True), scale=2)
    outcomes = enhance_all([str(inside)], str(tmp_path / "out"), options)
    assert len(outcomes) == len(before)
    assert {p: p.read_bytes() for p in before} == before
    by_name = {os.path.relpath(o.source, inside): o for o in outcomes}
    failed = [name for name, o in by_name.items() if o.status == "failed"]
    assert [name for name in failed if name.startswith("valid")] == []
    for name, outcome in by_name.items():
        if outcome.status == "failed":
            assert outcome.error
            assert "\n" not in outcome.error
            assert "unexpected" not in outcome.error, name
        else:
            assert outcome.source_size is not None
            assert outcome.target_size == tuple(2 * side for side in outcome.source_size)
    made = {p for p in (tmp_path / "out").rglob("*") if p.is_file() and p.name != NAME}
    assert len(made) == sum(o.status == "done" for o in outcomes)
    assert {"bomb_30000x30000_1bit.png", "text.png", "zero_bytes.jpg", "truncated.jpg"} <= {
        os.path.basename(name) for name in failed
    }
