"""``crispen doctor``: what the machine can use, and what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crispen.cli import doctor
from crispen.engines import devices


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
