"""Pixel formats of video frames: the planar form used for processing, and encoders' formats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError

if TYPE_CHECKING:
    import av

STUDIO_RANGE = 1  # AVCOL_RANGE_MPEG
FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_DEPTHS = (8, 9, 10, 12, 14, 16)
_SUBSAMPLING = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (4, 1): "422", (1, 2): "444"}


@dataclass(frozen=True, slots=True)
class Planar:
    """A planar Y'CbCr or grey format.

    Attributes:
        chroma: ``420``, ``422``, ``444``, or ``400`` for grey, which has no alpha here.
        bits: Bits per sample.
        alpha: It has a fourth plane of that depth, at the size of luma: from 0, transparent, to
            `peak`.
    """

    chroma: str
    bits: int
    alpha: bool = False

    @property
    def name(self) -> str:
        """FFmpeg's name for it."""
        depth = "" if self.bits == 8 else f"{self.bits}le"
        if self.chroma == "400":
            return f"gray{depth}"
        return f"yuv{'a' if self.alpha else ''}{self.chroma}p{depth}"

    @property
    def luma_name(self) -> str:
        """FFmpeg's name for one plane of that depth."""
        return Planar("400", self.bits).name

    @property
    def peak(self) -> int:
        """The largest level."""
        return (1 << self.bits) - 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its samples."""
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    @property
    def step(self) -> tuple[int, int]:
        """What width and height must be multiples of."""
        return {"420": (2, 2), "422": (2, 1)}.get(self.chroma, (1, 1))

    def label(self) -> str:
        """For people: ``10 bit 4:2:2``."""
        return f"{self.bits} bit " + ("grey" if self.chroma == "400" else ":".join(self.chroma))


def planar_named(name: str) -> Planar:
    """The format named by one of `codecs.PIXEL_FORMATS`, or by its short name.

    >>> planar_named("yuv420p10") == planar_named("yuv420p10le") == Planar("420", 10)
    True
    """
    bits = name.partition("p")[2].removesuffix("le")
    return Planar(name[3:6], int(bits or 8))


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """The pixel format of a source.

    Attributes:
        name: FFmpeg's name, such as ``yuvj420p``.
        planar: The planar form that holds the same colour, without alpha.
        rgb: Its samples are R'G'B', or a palette of them.
        alpha: It has transparency. That of a palette, which hardly any has, does not count.
    """

    name: str
    planar: Planar
    rgb: bool
    alpha: bool

    @property
    def direct(self) -> bool:
        """Whether its planes can be used directly."""
        return self.name.replace("yuvj", "yuv") == self.planar.name

    @property
    def grey(self) -> bool:
        """Whether it has no colour."""
        return self.planar.chroma == "400"

    def range(self, tagged: int) -> int:
        """The range of the planar form's levels.

        Args:
            tagged: What the file says; 0 if it says nothing.
        """
        if self.rgb:
            return STUDIO_RANGE
        # FFmpeg reads grey as full range, and a network loses next to nothing when given too
        # narrow a range.
        return tagged or (FULL_RANGE if self.grey else STUDIO_RANGE)

    def tag(self, tagged: int, target: Planar, *, full: bool = True) -> int:
        """The range tag of the result.

        Args:
            tagged: The source's tag.
            target: The format of the result.
            full: Whether the result can have full range.
        """
        if self.rgb or not full:
            return STUDIO_RANGE
        if self.grey and target.chroma != "400":
            return self.range(tagged)
        return tagged


def source_format(fmt: av.VideoFormat) -> SourceFormat:
    """Describes a decoder's format."""
    rgb = fmt.is_rgb or fmt.has_palette or fmt.is_bayer
    alpha = any(c.is_alpha for c in fmt.components) and not fmt.has_palette
    bits = max(8, max(c.bits for c in fmt.components))
    bits = next((d for d in _DEPTHS if d >= bits), 16)
    if rgb:
        chroma = "444"
    elif sum(not c.is_alpha for c in fmt.components) < 3:
        chroma = "400"
    else:
        across, down = 16 // fmt.chroma_width(16), 16 // fmt.chroma_height(16)
        chroma = _SUBSAMPLING.get((across, down), "420")
    return SourceFormat(fmt.name, Planar(chroma, 8 if fmt.has_palette else bits), rgb, alpha)


def choose_format(wanted: Planar, offered: Iterable[str]) -> Planar | None:
    """The encoder's format that loses least of `wanted`; the smallest among equals.

    >>> choose_format(Planar("422", 10), ["yuv420p", "yuv420p10le", "yuv444p10le"]).name
    'yuv444p10le'
    >>> choose_format(Planar("444", 10, alpha=True), ["yuv444p10le", "yuva420p"]).name
    'yuva420p'
    """
    names = set(offered)
    known = [
        form
        for chroma in ("400", "420", "422", "444")
        for bits in _DEPTHS
        for form in (Planar(chroma, bits), Planar(chroma, bits, alpha=chroma != "400"))
        if form.name in names
    ]
    rank = ("400", "420", "422", "444").index

    def cost(p: Planar) -> tuple[bool, int, int, int, int]:
        chroma = rank(p.chroma) - rank(wanted.chroma)
        bits = p.bits - wanted.bits
        lost = p.alpha != wanted.alpha
        return lost, max(0, -bits), max(0, -chroma), max(0, chroma), max(0, bits)

    return min(known, key=cost, default=None)


