"""What would be done for a job."""

from __future__ import annotations

import pytest

from crispen.enhance.request import Request
from crispen.errors import ModelError, ResultTooLarge, UsageError
from crispen.jobs.job_plans import Glimpse, check_job, foresee, plan_job
from crispen.media.video.box import Box
from crispen.models.store import list_cards

from .conftest import SOURCE


def picture(width: int, height: int) -> Glimpse:
    return Glimpse(kind="image", format="png", width=width, height=height)


def test_a_plan_names_networks_and_the_size() -> None:
    plan = plan_job(Request(models=("espcn",), scale=3), SOURCE)
    assert plan.models == ("espcn-x3",)
    assert (plan.width, plan.height) == (24, 18)


def test_a_result_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ResultTooLarge):
        plan_job(Request(models=("espcn",), scale=4), SOURCE, max_pixels=32 * 24 - 1)
    assert plan_job(Request(models=("espcn",), scale=4), SOURCE, max_pixels=32 * 24).width == 32


def test_each_file_is_foreseen_by_itself() -> None:
    request = Request(models=("espcn",), scale=2)
    small, large = foresee(request, [picture(10, 8), picture(900, 900)], list_cards(), 100_000)
    assert (small.width, small.height, small.problem) == (20, 16, None)
    assert small.models == ("espcn-x2",)
    assert large.models == ()
    assert large.problem is not None
    assert "--" not in large.problem  # no option of the command line


CLIP = Glimpse(kind="video", format="mp4", width=320, height=180, frames=62, duration_s=2.48)


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        ({}, 62),
        ({"start": "1"}, 37),
        ({"start": "1", "duration": "1"}, 25),
        ({"start": "2", "end": "9"}, 12),
        ({"start": "1", "duration": "1", "fps": "10"}, 10),
        ({"fps": "100"}, 62),  # repeated ones are not computed
    ],
)
def test_only_the_frames_of_a_part_count(options: dict[str, str], frames: int) -> None:
    (outlook,) = foresee(Request.of(**options), [CLIP], list_cards(), 10**9)
    assert (outlook.frames, outlook.problem) == (frames, None)
    assert outlook.begin_s == float(options.get("start", 0))


def test_of_a_clip_that_is_cropped_the_rectangle_counts() -> None:
    (outlook,) = foresee(Request.of(crop="160:90:100:40"), [CLIP], list_cards(), 10**9)
    assert (outlook.width, outlook.height, outlook.box) == (320, 180, Box(160, 90, 100, 40))


@pytest.mark.parametrize(
    ("options", "field", "problem"),
    [
        ({"start": "5"}, "start", "start 5 is after the last frame; the video is 2.48 s long"),
        ({"crop": "640:360:0:0"}, "crop", "reaches beyond the picture, which is 320x180"),
    ],
)
def test_a_problem_names_the_option(options: dict[str, str], field: str, problem: str) -> None:
    (outlook,) = foresee(Request.of(**options), [CLIP], list_cards(), 10**9)
    assert outlook.field == field
    assert outlook.problem is not None
    assert problem in outlook.problem


def test_models_are_checked_without_a_file() -> None:
    assert check_job(Request(models=("espcn",)), "image") == ["espcn"]
    with pytest.raises(ModelError, match="espcn"):
        check_job(Request(models=("espcm",)), "image")
    with pytest.raises(ModelError):
        check_job(Request(models=("espcn",)), "image", models=[])
    with pytest.raises(UsageError):
        check_job(Request(codec="h264", format="webm"), "video")
