"""Real codecs: WebP, and frames of compressed video.

Every picture goes to the CPU, through the real encoder and decoder, and back. Encoders use one
thread, so the same seed gives the same pixels.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from torch import Generator, Tensor

from crispen.lab.degradations.base import Degradation, Limits, Span, draw, uniform
from crispen.lab.degradations.filtering import pad
from crispen.lab.degradations.jpeg import Quality

Crf = Annotated[Span, BeforeValidator(Limits(0, 51))]
Speed = Annotated[Span, BeforeValidator(Limits(0, 16))]
Codec = Literal["h264", "hevc", "any"]

_ENCODERS = {"h264": "libx264", "hevc": "libx265"}
# x265 ends the whole process if a picture is smaller than one of its coding units.
_LEAST_PX = 64
Bytes = NDArray[np.uint8]


def _to_bytes(x: Tensor) -> Bytes:
    """``(N, H, W, 3)``."""
    levels = (x.clamp(0, 1) * 255).round().to(torch.uint8)
    wide = levels.expand(-1, 3, -1, -1) if levels.shape[1] == 1 else levels
    return np.ascontiguousarray(wide.permute(0, 2, 3, 1).cpu().numpy())


def _from_bytes(pixels: Bytes, like: Tensor) -> Tensor:
    x = torch.from_numpy(pixels).to(like.device).permute(0, 3, 1, 2).to(like.dtype) / 255
    return x.mean(dim=1, keepdim=True) if like.shape[1] == 1 else x


def webp(x: Tensor, quality: Tensor) -> Tensor:
    """The pixels after lossy WebP of that quality.

    Args:
        x: ``(N, C, H, W)`` in [0, 1]; three channels are RGB, one is grey.
        quality: ``(N, 1)`` whole numbers from 1 to 100, as libwebp counts them.
    """
    import pyvips

    out = []
    for pixels, q in zip(_to_bytes(x), quality.flatten().tolist(), strict=True):
        height, width = pixels.shape[:2]
        image: Any = pyvips.Image.new_from_memory(pixels, width, height, 3, "uchar")
        coded = image.webpsave_buffer(Q=int(q), effort=2)
        out.append(np.asarray(pyvips.Image.new_from_buffer(coded, "").numpy(), np.uint8)[..., :3])
    return _from_bytes(np.stack(out), x)


class WebP(Degradation):
    """Lossy WebP: what many websites and chat programs keep.

    ::

        y = decode(encode(x, quality))

    The real encoder, libwebp, with colour at half the size. Source: RFC 9649.
    """

    kind: Literal["webp"] = "webp"
    main: ClassVar[str] = "quality"
    quality: Quality = Field((30.0, 95.0), description="from 1 to 100, rounded to whole numbers")

    def margin(self, scale: int) -> int:
        """A macroblock: its neighbours predict it."""
        return 16

    def grid(self, scale: int) -> int:
        """The macroblock."""
        return 16

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Compresses."""
        return webp(x, draw(self.quality, x, generator).reshape(-1, 1).round())


def coded_clip(frames: Bytes, codec: str, crf: float) -> Bytes:
    """A short clip after compression and decoding.

    Args:
        frames: ``(T, H, W, 3)``, in display order; even sides.
        codec: ``h264`` or ``hevc``.
        crf: The encoder's constant rate factor.

    Returns:
        The same shape.
    """
    import av

    encoder: Any = av.CodecContext.create(_ENCODERS[codec], "w")
    encoder.height, encoder.width = frames.shape[1:3]
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = 25
    encoder.thread_count = 1
    encoder.options = {"crf": f"{crf:.0f}", "preset": "veryfast"}
    if codec == "hevc":
        encoder.options |= {"x265-params": "log-level=none:pools=none:frame-threads=1"}
    packets = []
    for number, pixels in enumerate(frames):
        frame: Any = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoder: Any = av.CodecContext.create(codec, "r")
    decoder.thread_count = 1
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    shown = [frame for packet in packets for frame in decoder.decode(packet)]
    shown += decoder.decode(None)
    shown.sort(key=lambda frame: frame.pts)
    return np.stack([np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in shown])


