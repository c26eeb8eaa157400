"""The format of a result."""

from __future__ import annotations

import pytest

from crispen.media.format_choice import is_video_name
from crispen.media.video.pixel_formats import Planar, choose_format


@pytest.mark.parametrize(
    ("wanted", "offered", "chosen"),
    [
        (Planar("420", 8), ["yuv420p", "yuv444p"], "yuv420p"),
        (Planar("422", 8), ["yuv420p", "yuv444p"], "yuv444p"),
        (Planar("444", 12), ["yuv420p10le", "yuv444p10le"], "yuv444p10le"),
        (Planar("420", 8), ["yuv422p10le", "yuv444p10le"], "yuv422p10le"),
        (Planar("400", 8), ["yuv420p", "yuv420p10le"], "yuv420p"),
        (Planar("444", 10), ["yuv444p", "yuv420p10le"], "yuv420p10le"),
    ],
)
def test_the_format_that_loses_least(wanted: Planar, offered: list[str], chosen: str) -> None:
    found = choose_format(wanted, offered)
    assert found is not None
    assert found.name == chosen


def test_names() -> None:
    assert is_video_name("a/b.MKV")
    assert not is_video_name("b.gif")
