"""The video encoders Crispen offers, and which of them this machine's FFmpeg has."""

from __future__ import annotations

import os

from crispen.errors import UsageError, nearest_names
from crispen.media.format_choice import video_of
from crispen.media.video.hardware import HARDWARE, check_device, tried
from crispen.media.video.video_codec import VideoCodec

_X26X = (
    *("placebo", "veryslow", "slower", "slow", "medium", "fast", "faster"),
    *("veryfast", "superfast", "ultrafast"),
)

# "ultrafast" with what it leaves out and costs little: CABAC, B-frames, deblocking, 8x8 blocks. It
# takes 0.6 of the time of "superfast" at crf 18, in three quarters of the size, 1.4 dB further from
# the frames it was given (benchmarks/realtime.py --encoders). By default B-frames are still tried
# out: that takes 7 % of the time of "superfast", and saves 5 to 11 % of the size.
_QUICK_X264 = {
    "preset": "ultrafast",
    "crf": "20",
    "x264-params": "cabac=1:deblock=0,0:8x8dct=1:partitions=i8x8,i4x4:bframes=3:b-adapt=0",
}

# x264 is deterministic at a given number of threads, so a resumed file equals an uninterrupted one.
_CODECS = (
    VideoCodec(
        *("h264", "libx264", 18, "superfast", _X26X),
        odd=False,
        quick=_QUICK_X264,
    ),
    VideoCodec(
        *("hevc", "libx265", 20, "superfast", _X26X),
        {"x265-params": "log-level=error"},
        odd=False,
        quick={"preset": "ultrafast"},
    ),
    VideoCodec(
        "vp9",
        "libvpx-vp9",
        24,
        "6",
        tuple(str(n) for n in range(9)),
        {"b": "0", "deadline": "realtime", "row-mt": "1"},
        quick={"cpu-used": "8"},
        preset_option="cpu-used",
        max_crf=63,
        alpha=("yuva420p",),
    ),
    VideoCodec(
        "av1",
        "libsvtav1",
        26,
        "10",
        tuple(str(n) for n in range(14)),
        max_crf=63,
        quick={"preset": "13"},
    ),
    VideoCodec(
        *("ffv1", "ffv1", None, None, (), {"level": "3", "slicecrc": "1"}),
        alpha=(
            *("yuva420p", "yuva422p", "yuva444p"),
            *("yuva420p10le", "yuva422p10le", "yuva444p10le"),
            *("yuva422p12le", "yuva444p12le"),
            *("yuva420p16le", "yuva422p16le", "yuva444p16le"),
        ),
    ),
    # NUT has no code for ProRes; QuickTime is also exact if nothing is stored out of order.
    VideoCodec(
        *("prores", "prores_ks", None, None, ()),
        segment="mov",
        full_range=False,
        alpha=("yuva444p10le",),
    ),
)

# What people also call them.
OTHER_NAMES = {
    **dict.fromkeys(("x264", "avc", "h.264", "mpeg4avc"), "h264"),
    **dict.fromkeys(("x265", "h265", "h.265"), "hevc"),
    **dict.fromkeys(("vp09", "libvpx"), "vp9"),
    **dict.fromkeys(("av01", "aom", "svt-av1", "svtav1", "libaom"), "av1"),
}

# Codecs that are only read, and what is written in their place.
_SUCCESSORS = {"vp8": "vp9"}

CODEC_NAMES = tuple(codec.name for codec in _CODECS)
HARDWARE_NAMES = tuple(codec.name for codec in HARDWARE)


PIXEL_FORMATS = tuple(
    f"yuv{chroma}p{depth}" for depth in ("", "10le", "12le") for chroma in ("420", "422", "444")
)
"""FFmpeg's names of the pixel formats that can be requested."""
SHORT_PIXEL_FORMATS = tuple(name.removesuffix("le") for name in PIXEL_FORMATS if "le" in name)
"""What people also call them."""


def codecs_in(suffix: str) -> list[str]:
    """Names of the codecs that files with a suffix can hold, the usual one first.

    >>> codecs_in(".webm")
    ['vp9', 'av1']
    """
    return list(video_of(suffix).codecs)


