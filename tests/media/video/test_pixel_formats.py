"""Pixel formats of decoders."""

from __future__ import annotations

import av
import pytest

from crispen.media.video.pixel_formats import Planar, source_format


@pytest.mark.parametrize(
    ("name", "planar", "rgb", "alpha"),
    [
        ("yuvj422p", Planar("422", 8), False, False),
        ("nv12", Planar("420", 8), False, False),
        ("p010le", Planar("420", 10), False, False),
        ("yuva444p12le", Planar("444", 12), False, True),
        ("yuyv422", Planar("422", 8), False, False),
        ("yuv411p", Planar("422", 8), False, False),
        ("gray10le", Planar("400", 10), False, False),
        ("ya8", Planar("400", 8), False, True),
        ("gbrp12le", Planar("444", 12), True, False),
        ("pal8", Planar("444", 8), True, False),
        ("rgb565le", Planar("444", 8), True, False),
    ],
)
def test_formats_of_decoders(name: str, planar: Planar, rgb: bool, alpha: bool) -> None:
    found = source_format(av.VideoFormat(name, 16, 16))
    assert (found.planar, found.rgb, found.alpha) == (planar, rgb, alpha)
