"""Checkpoints: what is taken from them, which are refused, and that they run no code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from crispen.errors import InputError, UsageError
from crispen.lab.checkpoint import CHECKPOINT, load_checkpoint, restore_weights
from crispen.lab.recipe import Recipe
from crispen.lab.training import Trainer

Make = Callable[..., Recipe]


def test_start_copies_what_fits(recipe: Make, tmp_path: Path) -> None:
    from crispen.lab.export import export_checkpoint
    from crispen.models.card import read_card

    Trainer(recipe("upscale", "train.steps=5"), tmp_path / "x2").fit()
    start = f"train.start='{tmp_path / 'x2' / CHECKPOINT}'"
    x3 = recipe("upscale", "scale=3", "name=tiny-x3", "train.steps=5", start)
    trainer = Trainer(x3, tmp_path / "x3")
    source = load_checkpoint(tmp_path / "x2" / CHECKPOINT)["average"]
    own = trainer.learner.network.state_dict()
    assert torch.equal(own["head.weight"], source["head.weight"])
    assert own["tail.weight"].shape[0] == 9
    trainer.fit()
    path = export_checkpoint(tmp_path / "x3" / CHECKPOINT, tmp_path)
    training = read_card(path).training
    assert (training.steps, training.started_from) == (10, "tiny-x2")
    other = recipe("denoise", start)
    with pytest.raises(UsageError, match=r"train\.start: nothing in .*tiny-x2.* fits"):
        Trainer(other, tmp_path / "other")


def test_a_checkpoint_of_version_0_1_is_read(recipe: Make, tmp_path: Path) -> None:
    Trainer(recipe("upscale", "train.steps=2"), tmp_path).fit()
    content = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    table = json.loads(content["recipe"])
    old = {
        "name": "tiny-x2",
        "task": "upscale",
        "summary": "",
        "scale": 2,
        "network": {"kind": "plain", "width": 8, "depth": 2, "activation": "relu"},
        "data": {"path": "p", "color": "luma", "patch": 12, "batch": 4, "licence": "CC0"},
        "train": {"steps": 2, "loss": "mse", "ema": 0.9, "start": "", "precision": "bf16"},
    }
    del content["format"], content["data"]
    content |= {"recipe": json.dumps(old), "data_sha256": "0" * 64}
    file = tmp_path / "old.pt"
    torch.save(content, file)
    read = load_checkpoint(file)
    assert read["recipe"].loss_text == "20 mse"
    assert read["data"] == {"digest": "0" * 64, "licence": "CC0"}
    assert table["train"]["steps"] == 2


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04"])
def test_other_files_are_no_checkpoints(tmp_path: Path, content: bytes) -> None:
    junk = tmp_path / "junk.ckpt"
    junk.write_bytes(content)
    with pytest.raises(InputError, match="not a Crispen checkpoint"):
        load_checkpoint(junk)


def test_a_checkpoint_of_another_network_is_refused(recipe: Make, tmp_path: Path) -> None:
    Trainer(recipe("upscale", "train.steps=1"), tmp_path).fit()
    content = load_checkpoint(tmp_path / CHECKPOINT)
    wider = recipe("upscale", "network.width=16")
    from crispen.lab.learner import make_network

    with pytest.raises(UsageError, match="weights belong to another network"):
        restore_weights(make_network(wider), content["network"], tmp_path / CHECKPOINT)


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (print, ("owned",))

    file = tmp_path / "evil.ckpt"
    torch.save({"recipe": Evil()}, file)
    with pytest.raises(InputError, match="not a Crispen checkpoint"):
        load_checkpoint(file)
