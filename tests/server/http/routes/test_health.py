"""Health and settings over HTTP."""

from __future__ import annotations

from ...conftest import Api, Live


def test_settings_say_what_can_be_chosen(api: Api, live: Live) -> None:
    said = api.get("/settings").json()
    assert said["limits"]["max_upload_bytes"] == live.settings.max_upload_bytes
    tasks = {task["task"]: task for task in said["tasks"]}
    assert list(tasks) == ["denoise", "relight", "sharpen", "restore", "upscale"]
    assert tasks["upscale"]["image_model"] == "photo"
    assert tasks["upscale"]["video_model"] == "photo-fast"
    assert {f["format"] for f in said["formats"] if f["kind"] == "video"} == {
        *("mp4", "mov", "mkv", "webm"),
        *("gif", "webp", "avif"),
    }


def test_health(api: Api) -> None:
    assert api.get("/health").json()["status"] == "ok"
