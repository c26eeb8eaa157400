"""What is known about one video encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from crispen.errors import UsageError
from crispen.media.format_choice import video_of
from crispen.media.video_formats import MUXERS

COUNTING = "matroska"
"""Container of segments whose time stamps count the result's ticks, since it has only ms."""
COUNTED = Fraction(1, 1000)
"""The time base that these time stamps have there."""


@dataclass(frozen=True, slots=True)
class VideoCodec:
    """One choice of ``--codec``.

    Attributes:
        name: What the user types.
        encoder: FFmpeg's encoder.
        crf: Default quality, lower is better; None if the codec has no such scale.
        preset: Default speed.
        presets: The choices, fastest last; empty if the codec has none.
        extra: Further options of the encoder.
        quick: Options for real time in place of the preset: faster, not as close to the frames.
        preset_option: FFmpeg's name for the preset.
        max_crf: The worst quality.
        segment: Container of unfinished work. NUT holds any time base exactly.
        full_range: It can signal full-range levels.
        odd: It encodes odd widths and heights, whatever its chroma.
        crf_options: FFmpeg's names for the quality.
        rated: The quality in FFmpeg's form.
        device: What a hardware encoder needs, in words; empty for software.
        uploads: FFmpeg's name of the device that frames are sent to before they are encoded.
        formats: Pixel formats it accepts, if FFmpeg only says that they are on the device.
        alpha: Those with transparency that it encodes; FFmpeg also lists some that fail.
    """

    name: str
    encoder: str
    crf: int | None
    preset: str | None
    presets: tuple[str, ...]
    extra: dict[str, str] = field(default_factory=dict)
    quick: dict[str, str] = field(default_factory=dict)
    preset_option: str = "preset"
    max_crf: int = 51
    segment: str = "nut"
    full_range: bool = True
    odd: bool = True
    crf_options: tuple[str, ...] = ("crf",)
    rated: Callable[[float], str] = "{:g}".format
    device: str = ""
    uploads: str = ""
    formats: tuple[str, ...] = ()
    alpha: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """See `codec_family`."""
        return codec_family(self.name)

    @property
    def suffixes(self) -> list[str]:
        """Suffixes of the files that can hold it."""
        return [s for s in MUXERS if self.family in video_of(s).codecs]

    def options(
        self, crf: float | None, preset: str | None, *, quick: bool = False
    ) -> dict[str, str]:
        """FFmpeg's options for that quality and speed.

        Args:
            crf: Quality on the codec's own scale; its default unless given.
            preset: Speed; its default unless given.
            quick: Be as fast as real time needs, where neither of the two says otherwise.

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
            rating = self.rated(self.crf if crf is None else crf)
            options |= dict.fromkeys(self.crf_options, rating)
        if preset is not None and preset not in self.presets:
            raise UsageError(
                f"{self.name} has no preset '{preset}'"
                + (f"; choose one of {', '.join(self.presets)}" if self.presets else "")
            )
        chosen = preset or self.preset
        if chosen is not None:
            options[self.preset_option] = chosen
        if quick and preset is None:
            given = self.crf_options if crf is not None else ()
            options |= {name: value for name, value in self.quick.items() if name not in given}
        return options


def codec_family(name: str) -> str:
    """The coding format that a codec of that name produces.

    >>> codec_family("hevc_nvenc"), codec_family("h264")
    ('hevc', 'h264')
    """
    return name.partition("_")[0]
