"""Hardware encoders of graphics cards and processors in FFmpeg, and whether one is available.

FFmpeg lists them on every machine that it was built for. Encoding one frame shows whether the
device and its driver are present.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from crispen.errors import UsageError
from crispen.media.video.video_codec import VideoCodec

_TRIAL = (320, 240)
_CRF = {"h264": 20, "hevc": 22, "av1": 28}
# AV1's quantisers go up to 255, those of H.26x to 51.
_AV1_STEPS = 5


def _whole(crf: float) -> str:
    return str(max(1, round(crf)))  # 0 means unset


def _quantiser(family: str) -> Callable[[float], str]:
    steps = _AV1_STEPS if family == "av1" else 1
    return lambda crf: _whole(crf * steps)


def _apple(crf: float) -> str:
    """VideoToolbox's quality, 100 (best) to 1, in FFmpeg's unit of quality."""
    return str(118 * max(1, round(100 - 1.94 * crf)))


def _nvidia(family: str) -> VideoCodec:
    return VideoCodec(
        *(f"{family}_nvenc", f"{family}_nvenc", _CRF[family], "p4"),
        tuple(f"p{n}" for n in range(7, 0, -1)),
        {"rc": "vbr", "b": "0"},
        odd=False,
        crf_options=("cq",),
        device="an NVIDIA GPU with NVENC and its driver",
    )


def _intel(family: str) -> VideoCodec:
    presets = ("veryslow", "slower", "slow", "medium", "fast", "faster", "veryfast")
    return VideoCodec(
        *(f"{family}_qsv", f"{family}_qsv", _CRF[family], "medium", presets),
        odd=False,
        crf_options=("global_quality",),
        rated=_whole,
        device="an Intel GPU with Quick Sync and its driver",
    )


def _amd(family: str) -> VideoCodec:
    return VideoCodec(
        *(f"{family}_amf", f"{family}_amf", _CRF[family], "balanced"),
        ("quality", "balanced", "speed"),
        {"rc": "cqp"},
        preset_option="quality",
        odd=False,
        crf_options=("qp_i", "qp_p"),
        rated=_quantiser(family),
        device="an AMD GPU with its driver",
    )


def _vaapi(family: str) -> VideoCodec:
    return VideoCodec(
        *(f"{family}_vaapi", f"{family}_vaapi", _CRF[family], None, ()),
        {"rc_mode": "CQP"},
        odd=False,
        crf_options=("global_quality",),
        rated=_quantiser(family),
        device="a GPU with a VA-API driver",
        uploads="vaapi",
        formats=("nv12",) if family == "h264" else ("nv12", "p010le"),
    )


def _mac(family: str) -> VideoCodec:
    return VideoCodec(
        *(f"{family}_videotoolbox", f"{family}_videotoolbox", _CRF[family], None, ()),
        {"flags": "+qscale"},
        odd=False,
        crf_options=("global_quality",),
        rated=_apple,
        device="a Mac with an encoder of its own",
    )


HARDWARE = (
    *(make(family) for make in (_nvidia, _intel, _amd, _vaapi) for family in _CRF),
    *(_mac(family) for family in ("h264", "hevc")),
)


def tried(codec: VideoCodec) -> str:
    """Why a hardware encoder cannot be used on this machine; empty if it can."""
    return _fault(codec.encoder, codec.uploads)


def check_device(codec: VideoCodec) -> None:
    """Refuse a hardware encoder whose device is missing; other encoders always work.

    Raises:
        UsageError: With what is missing.
    """
    fault = tried(codec) if codec.device else ""
    if fault:
        raise UsageError(
            f"{codec.name} needs {codec.device}, and none can be used here ({fault}); "
            f"choose --codec {codec.family}"
        )


@functools.cache
def _fault(encoder: str, uploads: str) -> str:
    import av
    from av.codec.context import CodecContext

    from crispen.media.video.container import explained, reason

    try:
        with explained():
            context: Any = CodecContext.create(encoder, "w", hwaccel=_device(uploads))
            context.width, context.height = _TRIAL
            context.pix_fmt = "nv12"  # all of them accept it
            context.time_base = Fraction(1, 25)
            frame = av.VideoFrame(*_TRIAL, "nv12")
            frame.pts, frame.time_base = 0, context.time_base
            context.encode(frame)
            context.encode(None)
    except (av.FFmpegError, NotImplementedError, ValueError, RuntimeError) as error:
        return reason(error)
    return ""


def accelerator(codec: VideoCodec) -> Any:
    """The device that frames are sent to before they are encoded, or None."""
    return _device(codec.uploads)


def _device(name: str) -> Any:
    from av.codec.hwaccel import HWAccel

    return HWAccel(name) if name else None
