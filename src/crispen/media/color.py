"""RGB and Y'CbCr, by matrix (BT.601, BT.709, BT.2020) and range (studio, full).

Everything here is an affine map on the last axis, so one small class suffices. Values are in
[0, 1] on both sides: studio-range luma runs from 16/255 to 235/255. `BT601_STUDIO` is MATLAB's
``rgb2ycbcr``, on which the literature measures PSNR.

Source: ITU-R BT.601-7, BT.709-6, BT.2020-2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class YCbCr:
    """One way to write RGB as luma and two colour differences.

    Attributes:
        kr: Weight of red in luma.
        kb: Weight of blue in luma.
        full: Full range (JPEG) instead of studio range (video, MATLAB).
    """

    kr: float
    kb: float
    full: bool = False

    @property
    def luma_weights(self) -> NDArray[np.float64]:
        """Weights of R, G and B in [0, 1] in luma, including the range."""
        swing = 1.0 if self.full else 219.0 / 255.0
        return np.array([self.kr, 1.0 - self.kr - self.kb, self.kb]) * swing

    @property
    def luma_offset(self) -> float:
        """Luma of black."""
        return 0.0 if self.full else 16.0 / 255.0

    @property
    def matrix(self) -> NDArray[np.float64]:
        """``(3, 3)``: rows Y', Cb, Cr; columns R, G, B."""
        swing = 1.0 if self.full else 224.0 / 255.0
        luma = np.array([self.kr, 1.0 - self.kr - self.kb, self.kb])
        cb = (np.array([0.0, 0.0, 1.0]) - luma) / (2.0 * (1.0 - self.kb)) * swing
        cr = (np.array([1.0, 0.0, 0.0]) - luma) / (2.0 * (1.0 - self.kr)) * swing
        return np.stack([self.luma_weights, cb, cr])

    @property
    def offset(self) -> NDArray[np.float64]:
        """``(3,)``: Y', Cb and Cr of black."""
        return np.array([self.luma_offset, 128.0 / 255.0, 128.0 / 255.0])

    def from_rgb(self, rgb: NDArray[np.floating]) -> NDArray[np.floating]:
        """``(…, 3)`` Y'CbCr of ``(…, 3)`` R'G'B' in [0, 1]."""
        return rgb @ self.matrix.T.astype(rgb.dtype) + self.offset.astype(rgb.dtype)

    def to_rgb(self, ycbcr: NDArray[np.floating]) -> NDArray[np.floating]:
        """The inverse of `from_rgb`; not clipped."""
        inverse = np.linalg.inv(self.matrix).T.astype(ycbcr.dtype)
        return (ycbcr - self.offset.astype(ycbcr.dtype)) @ inverse

    def luma(self, rgb: NDArray[np.floating]) -> NDArray[np.floating]:
        """``(…)`` luma in [0, 1] of ``(…, 3)`` R'G'B' in [0, 1].

        >>> float(BT601_STUDIO.luma(np.ones(3)).round(4))
        0.9216
        """
        return rgb @ self.luma_weights.astype(rgb.dtype) + np.asarray(self.luma_offset, rgb.dtype)


BT601_STUDIO = YCbCr(0.299, 0.114)
BT601_FULL = YCbCr(0.299, 0.114, full=True)
BT709_STUDIO = YCbCr(0.2126, 0.0722)
BT709_FULL = YCbCr(0.2126, 0.0722, full=True)
BT2020_STUDIO = YCbCr(0.2627, 0.0593)
BT2020_FULL = YCbCr(0.2627, 0.0593, full=True)
