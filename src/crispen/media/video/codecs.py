"""The video encoders Crispen offers, and which of them this machine's FFmpeg has."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from crispen.errors import UsageError, nearest_names
from crispen.media.format_choice import video_of
from crispen.media.formats import MUXERS


@dataclass(frozen=True, slots=True)
class VideoCodec:
    """One choice of ``--codec``.

    Attributes:
        name: What the person types.
        encoder: FFmpeg's encoder.
        crf: Default quality, lower is better; None where the codec has no such scale.
        preset: Default speed.
        presets: What may be asked for, fastest last; empty where the codec has none.
        extra: Further options of the encoder.
        preset_option: What FFmpeg calls the preset.
        max_crf: The worst quality.
        segment: Container of unfinished work. NUT holds any time base to the last tick.
        full_range: It can say that its levels are full range.
        odd: It codes sides of an odd number of pixels, whatever its chroma.
    """

    name: str
    encoder: str
    crf: int | None
    preset: str | None
    presets: tuple[str, ...]
    extra: dict[str, str] = field(default_factory=dict)
    preset_option: str = "preset"
    max_crf: int = 51
    segment: str = "nut"
    full_range: bool = True
    odd: bool = True

    @property
    def suffixes(self) -> list[str]:
        """Suffixes of the files that can hold it."""
        return [s for s in MUXERS if self.name in video_of(s).codecs]

    def options(self, crf: float | None, preset: str | None) -> dict[str, str]:
        """FFmpeg's options for that quality and speed.

        Raises:
            UsageError: The codec has no such quality or preset.
        """
        options = dict(self.extra)
        if self.crf is None and crf is not None:
            raise UsageError(f"{self.name} has no --crf; leave it out or choose another codec")
        if crf is not None and not 0 <= crf <= self.max_crf:
            raise UsageError(
                f"--crf {crf:g} is outside 0 to {self.max_crf} of {self.name}; {self.crf} is usual"
            )
        if self.crf is not None:
            options["crf"] = f"{self.crf if crf is None else crf:g}"
        if preset is not None and preset not in self.presets:
            raise UsageError(
                f"{self.name} has no preset '{preset}'"
                + (f"; choose one of {', '.join(self.presets)}" if self.presets else "")
            )
        chosen = preset or self.preset
        if chosen is not None:
            options[self.preset_option] = chosen
        return options


_X26X = (
    *("placebo", "veryslow", "slower", "slow", "medium", "fast", "faster"),
    *("veryfast", "superfast", "ultrafast"),
)

# x264 is deterministic at a given number of threads, so a resumed file equals an uninterrupted one.
_CODECS = (
    VideoCodec("h264", "libx264", 18, "superfast", _X26X, odd=False),
    VideoCodec(
        *("hevc", "libx265", 20, "superfast", _X26X),
        {"x265-params": "log-level=error"},
        odd=False,
    ),
    VideoCodec(
        "vp9",
        "libvpx-vp9",
        24,
        "6",
        tuple(str(n) for n in range(9)),
        {"b": "0", "deadline": "realtime", "row-mt": "1"},
        "cpu-used",
        63,
    ),
    VideoCodec(
        "av1",
        "libsvtav1",
        26,
        "10",
        tuple(str(n) for n in range(14)),
        max_crf=63,
    ),
    VideoCodec("ffv1", "ffv1", None, None, (), {"level": "3", "slicecrc": "1"}),
    # NUT has no code for ProRes; QuickTime is exact too where nothing is stored out of order.
    VideoCodec(
        *("prores", "prores_ks", None, None, ()),
        segment="mov",
        full_range=False,
    ),
)

# What people also call them.
OTHER_NAMES = {
    **dict.fromkeys(("x264", "avc", "h.264", "mpeg4avc"), "h264"),
    **dict.fromkeys(("x265", "h265", "h.265"), "hevc"),
    **dict.fromkeys(("vp09", "libvpx"), "vp9"),
    **dict.fromkeys(("av01", "aom", "svt-av1", "svtav1", "libaom"), "av1"),
}

CODEC_NAMES = tuple(codec.name for codec in _CODECS)


def codecs_in(suffix: str) -> list[str]:
    """Names of the codecs that files of a suffix can hold, the usual one first.

    >>> codecs_in(".webm")
    ['vp9', 'av1']
    """
    return list(video_of(suffix).codecs)


def available_codecs() -> list[VideoCodec]:
    """The codecs this machine's FFmpeg can encode, default first."""
    from av.codec import codecs_available

    return [codec for codec in _CODECS if codec.encoder in codecs_available]


def usual_codec(suffix: str, *, hdr: bool = False) -> str:
    """The codec of files of a suffix; for high dynamic range one that has 10 bits everywhere.

    >>> usual_codec(".mp4"), usual_codec(".mp4", hdr=True), usual_codec(".webm", hdr=True)
    ('h264', 'hevc', 'av1')
    """
    codecs = codecs_in(suffix)
    return next((c for c in codecs if hdr and c in ("hevc", "av1")), codecs[0])


def find_codec(name: str | None, suffix: str, *, hdr: bool = False) -> VideoCodec:
    """The codec of that name for a file of that suffix; its usual one if None.

    Raises:
        UsageError: No such codec, or one that the file cannot hold.
    """
    codecs = {codec.name: codec for codec in available_codecs()}
    asked = name or usual_codec(suffix, hdr=hdr)
    # SVT-AV1 writes its settings to stderr unless this variable is set.
    os.environ.setdefault("SVT_LOG", "1")
    codec = codecs.get(asked.lower())
    if codec is None:
        raise UsageError(
            f"no video codec '{asked}'{nearest_names(asked, codecs, also=OTHER_NAMES)} "
            f"(this machine has {', '.join(codecs)})"
        )
    if suffix not in codec.suffixes:
        fitting = ", ".join(c.name for c in codecs.values() if suffix in c.suffixes)
        raise UsageError(
            f"{codec.name} does not go into {suffix} files; choose --codec {fitting}, "
            f"or a name ending in {' or '.join(codec.suffixes)}"
        )
    return codec


def encoder_formats(codec: VideoCodec) -> list[str]:
    """Names of the pixel formats an encoder takes."""
    import av

    return [fmt.name for fmt in av.Codec(codec.encoder, "w").video_formats or ()]
