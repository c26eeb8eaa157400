"""From an upload to its result, over HTTP."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crispen.media.image import Image, read_image, write_image
from crispen.media.resample import resize

from ...conftest import Api, Live, error_of, png

ROOT = Path(__file__).parents[4]
FAST = {"models": ["espcn"]}
SLOW = {"models": ["photo-x4"]}


def test_a_pictures_whole_way(api: Api, live: Live, photo: bytes) -> None:
    job = api.job(photo, "Ferien & Meer.png", **FAST, scale=3)
    assert (job["name"], job["kind"], job["status"]) == ("Ferien & Meer.png", "image", "queued")
    assert (job["source"]["width"], job["source"]["type"]) == (48, "image/png")
    done = api.wait(job["id"])
    assert done["error"] is None
    assert (done["status"], done["models"], done["attempts"]) == ("done", ["espcn-x3"], 1)
    assert done["expires"] == pytest.approx(done["finished"] + live.settings.result_ttl_s)
    answer = api.get(f"/jobs/{job['id']}/result")
    assert answer.headers["content-type"] == "image/png"
    assert 'filename="Ferien _ Meer.x3.png"' in answer.headers["content-disposition"]
    assert read_image(answer.content).width == 144 == done["result"]["width"]
    assert len(answer.content) == done["result"]["bytes"]
    assert api.get(f"/jobs/{job['id']}/source").content == photo
    assert api.get("/jobs").json()["jobs"][0]["id"] == job["id"]
    assert api.delete(f"/jobs/{job['id']}").status_code == 204
    assert live.leftovers() == []
    error_of(api.get(f"/jobs/{job['id']}"), 404, "not_found")


def test_it_says_what_was_found_and_what_is_done_about_it(api: Api, photo: bytes) -> None:
    bad = io.BytesIO()
    write_image(read_image(photo), bad, format="jpeg", quality=40)
    done = api.wait(api.job(bad.getvalue(), "bad.jpg")["id"])
    assert (done["found"][0], done["models"]) == ("JPEG quality about 40", ["real-x2"])
    # In words for whoever types no commands.
    assert done["result"]["notes"] == [f"{', '.join(done['found'])}: real-x2"]
    plain = api.job(bad.getvalue(), "bad.jpg", as_is=True)
    assert (plain["found"], plain["models"]) == (done["found"], ["photo-x2"])
    # Shrunk, so that nothing is left of how it was made.
    demo = resize(read_image(ROOT / "docs/demo/photo.png").pixels, 128, 128)
    good = io.BytesIO()
    write_image(Image(demo), good, format="png")
    clean = api.job(good.getvalue())
    assert (clean["found"], clean["models"]) == ([], ["photo-x2"])


def test_a_video_with_sound_and_its_parts(api: Api, clip: bytes) -> None:
    job = api.job(clip, "clip.mp4", **FAST, scale=2)
    done = api.wait(job["id"])
    assert (done["kind"], done["status"], done["result"]["type"]) == ("video", "done", "video/mp4")
    assert done["result"]["width"] == 2 * done["source"]["width"]
    where = f"/jobs/{job['id']}/result"
    whole = api.get(where).content
    part = api.get(where, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    tail = api.get(where, headers={"Range": "bytes=-50"})
    assert tail.content == whole[-50:]
    beyond = api.get(where, headers={"Range": "bytes=999999999-"})
    error_of(beyond, 416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(whole)}"
    for unknown in ("bytes=x-y", "bytes=5-2", "frames=1-2", "bytes"):
        answer = api.get(where, headers={"Range": unknown})
        assert (answer.status_code, answer.content) == (200, whole)
    times = api.get(f"/jobs/{job['id']}/frames").json()["times_s"]
    assert len(times) == done["result"]["frames"]
    assert times == sorted(times)


def test_a_video_becomes_an_animated_picture_and_back(api: Api, clip: bytes) -> None:
    job = api.job(clip, "clip.mp4", **FAST, scale=1, format="gif", duration="0.4")
    done = api.wait(job["id"])
    assert (done["kind"], done["status"]) == ("video", "done")
    assert (done["result"]["name"], done["result"]["type"]) == ("clip.x1.gif", "image/gif")
    gif = api.get(f"/jobs/{job['id']}/result").content
    assert read_image(gif).frames == done["result"]["frames"] == 10
    # They are compared as videos.
    for side in ("before", "after"):
        shown = api.get(f"/jobs/{job['id']}/preview/{side}")
        assert shown.headers["content-type"] == "video/mp4"
    assert api.get(f"/jobs/{job['id']}/thumbnail/after").status_code == 200
    assert len(api.get(f"/jobs/{job['id']}/frames").json()["times_s"]) == 10

    job = api.job(gif, "clip.gif", **FAST, scale=2, format="webm")
    assert (job["kind"], job["source"]["kind"]) == ("video", "image")
    done = api.wait(job["id"])
    assert (done["status"], done["result"]["type"]) == ("done", "video/webm")
    assert done["result"]["name"] == "clip.x2.webm"
    assert done["result"]["frames"] == 10
    for side, type in (("before", "video/mp4"), ("after", "video/webm")):
        assert api.get(f"/jobs/{job['id']}/preview/{side}").headers["content-type"] == type
        assert api.get(f"/jobs/{job['id']}/thumbnail/{side}").status_code == 200


def test_a_still_picture_does_not_become_a_video(api: Api, photo: bytes) -> None:
    upload = api.upload(photo, "photo.png")
    answer = api.post("/jobs", json={"upload": upload, "options": {"format": "mp4"}})
    assert "format mp4 does not suit a picture" in answer.text
    assert answer.status_code == 422


def test_cancel_and_retry(api: Api, live: Live) -> None:
    job = api.job(png(1000, 1000), **SLOW)
    api.wait(job["id"], ("running",))
    assert api.post(f"/jobs/{job['id']}/cancel").json()["status"] == "cancelled"
    error_of(api.post(f"/jobs/{job['id']}/cancel"), 409, "not_possible")
    error_of(api.get(f"/jobs/{job['id']}/result"), 409, "not_done")
    again = api.post(f"/jobs/{job['id']}/retry").json()
    assert (again["status"], again["attempts"], again["error"]) == ("queued", 0, None)
    error_of(api.post(f"/jobs/{job['id']}/retry"), 409, "not_possible")
    assert api.delete(f"/jobs/{job['id']}").status_code == 204
    # The worker hears of it and leaves nothing.
    small = api.job(png(), **FAST)
    api.wait(small["id"])
    assert not [name for name in live.leftovers() if job["id"] in name]


def test_places_in_the_queue(api: Api, photo: bytes) -> None:
    busy = api.job(png(1000, 1000), **SLOW)
    api.wait(busy["id"], ("running",))
    waiting = [api.job(photo, **FAST)["id"] for _ in range(3)]
    jobs = {job["id"]: job for job in api.get("/jobs").json()["jobs"]}
    assert [jobs[id]["position"] for id in waiting] == [1, 2, 3]
    assert jobs[busy["id"]]["position"] is None
    listed = api.get("/jobs", params={"status": ["queued"], "limit": 2}).json()["jobs"]
    assert [job["id"] for job in listed] == [waiting[2], waiting[1]]


@pytest.mark.parametrize(
    "path",
    ["", "/result", "/source", "/events", "/preview/before", "/preview/after", "/thumbnail/after"],
)
def test_unknown_jobs(api: Api, path: str) -> None:
    error_of(api.get(f"/jobs/{'0' * 32}{path}"), 404, "not_found")
    error_of(api.get(f"/jobs/..%2f..%2fetc{path}"), *((404, "not_found")))
    error_of(api.get(f"/jobs/nonsense{path}"), 422, "bad_request")
