"""Small clips made with PyAV, and what can be read back from a file."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

# The smallest network, for tests in which any will do.
MODEL = "espcn-x2"

# 45 degrees of nothing: the nine numbers FFmpeg writes for a quarter turn.
QUARTER_TURN = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)


def names(folder: Path) -> list[str]:
    """What stands in a folder."""
    return sorted(p.name for p in folder.iterdir())


def picture(width: int, height: int, number: int, fmt: str = "yuv420p") -> av.VideoFrame:
    """A frame with gradients that move, and an edge."""
    frame = av.VideoFrame(width, height, fmt)
    bits = frame.format.components[0].bits
    dtype = np.uint8 if bits == 8 else np.uint16
    for index, plane in enumerate(frame.planes):
        rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
        if fmt == "bgra":
            rows[:] = np.add.outer(3 * np.arange(height), np.arange(rows.shape[1]) // 4 * 2) + 30
            continue
        y, x = np.mgrid[: plane.height, : plane.width]
        base = 40 + 3 * x + 2 * y + 5 * number if index == 0 else 90 + 30 * index + x - y
        base = np.where((x + number) % 16 < 3, base + 40, base) if index == 0 else base
        rows[:, : plane.width] = np.clip(base, 20, 230).astype(dtype) << (bits - 8)
    return frame


def make_clip(
    path: Path,
    stamps: Sequence[int] = range(0, 12 * 512, 512),
    *,
    time_base: Fraction = Fraction(1, 12800),
    size: tuple[int, int] = (48, 32),
    fmt: str = "yuv420p",
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    color: tuple[int, int, int, int] | None = None,
    pixel_aspect: Fraction | None = None,
    matrix: Sequence[int] | None = None,
    audio: Sequence[tuple[str, float, float]] = (),
    subtitles: Sequence[tuple[str, str]] = (),
    chapters: Sequence[dict[str, Any]] = (),
    metadata: dict[str, str] | None = None,
    title: str = "",
    attachment: bytes | None = None,
) -> Path:
    """Write a clip.

    Args:
        path: Where; the name says the format.
        stamps: Time stamps of its frames.
        time_base: Of the stamps.
        size: Width and height.
        fmt: Pixel format.
        codec: Encoder of the picture.
        options: Of the encoder.
        color: Matrix, primaries, transfer, range.
        pixel_aspect: Width over height of a pixel.
        matrix: Display matrix.
        audio: Encoder, start and length in seconds of each sound stream.
        subtitles: Codec and language of each subtitle stream.
        chapters: As PyAV takes them.
        metadata: Of the file.
        title: Of the picture's stream.
        attachment: A file inside.
    """
    muxing = {}
    if path.suffix in (".mp4", ".mov"):
        muxing = {
            "video_track_timescale": str(time_base.denominator),
            "movie_timescale": str(time_base.denominator),
        }
    with av.open(str(path), "w", container_options=muxing) as out:
        video: Any = out.add_stream(
            codec, rate=25, options=options or ({"qp": "12"} if codec == "libx264" else {})
        )
        video.width, video.height, video.pix_fmt = *size, fmt
        video.time_base = video.codec_context.time_base = time_base
        video.metadata["language"] = "deu"
        if title:
            video.metadata["title"] = title
        if pixel_aspect is not None:
            video.codec_context.sample_aspect_ratio = pixel_aspect
        if color is not None:
            context = video.codec_context
            context.colorspace, context.color_primaries = color[:2]
            context.color_trc, context.color_range = color[2:]
        video.set_display_matrix(matrix)
        sounds = [out.add_stream(name, rate=48000) for name, _, _ in audio]
        for number, sound in enumerate(sounds):
            sound.metadata["language"] = ("eng", "fra")[number % 2]
        texts: list[Any] = []
        for name, language in subtitles:
            text: Any = out.add_mux_stream(name)
            text.time_base = Fraction(1, 1000)
            text.metadata["language"] = language
            texts.append(text)
        if attachment is not None:
            out.add_attachment("font.ttf", "application/x-truetype-font", attachment)
        out.set_chapters(list(chapters))
        out.metadata.update(metadata or {})
        packets = []
        for number, stamp in enumerate(stamps):
            frame = picture(*size, number, fmt)
            frame.pts, frame.time_base = stamp, time_base
            packets += video.encode(frame)
        packets += video.encode()
        for sound, (_, start, length) in zip(sounds, audio, strict=True):
            packets += _tone(sound, start, length)
        for text, (name, _) in zip(texts, subtitles, strict=True):
            packets += _lines(text, name)
        out.start_encoding()
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            out.mux(packet)
    return path


def _tone(stream: Any, start: float, length: float) -> list[Any]:
    stream.layout = "mono"
    packets = []
    size = 960
    for at in range(0, int(length * 48000), size):
        t = (np.arange(at, at + size) / 48000).astype(np.float32)
        wave = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
        frame.sample_rate = 48000
        frame.pts, frame.time_base = at + int(start * 48000), Fraction(1, 48000)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _lines(stream: Any, codec: str) -> list[Any]:
    packets = []
    for number, at in enumerate((40, 200, 330)):
        text = f"line {number}".encode()
        packet: Any = av.Packet(
            len(text).to_bytes(2, "big") + text if codec == "mov_text" else text
        )
        packet.stream = stream
        packet.time_base = Fraction(1, 1000)
        packet.pts = packet.dts = at
        packet.duration = 100
        packet.is_keyframe = True
        packets.append(packet)
    return packets


def times(path: Path) -> list[Fraction]:
    """Seconds at which frames are shown, exactly."""
    with av.open(str(path)) as file:
        return [f.pts * f.time_base for f in file.decode(video=0)]


def frames(path: Path) -> list[np.ndarray]:
    """Luma of all frames."""
    with av.open(str(path)) as file:
        out = []
        for f in file.decode(video=0):
            plane = f.planes[0]
            dtype = np.uint8 if f.format.components[0].bits == 8 else np.uint16
            rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
            out.append(rows[:, : plane.width].copy())
        return out


def payload(path: Path, kind: str) -> list[list[tuple[Fraction | None, bytes]]]:
    """Times and bytes of all packets of all streams of a kind."""
    with av.open(str(path)) as file:
        streams = [s for s in file.streams if s.type == kind]
        out: dict[int, list[tuple[Fraction | None, bytes]]] = {s.index: [] for s in streams}
        if streams:
            for packet in file.demux(*streams):
                if packet.size:
                    stamp = None if packet.pts is None else packet.pts * packet.time_base
                    out[packet.stream.index].append((stamp, bytes(packet)))
        return list(out.values())
