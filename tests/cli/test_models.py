"""``crispen models`` as a person would type it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from crispen.models.store import find

from .. import ncnn_models


def test_models_as_a_table(crispen: Any) -> None:
    said = crispen("models", "--all")
    assert said.code == 0
    for word in ("espcn-x2", "upscale", "x2", "58,212", "halo", "PSNR Set5", "speed"):
        assert word in said.out


def test_models_that_people_choose_from(crispen: Any) -> None:
    said = crispen("models")
    assert said.code == 0
    for word in ("real", "vivid", "photo", "relight", "use this for", "everyday pictures"):
        assert word in said.out
    for word in ("espcn", "srcnn", "autoencoder"):
        assert word not in said.out


def test_models_as_json(crispen: Any) -> None:
    cards = json.loads(crispen("models", "--json").out)
    (espcn,) = [c for c in cards if c["name"] == "espcn-x2"]
    # 5²·64+64 + 3²·64²+64 + 3²·64·32+32 + 3²·32·4+4, as published.
    assert (espcn["parameters"], espcn["scale"], espcn["halo"]) == (58212, 2, 5)


def test_models_show(crispen: Any) -> None:
    said = crispen("models", "show", "espcn-x3")
    assert said.out.startswith("# espcn-x3\n")
    facts = json.loads(crispen("models", "show", "espcn-x3", "--json").out)
    assert Path(facts["path"]).is_file()


def test_models_add(crispen: Any, tmp_path: Path) -> None:
    path, _ = find("espcn-x2")
    said = crispen("models", "add", path, "--name", "mine-x2")
    assert said.code == 0, said.err
    assert "mine-x2" in said.out
    assert "mine-x2" in crispen("models").out


def test_a_folder_of_models(crispen: Any, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    assert (
        "holds no .onnx, .param, .pth, .pt or .safetensors" in crispen("models", "add", folder).err
    )
    ncnn_models.doubling(folder, "one")
    ncnn_models.doubling(folder, "two").write_text("<html>")
    said = crispen("models", "add", folder)
    assert said.code == 1
    assert said.out == "added one (enlarges x2, rgb); use it with --model one\n"
    assert "two.param: is broken (it does not begin as models of ncnn do)" in said.err
    assert "one" in crispen("models").out
    (folder / "two.param").unlink()
    (folder / "one.param").rename(folder / "three.param")
    (folder / "one.bin").rename(folder / "three.bin")
    said = crispen("models", "add", folder, "--json")
    assert [card["name"] for card in json.loads(said.out)] == ["three"]
    assert crispen("models", "add", folder, "--name", "mine").code == 2


def test_an_unknown_model_is_wrong_usage(crispen: Any, photo: Path) -> None:
    for arguments in (("enhance", photo, "--model", "foto-x2"), ("models", "show", "foto-x2")):
        said = crispen(*arguments)
        assert said.code == 2
        assert "did you mean photo-x2" in said.err


def test_a_broken_model_is_a_bad_file(crispen: Any, photo: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"nothing of the kind")
    for arguments in (("enhance", photo, "--model", broken), ("models", "add", broken)):
        said = crispen(*arguments)
        assert said.code == 1
        assert f"{broken}: not an ONNX file" in said.err
