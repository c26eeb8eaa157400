"""Device names, and what is said where there is no such device."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from crispen.engines import devices
from crispen.engines.devices import EngineInfo, available_devices, choose
from crispen.errors import UsageError


@pytest.fixture
def bare(monkeypatch):
    """A machine without GPU, with all engines installed."""
    monkeypatch.setattr(devices, "has_nvidia", lambda: False)
    monkeypatch.setattr(devices, "_torch_devices", lambda: ("cpu",))
    monkeypatch.setattr(devices, "_ort_devices", lambda: ("cpu",))


@pytest.mark.usefixtures("bare")
def test_names_of_the_cpu():
    assert choose("auto") == ("openvino", "cpu")
    assert choose(" CPU ") == ("openvino", "cpu")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("device", "hint"),
    [
        ("cuda", "onnxruntime-gpu"),
        ("cuda:3", "PyTorch with CUDA"),
        ("mps", "pip install torch"),
        ("npu", "NPU driver"),
        ("directml", "onnxruntime-directml"),
        ("cdua", "did you mean cuda"),
        ("", "this machine has auto"),
    ],
)
def test_a_missing_device_says_what_there_is_and_what_to_install(device, hint):
    with pytest.raises(UsageError, match=hint) as caught:
        choose(device)
    assert "cpu" in str(caught.value)


def test_cuda_goes_to_onnxruntime_first(monkeypatch):
    monkeypatch.setattr(devices, "_version", lambda *names: "1.0")
    monkeypatch.setattr(devices, "has_nvidia", lambda: True)
    monkeypatch.setattr(devices, "_ort_devices", lambda: ("cuda", "cpu"))
    assert choose("auto") == ("onnxruntime", "cuda")
    assert choose("cuda:1") == ("onnxruntime", "cuda:1")


def test_cuda_goes_to_torch_where_onnxruntime_has_none(monkeypatch):
    monkeypatch.setattr(devices, "_version", lambda *names: "1.0")
    monkeypatch.setattr(devices, "_ort_devices", lambda: ("cpu",))
    monkeypatch.setattr(devices, "_torch_devices", lambda: ("cuda:0", "cpu"))
    assert choose("cuda") == ("torch", "cuda:0")
    with pytest.raises(UsageError, match="cuda:1"):
        choose("cuda:1")


def test_doctor_sees_all_three_engines():
    found = {info.engine: info for info in available_devices()}
    assert list(found) == ["openvino", "onnxruntime", "torch"]
    assert "cpu" in found["openvino"].devices
    assert found["openvino"].hardware
    assert all(not info.problem for info in found.values())


def test_a_missing_or_broken_engine_is_no_crash(monkeypatch):
    def broken() -> EngineInfo:
        raise OSError("libcuda.so.1: cannot open shared object file")

    monkeypatch.setattr(devices, "_torch", broken)
    monkeypatch.setattr(devices, "_version", lambda *names: "")
    found = {info.engine: info for info in available_devices()}
    assert "crispen[onnxruntime]" in found["onnxruntime"].install
    assert not found["onnxruntime"].version
    assert "libcuda" in found["torch"].problem


def test_cpu_features_of_other_machines():
    assert devices.cpu_features("Features\t: fp asimd bf16") == ("NEON", "bf16")
    assert devices.cpu_features("flags : avx512_vnni avx_vnni amx_int8") == ("VNNI", "int8 (AMX)")
    assert devices.cpu_features("") == ()


def test_the_protocol_imports_no_runtime():
    code = (
        "import sys, crispen.engines.base, crispen.engines.devices, crispen.models.store\n"
        "print([m for m in ('openvino', 'onnxruntime', 'torch', 'onnx') if m in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    ("vendor", "flags", "slow"),
    [
        ("GenuineIntel", "avx512f avx512_bf16", True),
        ("GenuineIntel", "avx512f avx512_bf16 amx_bf16", False),
        ("GenuineIntel", "avx512f", False),
        ("AuthenticAMD", "avx512f avx512_bf16", False),
    ],
)
def test_bf16_is_taken_where_it_is_faster(vendor: str, flags: str, slow: bool) -> None:
    assert devices.has_slow_bf16(f"vendor_id\t: {vendor}\nflags\t: fpu {flags}\n") is slow
    assert not devices.has_slow_bf16("")