def plane(frame: av.VideoFrame, index: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """``(rows, columns)`` of one plane, a view into the frame."""
    part = frame.planes[index]
    if part.line_size < 0:  # rows stored bottom up; `reformat` turns them before this is reached
        raise InputError("the picture is stored bottom up in a way Crispen cannot read; convert it")
    return _rows(part, dtype)[:, : part.width]


def packed(frame: av.VideoFrame, dtype: np.dtype[Any]) -> NDArray[Any]:
    """``(rows, columns, 3)`` of a packed RGB frame, a view into it."""
    part = frame.planes[0]
    rows = _rows(part, dtype)[:, : part.width * 3]
    return rows.reshape(part.height, part.width, 3)


def _rows(part: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    whole: NDArray[Any] = np.frombuffer(part, dtype)
    return whole.reshape(part.height, part.line_size // dtype.itemsize)


def top_left_chroma(frame: av.VideoFrame) -> bool:
    """Whether chroma samples are on the first luma row of their pair, rather than between rows."""
    return _chroma_offset(frame, down=True) > -0.1875


def centred_chroma(frame: av.VideoFrame) -> bool:
    """Whether chroma samples are between luma columns, as in JPEG, MPEG-1 and H.263.

    Those have 8 bits. With more, swscale treats samples of unknown place as between columns too,
    so that the two cannot be told apart; nearly all are on a column.
    """
    form = source_format(frame.format)
    if form.rgb or form.planar.chroma not in ("420", "422") or form.planar.bits > 8:
        return False
    return _chroma_offset(frame, down=False) < -0.1875


def _chroma_offset(frame: av.VideoFrame, *, down: bool) -> float:
    """Where the samples of chroma enlarged 2× are, in samples of the frame: 0.25 or 0.125 earlier.

    PyAV does not expose a frame's chroma location, but swscale honours it: on a slope of 16 levels
    a row or column, it shows.
    """
    from av.video.reformatter import Interpolation, VideoReformatter

    bicubic = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
    form = Planar("420", 10)
    shaper = VideoReformatter()
    slope = shaper.reformat(frame, 64, 64, form.name, interpolation=bicubic, threads=1)
    slope.make_writable()
    places = np.arange(32)
    plane(slope, 1, form.dtype)[:] = 100 + 16 * (places[:, None] if down else places)
    large = shaper.reformat(slope, 128, 128, interpolation=bicubic, threads=1)
    levels = plane(large, 1, form.dtype).astype(np.float64)
    middle = (levels if down else levels.T)[16:48]
    return float(((middle - 100) / 16 - np.arange(16, 48)[:, None] / 2).mean())


def beside_first_column(levels: NDArray[Any], peak: int) -> NDArray[Any]:
    """Chroma samples between two columns of luma, moved onto the first of the two.

    That is a quarter of their distance, interpolated cubically (Catmull and Rom).
    """
    wide = np.pad(levels.astype(np.float32), ((0, 0), (2, 1)), "edge")
    taps = (-0.0234375, 0.2265625, 0.8671875, -0.0703125)
    width = levels.shape[1]
    moved = sum(np.float32(tap) * wide[:, n : n + width] for n, tap in enumerate(taps))
    whole: NDArray[Any] = np.clip(np.rint(moved), 0, peak).astype(levels.dtype)
    return whole


def change_depth(
    levels: NDArray[Any], source: Planar, target: Planar, *, full: bool
) -> NDArray[Any]:
    """Luma converted to another bit depth.

    In studio range the factor is a power of two: black is 16 in 8 bits and 64 in 10. In full range
    the largest level maps to the largest.
    """
    shift = target.bits - source.bits
    if shift == 0:
        return levels
    if full:
        scaled: NDArray[Any] = np.rint(levels * (target.peak / source.peak)).astype(target.dtype)
        return scaled
    if shift > 0:
        wide: NDArray[Any] = levels.astype(target.dtype) << shift
        return wide
    half = 1 << (-shift - 1)
    rounded = (levels.astype(np.uint32) + half) >> -shift
    narrow: NDArray[Any] = np.minimum(rounded, target.peak).astype(target.dtype)
    return narrow


def _swings(chroma: bool, target: Planar) -> tuple[int, int, int]:
    """Zero of studio range in 8 bits, its steps from there to 1, and zero of `target`'s range."""
    return (128, 224, (target.peak + 1) // 2) if chroma else (16, 219, 0)


def _whole(levels: NDArray[Any], target: Planar) -> NDArray[Any]:
    whole: NDArray[Any] = np.clip(np.rint(levels), 0, target.peak).astype(target.dtype)
    return whole


def full_range(levels: NDArray[Any], chroma: bool, white: int, target: Planar) -> NDArray[Any]:
    """16-bit studio range as full range in the depth of `target`.

    Args:
        levels: One plane.
        chroma: It is Cb or Cr.
        white: The level of white before conversion to studio range; 65280 becomes studio white.
        target: The result's format.
    """
    zero, swing, middle = _swings(chroma, target)
    gain = target.peak / (swing * 256.0) * ((255 << 8) / white)
    return _whole((levels - np.float32(zero * 256)) * np.float32(gain) + np.float32(middle), target)


def studio_range(levels: NDArray[Any], chroma: bool, form: Planar) -> NDArray[Any]:
    """Full range as studio range in the same depth; arguments as for `full_range`."""
    zero, swing, middle = _swings(chroma, form)
    unit = 1 << form.bits - 8
    gain = swing * unit / form.peak
    return _whole((levels - np.float32(middle)) * np.float32(gain) + np.float32(zero * unit), form)
