"""Devices and engines on this machine, and the engine for a device name."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from crispen.errors import UsageError, nearest_names

# Device name → provider of ONNX Runtime, and the line that installs it.
PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
INSTALL = {
    "cpu": "pip install openvino",
    "gpu": "install Intel's graphics compute driver",
    "npu": "install Intel's NPU driver",
    "cuda": "pip install onnxruntime-gpu, or PyTorch with CUDA",
    "tensorrt": "pip install onnxruntime-gpu and TensorRT",
    "directml": "pip install onnxruntime-directml",
    "coreml": "pip install onnxruntime",
    "mps": "pip install torch",
}
NAMES = ("auto", *INSTALL)
INSTALL_ENGINE = {
    "openvino": "pip install openvino",
    "onnxruntime": "pip install 'crispen[onnxruntime]'",
    "torch": "pip install 'crispen[train]'",
}

# CPU features that speed up networks: Linux's name and ours.
_CPU_FLAGS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "VNNI",
    "avx_vnni": "VNNI",
    "avx512_bf16": "bf16",
    "amx_bf16": "bf16 (AMX)",
    "amx_int8": "int8 (AMX)",
}


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """One engine on this machine.

    Attributes:
        engine: ``openvino``, ``onnxruntime`` or ``torch``.
        version: Of the runtime, or empty if it is not installed.
        devices: What it can run on here, as ``--device`` takes it.
        features: CPU or device features that speed it up: ``bf16``, ``fp16``, ``VNNI``,
            ``AVX-512``, ``AMX``.
        hardware: Name of the processor or of each device, for people.
        install: Command that installs more, or empty.
        problem: Why an installed engine does not work, or empty.
    """

    engine: str
    version: str = ""
    devices: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    hardware: str = ""
    install: str = ""
    problem: str = ""


def _version(*distributions: str) -> str:
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


_ORT = ("onnxruntime-gpu", "onnxruntime-directml", "onnxruntime")


def usable_cores() -> int:
    """CPUs available to this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _cpuinfo() -> str:
    """Linux's description of the CPU; empty on other systems."""
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def cpu_features(cpuinfo: str | None = None) -> tuple[str, ...]:
    """CPU features for networks on Linux; empty on other systems.

    Args:
        cpuinfo: Content of ``/proc/cpuinfo``; this machine's unless given.

    >>> cpu_features("flags : fpu avx2 avx512_bf16")
    ('AVX2', 'bf16')
    """
    cpuinfo = _cpuinfo() if cpuinfo is None else cpuinfo
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    flags = set(found[1].split()) if found else set()
    names = [name for flag, name in _CPU_FLAGS.items() if flag in flags]
    # ARM has one word for each.
    names += [name for flag, name in (("asimd", "NEON"), ("bf16", "bf16")) if flag in flags]
    return tuple(dict.fromkeys(names))


def has_slow_bf16(cpuinfo: str | None = None) -> bool:
    r"""Whether networks are slower in bf16 than in fp32 on this CPU, though it has bf16.

    Intel's CPUs are where AMX is missing or hidden by a virtual machine: 1.8 times as slow for
    seven of eight networks measured on a Sapphire Rapids. AMD's are faster in bf16.

    Args:
        cpuinfo: Content of ``/proc/cpuinfo``; this machine's unless given.

    >>> has_slow_bf16("vendor_id : GenuineIntel\nflags : avx2 avx512_bf16")
    True
    >>> has_slow_bf16("vendor_id : AuthenticAMD\nflags : avx2 avx512_bf16")
    False
    """
    cpuinfo = _cpuinfo() if cpuinfo is None else cpuinfo
    features = cpu_features(cpuinfo)
    intel = re.search(r"^vendor_id\s*: GenuineIntel$", cpuinfo, re.MULTILINE) is not None
    return intel and "bf16" in features and "bf16 (AMX)" not in features


