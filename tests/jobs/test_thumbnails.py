"""Small pictures for lists: their size, transparency, profile, and which frame of a video."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crispen.errors import InputError
from crispen.jobs.thumbnails import picture_thumbnail, video_thumbnail
from crispen.media.image import Image, read_image, write_image
from crispen.media.picture.header import Metadata
from crispen.media.video.box import Box
from crispen.media.video.span import Span


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1280, 320), (640, 160)), ((300, 900), (213, 640)), ((40, 30), (40, 30))],
)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sizes(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int], channels: int
) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 65536, (size[1], size[0], channels), np.uint16)
    write_image(Image(pixels), tmp_path / "a.png")
    picture_thumbnail(tmp_path / "a.png", tmp_path / "a.webp", 10**7)
    small = read_image(tmp_path / "a.webp")
    assert (small.width, small.height) == expected
    assert small.has_alpha == (channels in (2, 4))


def test_hidden_colour_does_not_bleed(tmp_path: Path) -> None:
    pixels = np.zeros((1280, 1280, 4), np.uint8)
    pixels[..., 0] = 255  # red, and hidden
    pixels[:, ::2] = (0, 255, 0, 255)
    write_image(Image(pixels), tmp_path / "a.png")
    picture_thumbnail(tmp_path / "a.png", tmp_path / "a.webp", 10**7)
    red, green, _, alpha = read_image(tmp_path / "a.webp").pixels[20:-20, 20:-20].mean((0, 1))
    assert red < 10
    assert green > 240
    assert 120 < alpha < 136


def test_the_profile_is_kept_and_nothing_else(tmp_path: Path) -> None:
    from PIL import ImageCms

    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image(np.full((9, 9, 3), 90, np.uint8), metadata=Metadata(icc=icc, comment=b"private"))
    write_image(image, tmp_path / "a.jpg")
    picture_thumbnail(tmp_path / "a.jpg", tmp_path / "a.webp", 100)
    small = read_image(tmp_path / "a.webp").metadata
    assert small.icc == icc
    assert small.comment is None


def test_the_frame_of_a_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(40):  # of which a tenth is over at the fourth
            grey = np.full((48, 64, 3), 6 * number, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        out.mux(stream.encode())
    video_thumbnail(tmp_path / "a.mp4", tmp_path / "a.webp")
    assert abs(read_image(tmp_path / "a.webp").as_rgb8().mean() - 6 * 4) < 3
    # Of a part from the 20th frame on, a tenth of which is over at its second.
    part = Span(Fraction(2), Fraction(4))
    video_thumbnail(tmp_path / "a.mp4", tmp_path / "b.webp", part, Box(32, 24, 8, 4))
    small = read_image(tmp_path / "b.webp")
    assert abs(small.as_rgb8().mean() - 6 * 22) < 3
    assert (small.width, small.height) == (32, 24)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(InputError):
        picture_thumbnail(tmp_path / "a.png", tmp_path / "a.webp", 100)
    assert not (tmp_path / "a.webp").exists()


def test_the_frame_of_an_animated_picture_that_became_a_video(
    tmp_path: Path, moving: Callable[[str], Path]
) -> None:
    video_thumbnail(moving("gif"), tmp_path / "a.webp")
    shown = read_image(tmp_path / "a.webp").pixels
    assert shown.shape[:2] == (32, 48)
    assert abs(shown.mean() - read_image(moving("gif")).frame(0)[..., :3].mean()) < 12
