"""Codecs: each has a format, and says what it is."""

from __future__ import annotations

import pytest

from crispen.errors import UsageError
from crispen.media.video.codecs import available_codecs, encoder_formats, find_codec
from crispen.media.video.pixel_formats import Planar, choose_format


def test_every_offered_codec_has_formats_and_fits_a_file() -> None:
    codecs = available_codecs()
    assert codecs[0].name == "h264"
    for codec in codecs:
        assert choose_format(Planar("420", 8), encoder_formats(codec)) is not None
        assert find_codec(codec.name, codec.suffixes[0]) is codec
        assert codec.preset is None or codec.preset in codec.presets


def test_unknown_codec_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean hevc"):
        find_codec("hevv", ".mp4")