def _openvino() -> EngineInfo:
    version = _version("openvino")
    if not version:
        return EngineInfo("openvino", install=INSTALL_ENGINE["openvino"])
    import openvino as ov

    core = ov.Core()
    can = set(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    fast = [name for name in ("bf16", "fp16") if name.upper() in can]
    return EngineInfo(
        "openvino",
        version,
        tuple(str(d).lower() for d in core.available_devices),
        tuple(dict.fromkeys((*fast, *cpu_features()))),
        ", ".join(core.get_property(d, "FULL_DEVICE_NAME") for d in core.available_devices),
    )


def _ort_devices() -> tuple[str, ...]:
    import onnxruntime

    there = onnxruntime.get_available_providers()
    found = tuple(device for device, provider in PROVIDERS.items() if provider in there)
    if not has_nvidia():  # the package lists CUDA on machines without a GPU too
        found = tuple(d for d in found if d not in ("cuda", "tensorrt"))
    return (*found, "cpu")


def _onnxruntime() -> EngineInfo:
    version = _version(*_ORT)
    if not version:
        return EngineInfo("onnxruntime", install=INSTALL_ENGINE["onnxruntime"])
    devices = _ort_devices()
    install = INSTALL["cuda"] if has_nvidia() and "cuda" not in devices else ""
    return EngineInfo("onnxruntime", version, devices, install=install)


def _torch_devices() -> tuple[str, ...]:
    import torch

    found = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def _torch() -> EngineInfo:
    version = _version("torch")
    if not version or not _version("onnx"):
        return EngineInfo("torch", version, install=INSTALL_ENGINE["torch"])
    return EngineInfo("torch", version, _torch_devices())


def available_devices() -> list[EngineInfo]:
    """Every engine, what it can use here, and what to install for more; for ``crispen doctor``.

    Importing PyTorch for this takes two seconds. A broken engine is listed with its `problem`.
    """
    found = []
    for name, look in (("openvino", _openvino), ("onnxruntime", _onnxruntime), ("torch", _torch)):
        try:
            found.append(look())
        except Exception as error:  # doctor exists to report what a broken driver raises
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            found.append(EngineInfo(name, problem=reason, install=f"reinstall {name}"))
    return found


def has_nvidia() -> bool:
    """Whether the NVIDIA driver is installed, without loading CUDA."""
    return shutil.which("nvidia-smi") is not None


def _none_here(device: str) -> UsageError:
    base = device.partition(":")[0].partition(".")[0]
    here = dict.fromkeys(d for info in available_devices() for d in info.devices)
    if base in INSTALL:
        return UsageError(
            f"device '{device}' is not on this machine, which has {', '.join(here)}; "
            f"for {base}: {INSTALL[base]}"
        )
    hint = nearest_names(device, NAMES)
    return UsageError(f"no such device '{device}'{hint}; this machine has auto, {', '.join(here)}")


def choose(device: str) -> tuple[str, str]:
    """Engine and device for a name the user typed.

    Args:
        device: See `crispen.engines.opening.open_engine`.

    Returns:
        ``("openvino", "cpu")`` and the like.

    Raises:
        UsageError: This machine has no such device.
    """
    if not isinstance(device, str):
        raise UsageError(f"device is {device!r}; give a name, such as 'cpu' or 'cuda:0'")
    device = device.strip().lower()
    base = device.partition(":")[0].partition(".")[0]
    if device == "cpu":
        return "openvino", "cpu"
    if device == "auto":
        # Only devices that are certainly faster are probed, since probing costs start-up time.
        if has_nvidia() and _version("onnxruntime-gpu") and "cuda" in _ort_devices():
            return "onnxruntime", "cuda"
        return "openvino", "cpu"
    if base in PROVIDERS and _version(*_ORT) and base in _ort_devices():
        return "onnxruntime", device
    if base in ("cuda", "mps") and _version("torch") and _version("onnx"):
        there = _torch_devices()
        exact = f"{base}:0" if device == "cuda" else device
        if exact in there:
            return "torch", exact
    if base in ("gpu", "npu") and _version("openvino"):
        import openvino as ov

        there = tuple(str(d).lower() for d in ov.Core().available_devices)
        match = next((d for d in there if d == device or d.startswith(f"{device}.")), None)
        if match:
            return "openvino", match
    if base == "mps" and sys.platform == "darwin" and _version(*_ORT):
        return "onnxruntime", "coreml"
    raise _none_here(device)
