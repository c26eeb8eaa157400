"""``crispen data``: lists, fetches and packs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.lab.data import PackTable, open_batches
from crispen.lab.data.catalogue import SETS
from crispen.media.image import Image, write_image


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRISPEN_DATA", str(tmp_path / ".cache"))
    return tmp_path / ".cache"


def test_the_list(crispen: Any, cache: Path) -> None:
    said = crispen("data")
    assert said.code == 0, said.err
    for name, public in SETS.items():
        assert name in said.out
        assert public.title.split(",")[0] in said.out
    assert "needs an account at Kaggle" in said.out
    (cache / "div2k").mkdir(parents=True)
    here = {s["name"]: s["path"] for s in json.loads(crispen("data", "--json").out)}
    assert here["div2k"] == str(cache / "div2k")
    assert here["bsds500"] is None


def test_fetch(crispen: Any, cache: Path) -> None:
    (cache / "div2k").mkdir(parents=True)
    said = crispen("data", "fetch", "div2k")
    assert said.code == 0, said.err
    assert str(cache / "div2k") in said.out
    assert 'kind = "named" and name = "div2k"' in said.out
    (cache / "cifar-10-binary.tar.gz").touch()
    assert 'kind = "cifar10"\n' in crispen("data", "fetch", "cifar10").out
    facts = json.loads(crispen("data", "fetch", "div2k", "--json").out)
    assert facts == {"name": "div2k", "path": str(cache / "div2k")}


def test_fetch_tells_what_is_wrong(crispen: Any) -> None:
    said = crispen("data", "fetch", "div2kk")
    assert (said.code, said.out) == (2, "")
    assert "did you mean div2k" in said.err
    said = crispen("data", "fetch", "unsplash-pairs")
    assert said.code == 1
    assert "Kaggle asks for an account" in said.err


def test_pack(crispen: Any, tmp_path: Path) -> None:
    for i in range(3):
        rgb = np.random.default_rng(i).integers(0, 256, (20, 30, 3), np.uint8)
        (tmp_path / "in").mkdir(exist_ok=True)
        write_image(Image(rgb), tmp_path / f"in/{i}.png")
    said = crispen("data", "pack", "in", "-o", "x.safetensors", "--color", "luma", "--crop", "10")
    assert said.code == 0, said.err
    assert "packed 18 pictures into x.safetensors (0.0 MB)" in said.out
    batches = open_batches(PackTable(path=str(tmp_path / "x.safetensors"), patch=10), seed=0)
    assert batches.samples == 12  # six crops of each picture, one picture held out
    again = crispen("data", "pack", "in", "-o", "x.safetensors")
    assert again.code == 1
    assert "exists already" in again.err
    facts = json.loads(
        crispen("data", "pack", "in", "-o", "x.safetensors", "--overwrite", "--json").out
    )
    assert facts["pictures"] == 3
    assert facts["bytes"] == (tmp_path / "x.safetensors").stat().st_size
