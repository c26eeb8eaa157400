"""What can be chosen is what the program can do."""

from __future__ import annotations

from crispen.enhance.request import MAX_SIDE_PX
from crispen.media.formats import PICTURES
from crispen.media.video.codecs import CODEC_NAMES
from crispen.media.video_formats import VIDEOS
from crispen.models.tasks import TASKS
from crispen.server.services.assembly import _limits
from crispen.server.services.choices import Choices
from crispen.server.settings import Settings


class _Models:
    def usable(self, client: str) -> list[object]:
        from crispen.models.store import list_cards

        return list(list_cards()) if client == "me" else []


def choices(tmp_path) -> Choices:
    settings = Settings(folder=tmp_path, max_frames=77)
    return Choices(_Models(), _limits(settings), runs=False, tus_url="/u")  # type: ignore[arg-type]


def test_limits_are_the_settings(tmp_path) -> None:
    view = choices(tmp_path).of("me")
    assert view.limits.max_frames == 77
    assert view.limits.max_side_px == MAX_SIDE_PX
    assert (view.runs, view.tus_url) == (False, "/u")


def test_formats_are_those_that_can_be_written(tmp_path) -> None:
    view = choices(tmp_path).of("me")
    containers = {n for n, f in VIDEOS.items() if f.muxer and f.offered}
    # Animated pictures can become videos, and videos animated pictures.
    assert {f.format for f in view.formats if f.kind == "image"} == containers | {
        name for name, format in PICTURES.items() if format.writable
    }
    videos = {f.format: f for f in view.formats if f.kind == "video"}
    assert videos.keys() == containers | {"gif", "webp", "avif"}
    assert (videos["gif"].type, videos["gif"].codecs) == ("image/gif", [])
    assert all(codec in CODEC_NAMES for f in videos.values() for codec in f.codecs)
    assert videos["webm"].codecs
    assert not next(f for f in view.formats if f.format == "png").quality


def test_tasks_are_available_to_those_who_have_models(tmp_path) -> None:
    mine = {t.task: t for t in choices(tmp_path).of("me").tasks}
    assert list(mine) == list(TASKS)
    assert mine["upscale"].available
    assert mine["upscale"].image_model in mine["upscale"].models
    others = choices(tmp_path).of("you").tasks
    assert not any(task.available or task.models for task in others)
