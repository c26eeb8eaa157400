"""What would be done for a job."""

from __future__ import annotations

import pytest

from crispen.enhance.request import Request
from crispen.enhance.source import Source as PlainSource
from crispen.errors import ModelError, ResultTooLarge, UsageError
from crispen.jobs.job_plans import check_job, foresee, plan_job
from crispen.models.store import list_cards

from .conftest import SOURCE


def picture(width: int, height: int) -> PlainSource:
    return PlainSource(kind="image", format="png", width=width, height=height)


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


def test_models_are_checked_without_a_file() -> None:
    assert check_job(Request(models=("espcn",)), "image") == ["espcn"]
    with pytest.raises(ModelError, match="espcn"):
        check_job(Request(models=("espcm",)), "image")
    with pytest.raises(ModelError):
        check_job(Request(models=("espcn",)), "image", models=[])
    with pytest.raises(UsageError):
        check_job(Request(codec="h264", format="webm"), "video")
