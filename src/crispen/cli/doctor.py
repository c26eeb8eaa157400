"""``crispen doctor``: what this machine can use, and what to install for more."""

from __future__ import annotations

import importlib
import os
import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from crispen.cli.console import Json, print_json
from crispen.media.formats import PICTURES, is_installed

Facts = dict[str, Any]

# What speeds networks up, as Linux calls it, and how we say it.
_CPU_FLAGS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "VNNI",
    "avx_vnni": "VNNI (AVX)",
    "avx512_bf16": "bf16",
    "amx_bf16": "bf16 (AMX)",
    "amx_int8": "int8 (AMX)",
}
_CODECS = ("libx264", "libx265", "libsvtav1", "libaom-av1", "libvpx-vp9", "h264_nvenc", "h264_qsv")
_GIB = 2**30


def doctor(json: Json = False) -> None:
    """Show what this machine can use, and what to install for more."""
    report = examine()
    if json:
        print_json(report)
        return
    for title, facts in report.items():
        if title == "advice":
            continue
        typer.secho(title, bold=True)
        for name, value in facts.items():
            typer.echo(f"  {name:<14}{_say(value)}")
    typer.secho("advice", bold=True)
    for line in report["advice"] or ["nothing is missing"]:
        typer.echo(f"  {line}")


def _say(value: Any) -> str:
    if value is None or value == []:
        return "–"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.1f} GiB" if isinstance(value, float) else str(value)


def examine() -> dict[str, Any]:
    """Everything the report says, by section; a part that fails says why in its own place."""
    parts: dict[str, Callable[[], Facts]] = {
        "machine": _machine,
        "engines": _engines,
        "pictures": _pictures,
        "videos": _videos,
        "models": _models,
    }
    report: dict[str, Any] = {}
    for title, look in parts.items():
        try:
            report[title] = look()
        except Exception as error:
            # A broken library must not hide what the others can do.
            report[title] = {"broken": f"{type(error).__name__}: {error}"}
    report["advice"] = advise(report)
    return report


def cpu_features(cpuinfo: str) -> list[str]:
    """What the CPU has for networks, read from ``/proc/cpuinfo``.

    >>> cpu_features("flags : fpu avx2 avx512_bf16")
    ['AVX2', 'bf16']
    """
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    flags = set(found.group(1).split()) if found else set()
    names = [name for flag, name in _CPU_FLAGS.items() if flag in flags]
    # ARM has one word for each.
    names += [name for flag, name in (("asimd", "NEON"), ("bf16", "bf16")) if flag in flags]
    return names


def free_memory(meminfo: str) -> float | None:
    """GiB that programs may still take, read from ``/proc/meminfo``.

    >>> free_memory("MemAvailable: 2097152 kB")
    2.0
    """
    from crispen.evaluate.memory import bytes_said

    free = bytes_said(meminfo, "MemAvailable")
    return None if free is None else free / _GIB


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""  # not Linux


def _machine() -> Facts:
    from crispen import __version__

    cpuinfo = _read("/proc/cpuinfo")
    name = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "crispen": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": name.group(1) if name else platform.processor() or None,
        "features": cpu_features(cpuinfo),
        "cores": usable,
        "free memory": free_memory(_read("/proc/meminfo")),
    }


def _version(module: str) -> Any:
    """The imported module, or None if it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        return None


def _engines() -> Facts:
    facts: Facts = {"openvino": None, "onnxruntime": None, "torch": None}
    if openvino := _version("openvino"):
        devices = openvino.Core().available_devices
        facts["openvino"] = f"{openvino.__version__.split('-')[0]}: {', '.join(devices)}"
    if runtime := _version("onnxruntime"):
        providers = (p.removesuffix("ExecutionProvider") for p in runtime.get_available_providers())
        facts["onnxruntime"] = f"{runtime.__version__}: {', '.join(providers)}"
    if torch := _version("torch"):
        devices = ["CPU"]
        devices += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        facts["torch"] = f"{torch.__version__}: {', '.join(devices)}"
    return facts


def _pictures() -> Facts:
    pyvips = _version("pyvips")
    if pyvips is None:
        return {"libvips": None}

    def has(operation: str) -> bool:
        return bool(operation and pyvips.type_find("VipsOperation", operation))

    return {
        "libvips": ".".join(str(pyvips.version(i)) for i in range(3)),
        "reads": [f.name for f in PICTURES.values() if is_installed(f)],
        "writes": [f.name for f in PICTURES.values() if has(f.saver) or f.saver == "jxl"],
    }


def _videos() -> Facts:
    av = _version("av")
    if av is None:
        return {"FFmpeg": None}
    versions = av.library_versions
    return {
        "PyAV": av.__version__,
        "FFmpeg": "libavcodec " + ".".join(str(n) for n in versions["libavcodec"]),
        "encoders": [c for c in _CODECS if c in av.codecs_available and _writes(av, c)],
    }


def _writes(av: Any, codec: str) -> bool:
    try:
        return bool(av.Codec(codec, "w"))
    except Exception:
        return False  # each PyAV version has another error for this


def _models() -> Facts:
    from crispen.enhance.tasks import default_models
    from crispen.models.store import list_cards

    return {
        "ready": [card.name for _, card in list_cards()],
        "tasks": [f"{task}: {name}" for task, name in default_models().items()],
    }


def advise(report: dict[str, Any]) -> list[str]:
    """What to install or mind, each as one line.

    Args:
        report: As made by `examine`.
    """
    lines = [
        f"{title} cannot be used: {facts['broken']}"
        for title, facts in report.items()
        if "broken" in facts
    ]
    engines, machine = report["engines"], report["machine"]
    if "broken" not in engines:
        if not engines["openvino"]:
            lines.append("for speed on CPUs: pip install openvino")
        if not engines["onnxruntime"]:
            lines.append("for ONNX Runtime (CUDA, DirectML): pip install 'crispen[onnxruntime]'")
        if not engines["torch"]:
            lines.append("for training: pip install 'crispen[train]'")
    if not report["pictures"].get("libvips"):
        lines.append("for pictures: pip install 'pyvips[binary]'")
    elif "avif" not in report["pictures"]["writes"]:
        lines.append("AVIF cannot be written: this libvips was built without libheif")
    if "raw" not in report["pictures"].get("reads", ()):
        lines.append("for camera raw files: pip install 'crispen[raw]'")
    if not report["videos"].get("FFmpeg"):
        lines.append("for videos: pip install av")
    features = machine.get("features") or []
    if features and not any("bf16" in f for f in features):
        lines.append("this CPU has no bf16: networks run in fp32, at about half the speed")
    if "AVX2" in features and not any("VNNI" in f for f in features):
        lines.append("this CPU has no VNNI: networks made for 8 bits run in bf16 or fp32")
    memory = machine.get("free memory")
    if memory is not None and memory < 1.0:
        lines.append("little memory is free: give --memory 300M to crispen enhance")
    return lines
