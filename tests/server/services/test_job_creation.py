"""Jobs are made of uploads and of earlier jobs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..conftest import Api, Live, error_of


def test_a_job_says_where_it_is_and_whether_it_is_new(
    start: Callable[..., Live], photo: bytes
) -> None:
    with start().client() as api:
        uid = api.upload(photo)
        first = api.post("/jobs", json={"upload": uid})
        again = api.post("/jobs", json={"upload": uid})
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.headers["location"] == again.headers["location"] == f"/api/v1/jobs/{uid}"
        assert first.json() == again.json()
        assert api.get(f"/jobs/{first.headers['location'].rpartition('/')[2]}").json()["id"] == uid


FAST = {"models": ["espcn"]}


def test_posting_an_upload_twice_gives_one_job(api: Api, photo: bytes) -> None:
    uid = api.upload(photo)
    first = api.post("/jobs", json={"upload": uid, "options": FAST})
    again = api.post("/jobs", json={"upload": uid, "options": FAST})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"] == uid
    assert len(api.get("/jobs").json()["jobs"]) == 1


def test_the_same_source_with_other_options(api: Api, photo: bytes) -> None:
    first = api.job(photo, **FAST, scale=2)
    second = api.post(
        "/jobs", json={"from_job": first["id"], "options": FAST | {"width": 100}}
    ).json()
    assert api.wait(second["id"])["result"]["width"] == 100
    api.delete(f"/jobs/{first['id']}")
    assert api.get(f"/jobs/{second['id']}/source").content == photo


def test_wishes_that_do_not_fit_are_told_and_the_upload_stays(api: Api, photo: bytes) -> None:
    uid = api.upload(photo)

    def ask(**options: object) -> str:
        answer = api.post("/jobs", json={"upload": uid, "options": options})
        return error_of(answer, 422, answer.json()["error"]["code"])

    assert "both a scale and a size" in ask(scale=2, width=100)
    assert "format mp4" in ask(format="mp4")
    assert "did you mean photo" in ask(models=["foto"])
    assert ask(models=["../../etc/passwd"]).startswith("models must match ")
    assert ask(scale=0) == "scale must be more than 0"
    assert ask(width=65_501) == "width must be at most 65500"
    assert ask(quality="best", fit="x") == (
        "fit must be true or false; quality must be a whole number"
    )
    assert ask(nonsense=1) == "nonsense is unknown; /docs lists what is accepted"
    assert "pixels" in ask(width=60_000, height=60_000)
    assert api.post("/jobs", json={"upload": uid, "options": FAST}).status_code == 201


@pytest.mark.parametrize("wish", [{}, {"upload": "a", "from_job": "b"}])
def test_a_job_needs_one_source(api: Api, wish: dict[str, str]) -> None:
    assert "either upload or from_job" in error_of(api.post("/jobs", json=wish), 422, "bad_request")
