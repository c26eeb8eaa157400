"""Encoders of graphics cards: those that are not there are refused before any work."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from av.codec import codecs_available

from crispen.errors import UsageError
from crispen.media.video.codecs import (
    encoder_format,
    encoder_formats,
    find_codec,
    hardware_names,
)
from crispen.media.video.hardware import HARDWARE, tried
from crispen.media.video.pixel_formats import Planar, choose_format


@pytest.mark.parametrize("codec", HARDWARE, ids=lambda codec: str(codec.name))
def test_each_is_found_or_refused_with_what_to_choose_instead(codec) -> None:  # type: ignore[no-untyped-def]
    if codec.encoder not in codecs_available:
        with pytest.raises(UsageError, match=f"no such encoder; choose --codec {codec.family}$"):
            find_codec(codec.name, ".mp4")
    elif tried(codec):
        with pytest.raises(UsageError, match=rf"needs .* \(.+\); choose --codec {codec.family}$"):
            find_codec(codec.name, ".mp4")
        assert codec.name not in hardware_names()
    else:
        assert find_codec(codec.name, ".mp4") is codec
        assert codec.name in hardware_names()


@pytest.mark.parametrize("codec", HARDWARE, ids=lambda codec: str(codec.name))
def test_each_that_ffmpeg_knows_takes_eight_bits_and_goes_into_mp4(codec) -> None:  # type: ignore[no-untyped-def]
    if codec.encoder not in codecs_available:
        pytest.skip(f"this FFmpeg has no {codec.encoder}")
    assert ".mp4" in codec.suffixes
    form = choose_format(Planar("420", 8), encoder_formats(codec))
    assert form == Planar("420", 8)
    assert encoder_format(codec, form.name) in ("yuv420p", "nv12")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="FFmpeg lists its encoders' options")
@pytest.mark.parametrize("codec", HARDWARE, ids=lambda codec: str(codec.name))
def test_options_are_ones_that_ffmpeg_lists(codec) -> None:  # type: ignore[no-untyped-def]
    command = ["ffmpeg", "-hide_banner", "-h", f"encoder={codec.encoder}"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if "AVOptions" not in listed:
        pytest.skip(f"this FFmpeg has no {codec.encoder}")
    own = set(re.findall(r"^ +-(\S+)", listed, re.MULTILINE))
    general = {"b", "global_quality", "flags"}
    options = codec.options(30, codec.presets[0] if codec.presets else None)
    assert set(options) <= own | general
    choices = set(re.findall(r"^ {5}(\S+) ", listed, re.MULTILINE))
    assert set(codec.presets) <= choices


def test_the_quality_is_told_in_each_encoders_own_way() -> None:
    told = {codec.name: codec.options(20, None) for codec in HARDWARE}
    assert told["hevc_nvenc"]["cq"] == "20"
    assert told["h264_qsv"]["global_quality"] == "20"
    assert told["av1_vaapi"]["global_quality"] == "100"  # of 255
    assert told["h264_amf"]["qp_i"] == told["h264_amf"]["qp_p"] == "20"
    # FFmpeg's unit of quality is 1/118; VideoToolbox's own goes up to 100.
    better, worse = (
        int(codec.options(crf, None)["global_quality"]) / 118
        for codec in HARDWARE
        if codec.name == "h264_videotoolbox"
        for crf in (10, 40)
    )
    assert 100 >= better > worse >= 1
