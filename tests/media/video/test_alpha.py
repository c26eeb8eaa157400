"""The alpha plane of frames in every layout."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from crispen.media.video.alpha import alpha_decoder, alpha_of, change_alpha


@pytest.mark.parametrize(
    "name",
    ["yuva420p", "yuva444p16le", "gbrap", "gbrap12le", "rgba", "bgra", "argb", "ya8", "rgba64le"],
)
def test_alpha_is_that_of_the_frame(name: str) -> None:
    form = av.VideoFormat(name)
    deep = max(c.bits for c in form.components)
    place = next(n for n, c in enumerate(form.components) if c.is_alpha)
    dtype = np.uint8 if deep == 8 else np.uint16
    levels = (np.add.outer(np.arange(16) * 3, np.arange(32) * 5) << deep - 8).astype(dtype)
    frame = av.VideoFrame(32, 16, name)
    for part in frame.planes:
        np.frombuffer(part, dtype)[:] = 7
    if len(frame.planes) > 3:
        np.frombuffer(frame.planes[3], dtype).reshape(16, -1)[:, :32] = levels
    else:
        step = len(form.components)
        place = {"argb": 0}.get(name, place)
        rows = np.frombuffer(frame.planes[0], dtype).reshape(16, -1)
        rows[:, place : 32 * step : step] = levels
    alpha, peak = alpha_of(frame, VideoReformatter())
    assert peak == (1 << deep) - 1
    assert np.array_equal(alpha, levels)


@pytest.mark.parametrize("peak", [255, 1023, 4095, 65535])
def test_no_level_is_lost_on_the_way_to_more_bits_and_back(peak: int) -> None:
    levels = np.arange(peak + 1).astype(np.uint8 if peak < 256 else np.uint16)
    there = change_alpha(levels, peak, 65535)
    assert there[[0, -1]].tolist() == [0, 65535]
    assert np.array_equal(change_alpha(there, 65535, peak), levels)


def test_only_streams_that_say_so_need_another_decoder(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for fmt, expected in (("yuv420p", None), ("yuva420p", "libvpx-vp9")):
        path = tmp_path / f"{fmt}.webm"
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libvpx-vp9", rate=25)
            stream.width, stream.height, stream.pix_fmt = 32, 32, fmt  # type: ignore[union-attr]
            out.mux(stream.encode(av.VideoFrame(32, 32, fmt)))  # type: ignore[union-attr,arg-type]
            out.mux(stream.encode())  # type: ignore[union-attr]
        with av.open(str(path)) as file:
            decoder = alpha_decoder(file.streams.video[0])
            assert (decoder and decoder.name) == expected
