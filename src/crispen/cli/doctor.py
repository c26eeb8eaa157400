"""``crispen doctor``: what this machine can use, and what to install for more."""

from __future__ import annotations

import importlib
import platform
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from crispen.cli.console import Json, print_json
from crispen.engines.devices import INSTALL_ENGINE
from crispen.media.format_choice import is_installed
from crispen.media.formats import PICTURES

if TYPE_CHECKING:
    from crispen.engines.devices import EngineInfo

Facts = dict[str, Any]

_GIB = 2**30
_BROKEN = "broken: "
_FOR = {
    "openvino": "speed on CPUs",
    "onnxruntime": "ONNX Runtime (CUDA, DirectML)",
    "torch": "training",
}


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
    """The whole report, by section; a section that fails says why."""
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


def free_memory(meminfo: str) -> float | None:
    """GiB of memory that is available to programs, read from ``/proc/meminfo``.

    >>> free_memory("MemAvailable: 2097152 kB")
    2.0
    """
    from crispen.evaluate.peak_memory import bytes_said

    free = bytes_said(meminfo, "MemAvailable")
    return None if free is None else free / _GIB


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""  # not Linux


def _machine() -> Facts:
    from crispen import __version__
    from crispen.engines.devices import cpu_features, usable_cores

    cpuinfo = _read("/proc/cpuinfo")
    name = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return {
        "crispen": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": name.group(1) if name else platform.processor() or None,
        "features": list(cpu_features(cpuinfo)),
        "cores": usable_cores(),
        "free memory": free_memory(_read("/proc/meminfo")),
    }


def _version(module: str) -> Any:
    """The imported module, or None if it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        return None


def _engines() -> Facts:
    from crispen.engines.devices import available_devices

    return {info.engine: _engine(info) for info in available_devices()}


def _engine(info: EngineInfo) -> str | None:
    """A line about one engine; None if it is not installed."""
    if info.problem:
        return f"{_BROKEN}{info.problem}; {info.install}"
    if not info.devices:
        return None
    text = f"{info.version}: {', '.join(info.devices)}"
    return f"{text} ({info.hardware})" if info.hardware else text


def _pictures() -> Facts:
    pyvips = _version("pyvips")
    if pyvips is None:
        return {"libvips": None}

    def has(operation: str) -> bool:
        return bool(operation and pyvips.type_find("VipsOperation", operation))

    writes = [f.name for f in PICTURES.values() if f.own_encoder or has(f.saver)]
    return {
        "libvips": ".".join(str(pyvips.version(i)) for i in range(3)),
        "reads": [f.name for f in PICTURES.values() if is_installed(f)],
        "writes": writes,
    }


def _videos() -> Facts:
    av = _version("av")
    if av is None:
        return {"FFmpeg": None}
    from crispen.media.video.codecs import available_codecs

    versions = av.library_versions
    return {
        "PyAV": av.__version__,
        "FFmpeg": "libavcodec " + ".".join(str(n) for n in versions["libavcodec"]),
        "encoders": [c.encoder for c in available_codecs() if _writes(av, c.encoder)],
    }


def _writes(av: Any, codec: str) -> bool:
    try:
        return bool(av.Codec(codec, "w"))
    except Exception:
        return False  # each PyAV version has another error for this


def _models() -> Facts:
    from crispen.enhance.task_models import default_models
    from crispen.models.store import list_cards

    return {
        "ready": [card.name for _, card in list_cards()],
        "tasks": [f"{task}: {name}" for task, name in default_models().items()],
    }


def advise(report: dict[str, Any]) -> list[str]:
    """What to install or to note, one line each.

    Args:
        report: As made by `examine`.
    """
    lines = [
        f"{title} cannot be used: {facts['broken']}"
        for title, facts in report.items()
        if "broken" in facts
    ]
    machine = report["machine"]
    if "broken" not in report["engines"]:
        lines += [
            f"for {_FOR[engine]}: {install}"
            for engine, install in INSTALL_ENGINE.items()
            if not report["engines"].get(engine)
        ]
        lines += [
            f"{engine} cannot be used: {text.removeprefix(_BROKEN)}"
            for engine, text in report["engines"].items()
            if text and text.startswith(_BROKEN)
        ]
    if not report["pictures"].get("libvips"):
        lines.append("for pictures: pip install 'pyvips[binary]'")
    elif "avif" not in report["pictures"]["writes"]:
        lines.append("AVIF cannot be written: this libvips was built without libheif")
    if "raw" not in report["pictures"].get("reads", ()):
        lines.append("for camera raw files: pip install 'crispen[raw]'")
    if find_spec("fastapi") is None:
        lines.append("for the web page and its API: pip install 'crispen[server]'")
    if not report["videos"].get("FFmpeg"):
        lines.append("for videos: pip install av")
    features = machine.get("features") or []
    if features and not any("bf16" in f for f in features):
        lines.append("this CPU has no bf16: networks run in fp32, at about half the speed")
    if "AVX2" in features and not any("VNNI" in f for f in features):
        lines.append("this CPU has no VNNI: int8 networks run in bf16 or fp32")
    memory = machine.get("free memory")
    if memory is not None and memory < 1.0:
        lines.append("little memory is free: give --memory 300M to crispen enhance")
    return lines
