"""The transparency of a video's frames, treated as that of pictures.

Alpha is enlarged bicubically, with the same code as a picture's: a network would put texture into
it. Colour under transparent pixels takes that of the visible ones around it before a network sees
it, so that it never bleeds into the visible ones; where the result is fully transparent, it is
what was hidden there, enlarged.
"""

from __future__ import annotations

from typing import Any, cast

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from crispen.engines.base import Pixels
from crispen.enhance.fill import fill_hidden
from crispen.enhance.resize import Resizer
from crispen.media.video.alpha import alpha_of, change_alpha
from crispen.media.video.pixel_formats import Planar, plane


class Transparency:
    """Takes the alpha of frames, and puts it into their results.

    Args:
        source: Planar form of the frames, without alpha.
        size: Their width and height.
        target: Format of the results, with alpha.
        target_size: Width and height of the results.
        reach: How far a pixel of the result sees, in pixels of the source.
    """

    def __init__(
        self,
        source: Planar,
        size: tuple[int, int],
        target: Planar,
        target_size: tuple[int, int],
        reach: int,
    ) -> None:
        self._source = source
        self._size = size
        self._target = target
        self._target_size = target_size
        self._reach = reach
        self._resizer = Resizer(*size, *target_size, 1) if size != target_size else None
        # It is enlarged in the whole range of a type, so that what a filter overshoots is clipped.
        self._peak = 255 if source.bits == target.bits == 8 else 65535
        self._fit = VideoReformatter()
        self._shaper = VideoReformatter()
        self._widen = VideoReformatter()

    def of(self, frame: av.VideoFrame) -> NDArray[Any]:
        """The alpha of a frame, ``(height, width)``, from 0 to its type's maximum."""
        if (frame.width, frame.height) != self._size:
            frame = self._fit.reformat(frame, *self._size, interpolation="BICUBIC", threads=1)
        levels, peak = alpha_of(frame, self._shaper)
        return change_alpha(levels, peak, self._peak)

    def fill(self, frame: av.VideoFrame, alpha: NDArray[Any]) -> None:
        """Fill hidden colour in a frame in the planar form, which is changed."""
        frame.make_writable()
        dtype = self._source.dtype
        planes = [plane(frame, index, dtype) for index in range(len(frame.planes))]
        _fill(planes[:1], alpha, self._reach)
        if len(planes) > 1:
            _fill(planes[1:], _most(alpha, planes[1].shape), self._reach)

    def result(self, alpha: NDArray[Any]) -> NDArray[Any]:
        """The alpha of the result, in its depth."""
        width, height = self._target_size
        if (alpha == alpha.flat[0]).all():
            alpha = np.full((height, width), alpha.flat[0], alpha.dtype)
        elif self._resizer is not None:
            bands = self._resizer.frame(iter([cast(Pixels, alpha[..., None])]))
            alpha = np.concatenate([*bands])[..., 0]
        return change_alpha(alpha, self._peak, self._target.peak)

    def restore(self, out: av.VideoFrame, hidden: av.VideoFrame, alpha: NDArray[Any]) -> None:
        """Give fully transparent pixels of a result the colour of another frame.

        Args:
            out: The result, which is changed.
            hidden: Of the same size and format.
            alpha: Of the result.
        """
        for index in range(len(out.planes)):
            levels = plane(out, index, self._target.dtype)
            clear = _most(alpha, levels.shape) == 0
            levels[clear] = plane(hidden, index, self._target.dtype)[clear]

    def joined(self, out: av.VideoFrame, alpha: NDArray[Any]) -> av.VideoFrame:
        """A frame with alpha from one without, whose side data it keeps."""
        whole = self._widen.reformat(out, format=self._target.name, interpolation="POINT")
        whole.make_writable()
        levels = plane(whole, len(whole.planes) - 1, self._target.dtype)
        more = [(0, a - b) for a, b in zip(levels.shape, alpha.shape, strict=True)]
        levels[:] = np.pad(alpha, more, "edge")
        return whole


def _fill(planes: list[NDArray[Any]], alpha: NDArray[Any], reach: int) -> None:
    filled = fill_hidden(cast(Pixels, np.dstack([*planes, alpha])), reach)
    for index, levels in enumerate(planes):
        levels[:] = filled[..., index]


def _most(alpha: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The largest alpha of the pixels that share each chroma sample."""
    if alpha.shape == shape:
        return alpha
    down, across = (-(-a // b) for a, b in zip(alpha.shape, shape, strict=True))
    more = [(0, b * n - a) for a, b, n in zip(alpha.shape, shape, (down, across), strict=True)]
    whole = np.pad(alpha, more, "edge")
    blocks = whole.reshape(shape[0], down, shape[1], across)
    return cast(NDArray[Any], blocks.max(axis=(1, 3)))
