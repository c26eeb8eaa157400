"""The table of formats: every container is what FFmpeg says, and codecs go where it says so."""

from __future__ import annotations

import io
import re

import av
import numpy as np
import pytest
from av.codec import codecs_available

from crispen.media.format_choice import is_video_name, video_of, video_read_by
from crispen.media.formats import PICTURES
from crispen.media.signatures import HEAD_BYTES, describe_stranger
from crispen.media.video.codecs import CODEC_NAMES, available_codecs, codecs_in
from crispen.media.video.scheduling import kept_scheduling
from crispen.media.video_formats import MUXERS, VIDEO_SUFFIXES, VIDEOS

WRITTEN = [(suffix, codec) for suffix in MUXERS for codec in video_of(suffix).codecs]


def clip(suffix: str, encoder: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", MUXERS[suffix]) as container:
        stream = container.add_stream(encoder, 25)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuv422p10le" if encoder == "prores_ks" else "yuv420p"
        with kept_scheduling():  # as in `Encoder`
            stream.codec_context.open(strict=False)
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
            frame = frame.reformat(format=stream.pix_fmt)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def test_ffmpeg_knows_every_reader_and_writer() -> None:
    for kind in VIDEOS.values():
        assert kind.demuxer in av.formats_available or kind.demuxer.split(",")[0] in (
            name.split(",")[0] for name in av.formats_available
        ), kind.name
        if kind.muxer:
            assert av.ContainerFormat(kind.muxer, "w").is_output


@pytest.mark.parametrize(("suffix", "codec"), WRITTEN)
def test_a_container_holds_its_codecs_and_is_recognised(suffix: str, codec: str) -> None:
    encoder = next(c.encoder for c in available_codecs() if c.name == codec)
    content = clip(suffix, encoder)
    with av.open(io.BytesIO(content)) as container:
        read = video_read_by(container.format.name)
    assert read is not None
    assert read.demuxer == video_of(suffix).demuxer
    assert describe_stranger(content[:HEAD_BYTES]) == "a video"
    assert is_video_name(f"a{suffix.upper()}")


def test_one_suffix_means_one_format() -> None:
    pictures = [s for f in PICTURES.values() for s in f.suffixes]
    videos = [s for f in VIDEOS.values() for s in f.suffixes]
    assert len(set(pictures + videos)) == len(pictures + videos)
    assert {".vob", ".wmv", ".mxf"} <= VIDEO_SUFFIXES


def test_codecs_are_ours() -> None:
    for kind in VIDEOS.values():
        assert set(kind.browsers) <= set(kind.codecs) <= set(CODEC_NAMES)
    assert codecs_in(".webm") == ["vp9", "av1"]
    assert {c.encoder for c in available_codecs()} <= codecs_available


def test_no_other_module_lists_suffixes_of_videos(request: pytest.FixtureRequest) -> None:
    source = request.config.rootpath / "src/crispen"
    pattern = re.compile(r'"\.(mkv|webm|m4v|avi|wmv|mxf|vob|m2ts)"')
    found = {
        file.relative_to(source).as_posix()
        for file in source.rglob("*.py")
        if pattern.search(re.sub(r'"""[\s\S]*?"""', "", file.read_text()))
    }
    # What is written where a name says nothing.
    assert found == {"media/video_formats.py", "enhance/naming.py"}
