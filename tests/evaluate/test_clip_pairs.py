"""The frames of a clip are measured as pictures of a folder are."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from crispen.errors import UsageError
from crispen.evaluate.benchmark import evaluate
from crispen.evaluate.clip_pairs import frame_pairs
from crispen.evaluate.pairs import find_data
from crispen.media.image import Image, write_image


def test_each_frame_is_measured_as_a_picture(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mkv"
    folder = tmp_path / "frames"
    folder.mkdir()
    with av.open(str(clip), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 50, 34, "yuv420p"
        for number in range(3):
            frame = av.VideoFrame(50, 34, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes((i * (7 + number)) % 200 + 20 for i in range(plane.buffer_size)))
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with av.open(str(clip)) as file:
        for number, frame in enumerate(file.decode(video=0)):
            write_image(Image(frame.to_ndarray(format="rgb24")), folder / f"{number}.png")
    assert find_data(clip) == clip
    mine, theirs = (evaluate("bicubic", data, 2) for data in (clip, folder))
    assert [p.picture for p in mine.pictures] == [
        "frame 0, 0.000 s",
        "frame 1, 0.040 s",
        "frame 2, 0.080 s",
    ]
    assert [(p.psnr, p.ssim) for p in mine.pictures] == [(p.psnr, p.ssim) for p in theirs.pictures]
    assert mine.psnr > 5


def test_nothing_to_restore_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="its frames are not degraded"):
        next(frame_pairs(tmp_path / "a.mp4", 1))
