"""Files that are too large or damaged are refused."""

from __future__ import annotations

from collections.abc import Callable

from ..conftest import Live, error_of, png


def test_pixels_frames_and_seconds(start: Callable[..., Live], clip: bytes) -> None:
    live = start(max_pixels=48 * 40 * 32, max_frames=30)
    with live.client() as api:
        uid = api.upload(png(480, 400))
        assert "pixels" in error_of(api.post("/jobs", json={"upload": uid}), 422, "bad_input")
        uid = api.upload(clip, "clip.mp4")
        assert "frames" in error_of(api.post("/jobs", json={"upload": uid}), 422, "bad_input")
        assert live.leftovers() == []


def test_a_cut_off_video_is_told(start: Callable[..., Live], clip: bytes) -> None:
    live = start()
    with live.client() as api:
        uid = api.upload(clip[:3000], "clip.mp4")
        message = error_of(api.post("/jobs", json={"upload": uid}), 422, "bad_input")
        assert message.startswith("clip.mp4: ")
        assert live.leftovers() == []
