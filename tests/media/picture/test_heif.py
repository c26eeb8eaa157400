"""What phones put beside the primary picture of a HEIC file is named when it goes."""

from __future__ import annotations

import pytest

from crispen.media.picture.heif import left_out

GAIN_MAP = "urn:com:apple:photo:2020:aux:hdrgainmap"
MATTE = "urn:com:apple:photo:2018:aux:portraiteffectsmatte"
SKIN = "urn:com:apple:photo:2019:aux:semanticskinmatte"
DISPARITY = "urn:com:apple:photo:2017:aux:disparity"


@pytest.mark.parametrize(
    ("info", "named"),
    [
        ({}, None),
        ({"depth_images": [], "aux": {}}, None),
        ({"depth_images": [object()], "aux": {}}, "its depth map went"),
        ({"aux": {GAIN_MAP: [2]}}, "its HDR gain map went"),
        ({"aux": {GAIN_MAP: [2], MATTE: [3], SKIN: [4]}}, "its HDR gain map and mattes went"),
        (
            {"depth_images": [object()], "aux": {GAIN_MAP: [2], MATTE: [3]}},
            "its depth map, HDR gain map and mattes went",
        ),
        ({"depth_images": [object()], "aux": {DISPARITY: [2]}}, "its depth map went"),
        ({"aux": {DISPARITY: [2]}}, "its depth map went"),
        ({"aux": {"urn:somebody:else": [2]}}, "its auxiliary pictures went"),
    ],
)
def test_what_goes_is_named(info: dict[str, object], named: str | None) -> None:
    found = left_out(info)
    assert found == (() if named is None else (f"{named}: they belong to the picture as it was",))