def available_codecs() -> list[VideoCodec]:
    """The codecs this machine can encode, default first, hardware encoders last."""
    return [
        codec
        for codec in (*_CODECS, *HARDWARE)
        if _is_known(codec) and not (codec.device and tried(codec))
    ]


def _is_known(codec: VideoCodec) -> bool:
    from av.codec import codecs_available

    return codec.encoder in codecs_available


def hardware_names() -> list[str]:
    """Names of the hardware encoders that work on this machine."""
    return [codec.name for codec in available_codecs() if codec.device]


def usual_codec(suffix: str, *, hdr: bool = False, alpha: str | None = None) -> str:
    """The default codec for a suffix.

    Args:
        suffix: Of the file.
        hdr: It has high dynamic range, for which the codec must have 10 bits everywhere.
        alpha: The source's codec if it has transparency: kept in the same codec, or else in one
            without loss, if the file can hold it.

    >>> usual_codec(".mp4"), usual_codec(".mp4", hdr=True), usual_codec(".webm", hdr=True)
    ('h264', 'hevc', 'av1')
    >>> usual_codec(".mkv", alpha="vp9"), usual_codec(".mkv", alpha="qtrle")
    ('vp9', 'ffv1')
    """
    holding = () if alpha is None else video_of(suffix).alpha
    if holding:
        own = _SUCCESSORS.get(alpha or "", alpha)
        return own if own in holding else holding[0]
    codecs = codecs_in(suffix)
    return next((c for c in codecs if hdr and c in ("hevc", "av1")), codecs[0])


def named_codec(name: str) -> VideoCodec:
    """The codec of that name.

    Raises:
        UsageError: No such codec, or its device is missing.
    """
    # SVT-AV1 writes its settings to stderr unless this variable is set.
    os.environ.setdefault("SVT_LOG", "1")
    codec = next((c for c in (*_CODECS, *HARDWARE) if c.name == name.lower()), None)
    if codec is not None and codec.device and not _is_known(codec):
        raise UsageError(
            f"{codec.name}: the FFmpeg that Crispen uses has no such encoder; "
            f"choose --codec {codec.family}"
        )
    if codec is None or not _is_known(codec):
        names = [one.name for one in available_codecs()]
        raise UsageError(
            f"no video codec '{name}'{nearest_names(name, names, also=OTHER_NAMES)} "
            f"(this machine has {', '.join(names)})"
        )
    check_device(codec)
    return codec


def find_codec(
    name: str | None, suffix: str, *, hdr: bool = False, alpha: str | None = None
) -> VideoCodec:
    """The codec of that name for a file of that suffix; `usual_codec` if None.

    Raises:
        UsageError: No such codec, the file cannot hold it, or its device is missing.
    """
    codec = named_codec(name or usual_codec(suffix, hdr=hdr, alpha=alpha))
    if suffix not in codec.suffixes:
        raise UsageError(
            f"{codec.name} does not go into {suffix} files; "
            f"choose --codec {', '.join(codecs_in(suffix))}, "
            f"or a name ending in {' or '.join(codec.suffixes)}"
        )
    return codec


# The same samples in another layout.
_SAME_SAMPLES = {
    "yuv420p": "nv12",
    "yuv420p10le": "p010le",
    "yuv422p": "nv16",
    "yuv422p10le": "p210le",
}


def encoder_formats(codec: VideoCodec) -> list[str]:
    """Names of an encoder's pixel formats, and of planar ones that hold the same samples."""
    names = _own_formats(codec)
    return [*names, *(planar for planar, other in _SAME_SAMPLES.items() if other in names)]


def encoder_format(codec: VideoCodec, planar: str) -> str:
    """The encoder's pixel format for frames in a planar one."""
    return planar if planar in _own_formats(codec) else _SAME_SAMPLES[planar]


def _own_formats(codec: VideoCodec) -> list[str]:
    import av

    offered = [fmt.name for fmt in av.Codec(codec.encoder, "w").video_formats or ()]
    offered = [*(n for n in offered if not n.startswith("yuva")), *codec.alpha]
    return [*codec.formats] or offered