def moving(x: Tensor, generator: Generator, count: int, speed: Tensor) -> Tensor:
    """``(N, T, C, H, W)``: the picture panned; the last frame is the picture itself.

    Args:
        x: ``(N, C, H, W)``; its edge pixels are repeated.
        generator: On the device of `x`.
        count: T.
        speed: ``(N, 1, 1, 1)`` pixels per frame.
    """
    angle = 2 * torch.pi * uniform((len(x), 1, 1, 1), x, generator)
    height, width = x.shape[-2:]
    step = speed * torch.cat([angle.cos() * 2 / width, angle.sin() * 2 / height], dim=-1)
    rows, columns = (
        (torch.arange(n, device=x.device, dtype=x.dtype) + 0.5) * 2 / n - 1 for n in (height, width)
    )
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
    frames = [
        torch.nn.functional.grid_sample(
            x, grid + back * step, mode="bicubic", padding_mode="border", align_corners=False
        ).clamp(0, 1)
        for back in range(count - 1, 0, -1)
    ]
    return torch.stack([*frames, x], dim=1)


def coded_video(clips: Tensor, codecs: list[str], crf: list[float], which: list[int]) -> Tensor:
    """``(N, C, H, W)``: frame `which` of each clip ``(N, T, C, H, W)``, compressed."""
    height, width = clips.shape[-2:]
    rows, columns = (max(n + n % 2, _LEAST_PX) for n in (height, width))
    like = clips[:, 0]
    out = []
    for clip, codec, factor, frame in zip(clips, codecs, crf, which, strict=True):
        wide = pad(clip, (0, rows - height), (0, columns - width))
        out.append(coded_clip(_to_bytes(wide), codec, factor)[frame, :height, :width])
    return _from_bytes(np.stack(out), like)


class Video(Degradation):
    """A frame of compressed video: of H.264 or HEVC, key frame or not.

    ::

        y = the last frame of decode(encode(x panned, x), crf)

    The picture is panned for a few frames, which x264 or x265 encodes (preset veryfast, 4:2:0). The
    result is the last frame, which shows the picture in its place. With ``frames=1`` it is a key
    frame. Source: ITU-T H.264 and H.265.
    """

    kind: Literal["video"] = "video"
    main: ClassVar[str] = "crf"
    crf: Crf = Field((18.0, 40.0), description="constant rate factor, rounded to whole numbers")
    codec: Codec = Field("any", description="h264, hevc, or any: drawn for each picture")
    frames: int = Field(
        4, ge=1, le=32, description="maximum length of the clip; drawn for each picture"
    )
    speed: Speed = Field((0.0, 4.0), description="speed of the motion, in pixels per frame")

    def margin(self, scale: int) -> int:
        """A macroblock plus the picture's movement."""
        return 16

    def grid(self, scale: int) -> int:
        """The macroblock."""
        return 16

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Compresses."""
        crf = draw(self.crf, x, generator).flatten().round().tolist()
        codecs, counts = self.drawn(x, generator)
        clips = moving(x, generator, self.frames, draw(self.speed, x, generator))
        out = [
            coded_video(clips[i : i + 1, self.frames - n :], [codecs[i]], [crf[i]], [n - 1])
            for i, n in enumerate(counts)
        ]
        return torch.cat(out)

    def drawn(self, x: Tensor, generator: Generator) -> tuple[list[str], list[int]]:
        """For each picture its codec and the number of frames of its clip."""
        coins = uniform((len(x), 2), x, generator).tolist()
        names = list(_ENCODERS) if self.codec == "any" else [self.codec]
        codecs = [names[int(coin * len(names))] for coin, _ in coins]
        return codecs, [1 + int(coin * self.frames) for _, coin in coins]
