"""Two clips side by side in one video, so that no player can show them out of sync."""

from __future__ import annotations

from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from crispen.evaluate.clips import Clip

if TYPE_CHECKING:
    from av.container import OutputContainer

_BT709 = 1
_BICUBIC = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
_OPTIONS = {"crf": "18", "preset": "veryfast"}


class SideBySide:
    """Writes an MP4; use it in a ``with`` block.

    Args:
        file: To write to.
        like: The clip that sets the size of each half.
    """

    def __init__(self, file: BinaryIO, like: Clip) -> None:
        header = like.header
        self._turns = header.rotation // 90
        self._size = like.size
        self.half = like.size[::-1] if header.turned else like.size
        width, height = self.half
        self._base = header.time_base
        self._out: OutputContainer = av.open(
            file,
            "w",
            "mp4",
            container_options={"video_track_timescale": str(header.time_base.denominator)},
        )
        stream: Any = self._out.add_stream("libx264", rate=header.rate or 25, options=_OPTIONS)
        stream.width, stream.height = 2 * width, height + height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = header.time_base
        stream.codec_context.colorspace = _BT709
        stream.codec_context.color_range = 1
        self._stream = stream

    def __enter__(self) -> SideBySide:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._out.mux(self._stream.encode(None))
        self._out.close()

    def add(self, time: Fraction, first: av.VideoFrame, second: av.VideoFrame) -> None:
        """The next two frames, and when they are shown."""
        both = np.hstack([self._shown(first), self._shown(second)])
        both = np.pad(both, ((0, both.shape[0] % 2), (0, 0), (0, 0)), "edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(both), "rgb24")
        made = frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=1)
        made.pts, made.time_base = round(time / self._base), self._base
        self._out.mux(self._stream.encode(made))

    def _shown(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        large = frame.reformat(*self._size, "rgb24", interpolation=_BICUBIC)
        return np.rot90(large.to_ndarray(), self._turns)
