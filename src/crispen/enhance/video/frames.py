"""One frame of a video into a larger one: the network on luma, bicubic on chroma."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from crispen.engines.base import Engine, Pixels
from crispen.enhance.stages import ModelStage, Shape
from crispen.enhance.video.transparency import Transparency
from crispen.enhance.video.unchanged import Reused, UnchangedStage
from crispen.enhance.window import BICUBIC_HALO, reach_of
from crispen.media.video.colors import BICUBIC, EXACT_COLORS, sws_matrix
from crispen.media.video.header import Color
from crispen.media.video.pixel_formats import (
    FULL_RANGE,
    STUDIO_RANGE,
    Planar,
    SourceFormat,
    beside_first_column,
    change_depth,
    full_range,
    packed,
    plane,
    studio_range,
)

if TYPE_CHECKING:
    import av

    from crispen.engines.curve import CurveEngine
    from crispen.enhance.video.grain import Grain
    from crispen.enhance.video.light import Light

_RGB_MATRIX = 1  # BT.709, what players assume of anything that was RGB


class FrameEnhancer:
    """Makes frames of one size and format out of frames of another.

    The whole frame is enlarged bicubically first, by swscale, which knows where chroma samples are
    and carries the frame's side data (captions, light levels) over; that takes 2 ms for 1080p. Then
    the network's luma takes the place of the bicubic one. Its levels stay as they are; the network
    is given their range, and the matrix does not matter. RGB networks see the colours that the
    stream's own matrix means; where they leave the size as it is, what they change is added to the
    frame's own samples. Grey has no other colours, so they see its plane.

    Args:
        engines: The networks, in order; none for bicubic alone.
        size: Width and height of the source.
        source: Its format.
        color: Its colour.
        target: Width and height of the result, padding included.
        format: Format of the result; with alpha only if the source has it.
        memory_bytes: The budget for windows.
        padding: How many columns and rows of the result repeat its edge.
        strength: How much of what networks of scale 1 change is kept.
        full: Whether the result can have full range; otherwise that becomes studio range.
        centred: Chroma is between columns of luma; in the result it is on the first of each two,
            where players expect it.
        light: The tone curves of the clip, for each network that answers with curves.

    Attributes:
        reused: How much was as in the frame before, and not computed again.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        size: tuple[int, int],
        source: SourceFormat,
        color: Color,
        target: tuple[int, int],
        format: Planar,
        *,
        memory_bytes: int,
        padding: tuple[int, int] = (0, 0),
        strength: float = 1.0,
        full: bool = True,
        centred: bool = False,
        light: Mapping[CurveEngine, Light] | None = None,
    ) -> None:
        self._light = light or {}
        self._engines = tuple(engines)
        self._size = size
        self._source = source
        self._color = color
        self._target = (target[0] - padding[0], target[1] - padding[1])
        self._padded = target
        self._format = replace(format, alpha=False)
        self._centred = centred and format.chroma in ("420", "422")
        self._range = source.range(color.range)
        self._range_tag = source.tag(color.range, format, full=full)
        colored = any(engine.card.color == "rgb" for engine in engines)
        self._rgb = colored and not source.grey
        self._peak = self._white if self._rgb else format.peak
        shape = Shape(size[0], size[1], 3 if self._rgb else 1, format.dtype.itemsize)
        self._stages: list[ModelStage] = []
        for engine in engines:
            stage = ModelStage(
                engine,
                shape,
                memory_bytes=memory_bytes,
                strength=strength,
                peak=self._peak,
                studio=self._range == STUDIO_RANGE,
            )
            self._stages.append(stage)
            shape = stage.result
        self._network_size = (shape.width, shape.height)
        self._transparency: Transparency | None = None
        if format.alpha:
            smaller = max(a / b for a, b in zip(size, self._target, strict=True))
            reach = reach_of(engine.card for engine in engines) + ceil(smaller * BICUBIC_HALO)
            self._transparency = Transparency(source.planar, size, format, self._target, reach)
        self.reused = Reused()
        # Curves may differ from frame to frame; frames of many windows are too large to be kept.
        self._following: list[UnchangedStage] | None = None
        if not self._light and all(stage.one_window for stage in self._stages):
            self._following = [UnchangedStage(stage, self.reused) for stage in self._stages]
        self._grain: Grain | None = None
        self._amount = 0.0
        self._planar = VideoReformatter()
        self._enlarge = VideoReformatter()
        self._reduce = VideoReformatter()
        self._colors = VideoReformatter()
        self._back = VideoReformatter()
        self._grow = VideoReformatter()
        self._widen = VideoReformatter()

    @property
    def matrix(self) -> int:
        """The matrix of the result, in H.273's numbers."""
        return _RGB_MATRIX if self._source.rgb else self._color.matrix

    @property
    def _white(self) -> int:
        """The level of white in swscale's R'G'B', which has no 65535 in 16 bits."""
        if self._format.bits == 8:
            return 255
        planar = self._source.planar
        return (planar.peak << 16 - planar.bits) if self._range == FULL_RANGE else 255 << 8

    def _swscale(
        self, *, to_rgb: bool = False, from_rgb: bool = False, planar: bool = False
    ) -> dict[str, Any]:
        matrix = sws_matrix(self.matrix)
        rgb_in = from_rgb or (self._source.rgb and not planar)
        # swscale treats grey as full range, whatever its options say: so nothing is mapped.
        own = FULL_RANGE if self._source.grey else self._range
        if not (to_rgb or rgb_in):
            return {"src_color_range": own, "dst_color_range": own}
        return {
            "src_colorspace": matrix,
            "dst_colorspace": matrix,
            "src_color_range": FULL_RANGE if rgb_in else own,
            "dst_color_range": FULL_RANGE if to_rgb else own,
        }

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The enhanced frame, with the time stamp, duration and side data of `frame`."""
        source = self.planar(frame)
        self._set_light(frame)
        alpha = hidden = None
        if self._transparency is not None:
            seen = self._transparency.of(frame)
            alpha = self._transparency.result(seen)
            if not seen.all():
                hidden = self._enlarged(source)
                self._transparency.fill(source, seen)
        out = self._painted(frame, source)
        if self._grain is not None:
            out.make_writable()
            self._grain.add(self._levels(out), self._amount, frame.pts or 0)
        if self._transparency is not None and alpha is not None and hidden is not None:
            out.make_writable()
            self._transparency.restore(out, hidden, alpha)
        if self._centred:
            out.make_writable()
            for levels in self._levels(out)[1:]:
                levels[:] = beside_first_column(levels, self._format.peak)
        if self._range == FULL_RANGE and self._range_tag == STUDIO_RANGE:
            out.make_writable()
            for index in range(len(out.planes)):
                levels = plane(out, index, self._format.dtype)
                levels[:] = studio_range(levels, index > 0, self._format)
        if self._padded != self._target:
            out = self._pad(out)
        if self._transparency is not None and alpha is not None:
            out = self._transparency.joined(out, alpha)
        self._tag(frame, out)
        return out

    def _painted(self, frame: av.VideoFrame, source: av.VideoFrame) -> av.VideoFrame:
        """What the networks make of a frame, which is also given in the planar form."""
        out = self._enlarged(source)
        if self._stages:
            if self._rgb:
                planar = self._transparency is not None
                self._paint_rgb(source if planar else frame, out, planar=planar)
            else:
                luma = plane(source, 0, self._source.planar.dtype)
                if out is source:  # nothing to enlarge; the decoder still needs its own samples
                    luma = luma.copy()
                    out.make_writable()
                luma = change_depth(
                    luma, self._source.planar, self._format, full=self._range == FULL_RANGE
                )
                self._paint_luma(luma, plane(out, 0, self._format.dtype))
        return out

    def _levels(self, frame: av.VideoFrame) -> list[NDArray[Any]]:
        return [plane(frame, index, self._format.dtype) for index in range(len(frame.planes))]

    def _enlarged(self, source: av.VideoFrame) -> av.VideoFrame:
        """A frame in the planar form, bicubic at the result's size and in its format."""
        own = FULL_RANGE if self._source.grey else self._range
        return self._enlarge.reformat(
            source,
            *self._target,
            self._format.name,
            interpolation=BICUBIC,
            threads=1,
            src_color_range=own,
            dst_color_range=own,
        )

    def _pad(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame with its last column and row repeated."""
        # Made from the frame, for its side data.
        padded = self._widen.reformat(frame, *self._padded, interpolation="POINT", threads=1)
        padded.make_writable()
        for index in range(len(padded.planes)):
            small = plane(frame, index, self._format.dtype)
            large = plane(padded, index, self._format.dtype)
            more = [(0, a - b) for a, b in zip(large.shape, small.shape, strict=True)]
            large[:] = np.pad(small, more, "edge")
        return padded

    def compared(self, frame: av.VideoFrame) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """The planes of a frame enlarged bicubically, and those of its result, without grain."""
        source = self.planar(frame)
        self._set_light(frame)
        before = [levels.copy() for levels in self._levels(self._enlarged(source))]
        counted = replace(self.reused)
        made = [levels.copy() for levels in self._levels(self._painted(frame, source))]
        self.reused.pixels, self.reused.computed = counted.pixels, counted.computed
        return before, made

    def put_grain(self, grain: Grain, amount: float) -> None:
        """Put a share of a clip's grain, from 0 to 1, into all frames from now on."""
        self._grain, self._amount = grain, amount

    @property
    def factor(self) -> float:
        """How many times as long the sides become."""
        return max(a / b for a, b in zip(self._target, self._size, strict=True))

    @property
    def working(self) -> Planar:
        """Format of the result without alpha."""
        return self._format

    @property
    def full(self) -> bool:
        """Whether levels have full range, before they are made studio range for the encoder."""
        return self._range == FULL_RANGE

    def _set_light(self, frame: av.VideoFrame) -> None:
        for engine, light in self._light.items():
            engine.curve = light.at(float(frame.time or 0.0))

    def interrupt(self, thread: int) -> None:
        """Cut short what `thread` does in a network."""
        for engine in self._engines:
            engine.interrupt(thread)

    def planar(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame in the planar form of its format, and at the stream's size."""
        width, height = self._size
        fits = frame.width == width and frame.height == height
        if self._source.direct and fits and frame.format.name == self._source.name:
            return frame
        return self._planar.reformat(
            frame,
            width,
            height,
            self._source.planar.name,
            interpolation=EXACT_COLORS,
            threads=1,
            **self._swscale(),
        )

    def _paint_luma(self, luma: NDArray[Any], out: NDArray[Any]) -> None:
        if self._network_size == self._target:
            self._run(luma[..., None], out[..., None])
            return
        from av import VideoFrame

        large = VideoFrame(*self._network_size, self._format.luma_name)
        self._run(luma[..., None], plane(large, 0, self._format.dtype)[..., None])
        small = self._reduce.reformat(large, *self._target, interpolation=BICUBIC, threads=1)
        out[:] = plane(small, 0, self._format.dtype)

    def _paint_rgb(self, frame: av.VideoFrame, out: av.VideoFrame, *, planar: bool) -> None:
        name = "rgb48le" if self._format.bits > 8 else "rgb24"
        seen = self._colors.reformat(
            frame,
            *self._size,
            name,
            interpolation=EXACT_COLORS,
            threads=1,
            **self._swscale(to_rgb=True, planar=planar),
        )
        seen.make_writable()
        pixels = packed(seen, self._format.dtype)
        if self._format.bits > 8:
            np.minimum(pixels, self._peak, out=pixels)
        # At the source's own size only what changed is painted: colours that the way to RGB and
        # back would shift, or that RGB does not have, stay as they are.
        before = self._from_rgb(seen) if self._network_size == self._target == self._size else None
        # A frame made from the source's, since PyAV can give a new one no place of its chroma.
        large = self._grow.reformat(seen, *self._network_size, name, interpolation="POINT")
        large.make_writable()
        self._run(pixels, packed(large, self._format.dtype))
        final = self._from_rgb(large)
        out.make_writable()  # it may be the source's own frame
        for index in range(len(out.planes)):
            levels = plane(out, index, self._format.dtype)
            if before is None:
                levels[:] = final[index]
                continue
            change = final[index].astype(np.int32) - before[index]
            levels[:] = np.clip(levels + change, 0, self._format.peak)

    def _from_rgb(self, frame: av.VideoFrame) -> list[NDArray[Any]]:
        """The planes of the result's format."""
        ranges = self._swscale(from_rgb=True)
        form = self._format
        full = self._range == FULL_RANGE
        if full:  # swscale is up to a level off there; its studio range in 16 bits is exact
            ranges["dst_color_range"] = STUDIO_RANGE
            form = Planar(form.chroma, 16)
        planar = self._back.reformat(
            frame, *self._target, form.name, interpolation=EXACT_COLORS, threads=1, **ranges
        )
        planes = [plane(planar, index, form.dtype) for index in range(3)]
        if full:
            white = self._white << 16 - 8 * self._format.dtype.itemsize
            return [full_range(part, n > 0, white, self._format) for n, part in enumerate(planes)]
        return planes

    def _run(self, pixels: NDArray[Any], out: NDArray[Any]) -> None:
        if self._following is not None:
            made = cast(Pixels, np.ascontiguousarray(pixels))
            for following in self._following:
                made = following(made)
            out[:] = made
            return
        flow: Iterator[Pixels] = iter([np.ascontiguousarray(pixels)])
        for stage in self._stages:
            flow = stage.frame(flow, _silent)
        row = 0
        for band in flow:
            out[row : row + len(band)] = band
            row += len(band)

    def _tag(self, frame: av.VideoFrame, out: av.VideoFrame) -> None:
        out.pts = frame.pts
        if frame.time_base is not None:
            out.time_base = frame.time_base
        out.duration = frame.duration
        out.pict_type = 0  # the encoder decides, not the source
        out.colorspace = self.matrix
        out.color_range = self._range_tag


def _silent(_: float) -> None:
    pass
