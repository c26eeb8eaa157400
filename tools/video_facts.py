"""What FFmpeg's command line says of a file: the reference that results are compared with."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HERTZ = 8000
_PACKED = {"yuyv422": "yuv422p", "uyvy422": "yuv422p", "yuyv422p": "yuv422p"}
_YUV = re.compile(r"(?:yuva?j?(4\d\d)p|gray)(\d\d?)?(?:le)?$")
_SUBSAMPLED = {"444": (1, 1), "422": (2, 1), "420": (2, 2), "411": (4, 1), "410": (4, 4)}


def run(command: list[str]) -> bytes:
    """The output of a command; empty if it fails."""
    return subprocess.run(command, capture_output=True, check=False).stdout


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet as ffprobe shows it, with times in seconds."""

    pts: Fraction | None
    dts: Fraction | None
    size: int
    checksum: str
    hidden: bool = False


class Facts:
    """What ffprobe and ffmpeg say of one file; each is asked only if needed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _probe(self, *arguments: str) -> dict[str, Any]:
        said = run(["ffprobe", "-v", "error", "-of", "json", *arguments, f"file:{self.path}"])
        return dict(json.loads(said or b"{}"))

    @functools.cached_property
    def about(self) -> dict[str, Any]:
        """Format, streams and chapters."""
        return self._probe("-show_format", "-show_streams", "-show_chapters")

    @property
    def streams(self) -> list[dict[str, Any]]:
        """All streams."""
        return list(self.about.get("streams", []))

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Streams of a kind; covers are one of their own."""
        return [s for s in self.streams if kind_of(s) == kind]

    @property
    def origin(self) -> Fraction:
        """The second that becomes 0 if the clock begins anywhere."""
        name = self.about.get("format", {}).get("format_name", "")
        if name not in ("mpegts", "mpeg"):
            return Fraction(0)
        starts = [
            s["start_pts"] * Fraction(s["time_base"])
            for s in self.streams
            if s.get("codec_type") in ("video", "audio") and "start_pts" in s
        ]
        return min(starts, default=Fraction(0))

    def times(self, index: int) -> list[Fraction | None]:
        """When the frames of a stream are shown; None for those without a time."""
        stream = next(s for s in self.streams if s["index"] == index)
        base = Fraction(stream["time_base"])
        avi = self.about["format"]["format_name"] == "avi"
        key = "pkt_dts" if avi else "best_effort_timestamp"
        said = self._probe(
            *("-select_streams", str(index), "-show_entries", f"frame={key},media_type")
        )
        shown = [f[key] * base if key in f else None for f in said.get("frames", [])]
        # FFmpeg 5 shows what edit lists hide if the codec has key frames only.
        hidden = {p.pts for p in self.packets[index] if p.hidden}
        return [t for t in shown if t is None or t not in hidden]

    @functools.cached_property
    def packets(self) -> dict[int, list[Packet]]:
        """All packets of each stream."""
        said = self._probe("-show_packets", "-show_data_hash", "CRC32")
        bases = {s["index"]: Fraction(s["time_base"]) for s in self.streams}
        found: dict[int, list[Packet]] = {s["index"]: [] for s in self.streams}
        for p in said.get("packets", []):
            index = p["stream_index"]
            pts, dts = (p[k] * bases[index] if k in p else None for k in ("pts", "dts"))
            found[index].append(
                Packet(pts, dts, int(p["size"]), p.get("data_hash", ""), "D" in p["flags"])
            )
        return found

    def filtered(self, index: int, filters: str) -> list[tuple[int, str]]:
        """Size and checksum of the packets of a stream after a bitstream filter."""
        command = ["ffmpeg", "-v", "error", "-nostdin", "-copyts", "-i", f"file:{self.path}"]
        command += ["-map", f"0:{index}", "-c", "copy", "-bsf", filters, "-f", "framecrc", "-"]
        lines = [line for line in run(command).decode().splitlines() if line[:1] != "#"]
        parts = [line.split(",") for line in lines]
        return [(int(p[4]), p[5].strip()) for p in parts]

    def planes(self, index: int, form: str) -> list[list[NDArray[Any]]]:
        """The planes of each frame of a stream in a planar format, or in ``rgb24``."""
        stream = next(s for s in self.streams if s["index"] == index)
        width, height = stream["width"], stream["height"]
        command = ["ffmpeg", "-v", "error", "-nostdin", "-noautorotate", "-i", f"file:{self.path}"]
        command += ["-map", f"0:{index}", "-fps_mode", "passthrough", "-pix_fmt", form]
        data = run([*command, "-c:v", "rawvideo", "-f", "rawvideo", "-"])
        shapes = plane_shapes(form, width, height)
        kind = np.dtype(np.uint16 if depth(form) > 8 else np.uint8)
        size = sum(a * b for a, b in shapes) * kind.itemsize
        frames = []
        for at in range(0, len(data) - size + 1, size):
            samples = np.frombuffer(data, kind, size // kind.itemsize, at)
            cuts = np.cumsum([a * b for a, b in shapes])[:-1]
            parts = [p.reshape(s) for p, s in zip(np.split(samples, cuts), shapes, strict=True)]
            frames.append(parts)
        return frames

    def heard(self, number: int, *, shift: Fraction = Fraction(0)) -> NDArray[np.float32]:
        """Samples of a track of sound at 8 kHz from time 0 on, which `shift` is added to."""
        command = ["ffmpeg", "-v", "error", "-nostdin", "-copyts", "-i", f"file:{self.path}"]
        filters = f"asetpts=PTS+{float(shift):.6f}/TB,aresample={_HERTZ}:async=1:first_pts=0"
        command += ["-map", f"0:a:{number}", "-af", filters, "-ac", "1", "-f", "f32le", "-"]
        return np.frombuffer(run(command), np.float32)


def kind_of(stream: dict[str, Any]) -> str:
    """``video``, ``audio``, ``subtitle``, ``attachment``, ``data`` or ``cover``."""
    if stream.get("disposition", {}).get("attached_pic"):
        return "cover"
    return str(stream.get("codec_type", "data"))


def tag(stream: dict[str, Any], name: str) -> str:
    """A tag, whatever its case; empty if there is none."""
    tags = {k.lower(): v for k, v in stream.get("tags", {}).items()}
    return str(tags.get(name, ""))


def rotation(stream: dict[str, Any]) -> int:
    """Degrees of its display matrix."""
    return next((s["rotation"] for s in stream.get("side_data_list", []) if "rotation" in s), 0)


def planar(form: str) -> str | None:
    """The planar Y'CbCr format that holds a format's samples as they are; None for R'G'B'."""
    form = _PACKED.get(form, form)
    return form if _YUV.match(form) else None


def depth(form: str) -> int:
    """Bits per sample."""
    found = _YUV.match(form)
    return int(found[2] or 8) if found else 8


def plane_shapes(form: str, width: int, height: int) -> list[tuple[int, int]]:
    """Rows and columns of each plane as FFmpeg writes them."""
    if form == "rgb24":
        return [(height, 3 * width)]
    found = _YUV.match(form)
    assert found is not None, form
    if found[1] is None:
        return [(height, width)]
    across, down = _SUBSAMPLED[found[1]]
    small = (-(-height // down), -(-width // across))
    more = [(height, width)] if form.startswith("yuva") else []
    return [(height, width), small, small, *more]


def lag(some: NDArray[np.float32], others: NDArray[np.float32]) -> tuple[float, float]:
    """By how many seconds `others` is later than `some`, and how alike they are then, 0 to 1."""
    size = 1 << (len(some) + len(others)).bit_length()
    spectrum = np.fft.rfft(others, size) * np.conj(np.fft.rfft(some, size))
    both = np.fft.irfft(spectrum, size)
    place = int(np.argmax(both))
    energy = float(np.linalg.norm(some) * np.linalg.norm(others)) or 1.0
    return (place if place < size // 2 else place - size) / _HERTZ, float(both[place]) / energy
