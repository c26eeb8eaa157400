"""Each command as a person would type it; ``enhance`` has a file of its own."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.cli import doctor
from crispen.engines import devices
from crispen.media.image import Image, read_image, write_image
from crispen.media.resample import resize
from crispen.models.store import find


def test_models_as_a_table(crispen: Any) -> None:
    said = crispen("models")
    assert said.code == 0
    for word in ("espcn-x2", "upscale", "x2", "58,212", "halo", "PSNR Set5", "speed"):
        assert word in said.out


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


def test_compare_makes_a_sheet(crispen: Any, photo: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    pixels = read_image(photo).as_rgb8()
    write_image(Image(resize(pixels, 80, 96, method="lanczos").astype(np.uint8)), large)
    said = crispen("compare", photo, large, "-o", "sheet.png", "--reference", large)
    assert said.code == 0, said.err
    assert "made sheet.png" in said.out
    assert read_image(tmp_path / "sheet.png").width > 900
    again = crispen("compare", photo, large, "-o", "sheet.png")
    assert again.code == 1
    assert "--overwrite" in again.err
    facts = json.loads(
        crispen("compare", photo, large, "-o", "sheet.png", "--overwrite", "--json").out
    )
    assert facts["panels"][0]["note"] == "bicubic 2×"


def test_compare_makes_a_page(crispen: Any, photo: Path, tmp_path: Path) -> None:
    assert crispen("compare", photo, photo, "-o", "sheet.html", "--insets", "1").code == 0
    assert (tmp_path / "sheet.html").read_text().count("data-side=") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("photo.png", "photo.png", "-o", "sheet.doc"), 2, ".png or .html"),
        (("photo.png", "photo.png", "-o", "photo.png", "--overwrite"), 2, "one of the pictures"),
        (("photo.png", "nowhere.png", "-o", "sheet.png"), 1, "nowhere.png"),
        (("photo.png", "photo.png"), 2, "-o"),
    ],
)
def test_compare_wrongly(
    crispen: Any, photo: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    before = photo.read_bytes()
    said = crispen("compare", *arguments)
    assert said.code == code
    assert text in said.err
    assert photo.read_bytes() == before


def test_evaluate_in_every_format(crispen: Any, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    photo.rename(folder / "photo.png")
    common = ("evaluate", "bicubic", "espcn-x2", "--data", folder, "--threads", "1")
    table = crispen(*common)
    assert table.code == 0, table.err
    assert "Y'" in table.out
    markdown = crispen(*common, "--format", "markdown").out
    assert markdown.splitlines()[1] == "| --- | --- | --- | --- | --- | --- | --- |"
    rows = list(csv.DictReader(io.StringIO(crispen(*common, "--format", "csv").out)))
    assert [r["picture"] for r in rows] == ["photo.png", "mean"] * 2
    scores = json.loads(crispen(*common, "--json").out)
    assert [s["model"] for s in scores] == ["bicubic", "espcn-x2"]
    assert float(rows[0]["PSNR"]) == pytest.approx(scores[0]["psnr"], abs=0.005)


def test_evaluate_without_data(crispen: Any) -> None:
    said = crispen("evaluate", "bicubic", "--data", "nowhere")
    assert said.code == 1
    assert "no such folder" in said.err


def test_without_pytorch_the_install_line_is_told(
    crispen: Any, photo: Path, no_pytorch: None
) -> None:
    for arguments in (("train", "photo-x2"), ("export", photo)):
        said = crispen(*arguments)
        assert said.code == 2
        assert "pip install 'crispen[train]'" in said.err


def test_doctor(crispen: Any) -> None:
    said = crispen("doctor")
    assert said.code == 0
    for word in ("openvino", "libvips", "FFmpeg", "free memory", "cores", "advice"):
        assert word in said.out
    report = json.loads(crispen("doctor", "--json").out)
    assert report["machine"]["cores"] >= 1
    assert "espcn-x2" in report["models"]["ready"]


def test_doctor_with_nothing_installed(crispen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda module: None)
    monkeypatch.setattr(doctor, "_read", lambda path: "")
    monkeypatch.setattr(devices, "_version", lambda *names: "")
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    said = crispen("doctor")
    assert said.code == 0
    assert "crispen[onnxruntime]" in said.out
    assert "crispen[server]" in said.out
    for line in ("pip install openvino", "crispen[train]", "pyvips[binary]", "pip install av"):
        assert line in said.out


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("avx2 avx512_bf16 avx512_vnni", []),
        ("avx2 avx512_bf16", ["no VNNI"]),
        ("avx2", ["no bf16", "no VNNI"]),
        ("asimd", ["no bf16"]),
    ],
)
def test_doctor_tells_what_the_cpu_lacks(
    crispen: Any, monkeypatch: pytest.MonkeyPatch, flags: str, told: list[str]
) -> None:
    monkeypatch.setattr(doctor, "_read", lambda path: f"flags : fpu {flags}\n")
    said = crispen("doctor").out
    assert [text for text in ("no bf16", "no VNNI") if text in said] == told


def test_doctor_with_something_broken(crispen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(module: str) -> None:
        raise OSError("libvips.so: cannot open")

    monkeypatch.setattr(doctor, "_version", fail)
    said = crispen("doctor")
    assert said.code == 0
    assert "pictures cannot be used: OSError: libvips.so: cannot open" in said.out


def test_doctor_with_a_broken_engine(crispen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("libcuda.so.1: cannot open")

    monkeypatch.setattr(devices, "_torch", broken)
    said = crispen("doctor")
    assert said.code == 0
    assert "torch cannot be used: libcuda.so.1: cannot open; reinstall torch" in said.out


def test_doctor_lists_what_the_engines_say(crispen: Any) -> None:
    report = json.loads(crispen("doctor", "--json").out)
    for info in devices.available_devices():
        assert ", ".join(info.devices) in report["engines"][info.engine]


def test_free_memory_where_it_is_not_told() -> None:
    assert doctor.free_memory("") is None
