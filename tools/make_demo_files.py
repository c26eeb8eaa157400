"""Makes the small photo and clip in ``docs/demo`` that ``make demo`` enhances.

    python tools/make_demo_files.py ../shared/data/video/bigbuckbunny.mp4

Also ``web/public/sample.jpg``, which the page offers to people without a photo.

The photo is scikit-image's ``astronaut``, which no shipped model was trained on. The clip is shrunk
to 320x180 and its sound mixed to stereo; one frame is kept at 640x360, so that the demo can report
how close the result is.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import skimage.data

from crispen.jobs.samples import PICTURE, WIDTH_PX, shrunk, worsened
from crispen.media.image import Image, read_image, write_image

TARGET = Path(__file__).parents[1] / "docs/demo"
SAMPLE = Path(__file__).parents[1] / "web/public/sample.jpg"
FIRST, FRAMES, KEPT = 30, 62, 40


def shrink_clip(source: Path) -> None:
    """Writes ``clip.mp4`` and ``clip-frame.png``."""
    with av.open(str(source)) as movie, av.open(str(TARGET / "clip.mp4"), "w") as clip:
        pictures, sound = movie.streams.video[0], movie.streams.audio[0]
        small = clip.add_stream(
            "libx264", rate=Fraction(25), options={"crf": "18", "preset": "veryslow"}
        )
        small.width, small.height, small.pix_fmt = 320, 180, "yuv420p"
        stereo = clip.add_stream("aac", rate=48000, layout="stereo", bit_rate=64_000)
        resampler = av.AudioResampler("fltp", "stereo", 48000)
        count = 0
        end = None
        for frame in movie.decode(pictures, sound):
            if isinstance(frame, av.VideoFrame):
                index = count - FIRST
                count += 1
                if not 0 <= index < FRAMES:
                    continue
                if index == KEPT:
                    large = frame.reformat(640, 360, "rgb24", interpolation="BICUBIC")
                    kept = Image(large.to_ndarray())
                    write_image(kept, TARGET / "clip-frame.png", overwrite=True)
                picture = frame.reformat(320, 180, "yuv420p", interpolation="BICUBIC")
                picture.pts, picture.time_base = index, Fraction(1, 25)
                clip.mux(small.encode(picture))
                end = FRAMES / 25
            elif FIRST / 25 <= frame.time < (FIRST + FRAMES) / 25:
                for piece in resampler.resample(frame):
                    piece.pts = None
                    clip.mux(stereo.encode(piece))
        clip.mux(small.encode())
        clip.mux(stereo.encode())
        print(f"clip: {FRAMES} frames, {end} s")


def main() -> None:
    """Makes all files."""
    photo = Image(skimage.data.astronaut())
    write_image(photo, TARGET / "photo.png", overwrite=True)
    small = shrunk(read_image(PICTURE).as_rgb8(), WIDTH_PX // 2)
    SAMPLE.write_bytes(worsened(small))
    shrink_clip(Path(sys.argv[1]))
    for file in sorted(TARGET.iterdir()):
        print(file.name, file.stat().st_size)


if __name__ == "__main__":
    main()
