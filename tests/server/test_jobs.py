"""From an upload to its result, over HTTP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from crispen.media.image import Image, read_image, write_image
from crispen.media.resample import resize

from .conftest import Api, Live, error_of, png

ROOT = Path(__file__).parents[2]
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


def test_a_zip_of_results(api: Api, photo: bytes) -> None:
    ids = [api.job(photo, "a.png", **FAST)["id"] for _ in range(2)]
    for id in ids:
        api.wait(id)
    answer = api.get("/jobs.zip", params={"id": ids})
    assert len(answer.content) == int(answer.headers["content-length"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.x2.png", "a.x2 (2).png"]
        assert read_image(archive.read("a.x2.png")).width == 96
    wish = {"id": ids, "folder": ["../holiday/./2019", "C:\\temp"]}
    with zipfile.ZipFile(io.BytesIO(api.get("/jobs.zip", params=wish).content)) as archive:
        assert archive.namelist() == ["holiday/2019/a.x2.png", "C/temp/a.x2.png"]
    assert api.get("/jobs.zip").content[:2] == b"PK"
    answer = api.get("/jobs.zip", params={"id": ids, "folder": ["a"]})
    assert "one folder for each id" in error_of(answer, 422, "bad_request")
    error_of(api.get("/jobs.zip", params={"id": ["0" * 32]}), 404, "not_found")


def test_measuring_against_a_reference(api: Api, tmp_path: Path) -> None:
    whole = png(96, 80, seed=3)
    small = png(48, 40, seed=3)
    job = api.job(small, **FAST, scale=2)
    error_of(
        api.post(f"/jobs/{'0' * 32}/measure", files={"reference": ("r.png", whole)}),
        404,
        "not_found",
    )
    api.wait(job["id"])
    where = f"/jobs/{job['id']}/measure"
    said = api.post(where, files={"reference": ("r.png", whole)}).json()
    assert said["border"] == 2
    assert 5 < said["psnr"] < 60
    assert said["ssim"] <= 1
    result = api.get(f"/jobs/{job['id']}/result").content
    equal = api.post(where, content=result).json()
    assert (equal["equal"], equal["psnr"]) == (True, None)
    message = error_of(api.post(where, files={"reference": ("r.png", small)}), 422, "bad_request")
    assert "48x40" in message
    message = error_of(
        api.post(where, files={"reference": ("<b>.png", b"no picture")}), 422, "bad_input"
    )
    assert message.startswith("<b>.png: ")


def test_thumbnails(api: Api) -> None:
    source = png(900, 300)
    job = api.job(source, as_is=True)
    before = api.get(f"/jobs/{job['id']}/thumbnail/before")
    assert (before.status_code, before.headers["content-type"]) == (200, "image/webp")
    error_of(api.get(f"/jobs/{job['id']}/thumbnail/middle"), 422, "bad_request")
    api.wait(job["id"])
    after = api.get(f"/jobs/{job['id']}/thumbnail/after")
    for small in (before, after):
        image = read_image(small.content)
        assert (image.width, image.height) == (640, 213)
    kept = {"If-None-Match": after.headers["etag"]}
    assert api.get(f"/jobs/{job['id']}/thumbnail/after", headers=kept).status_code == 304


def test_a_videos_thumbnails_show_one_frame(api: Api, clip: bytes) -> None:
    job = api.job(clip, "clip.mp4", scale=2, **FAST)
    api.wait(job["id"])
    small = [
        read_image(api.get(f"/jobs/{job['id']}/thumbnail/{side}").content).as_rgb8().astype(float)
        for side in ("before", "after")
    ]
    height, width = small[0].shape[:2]
    assert (small[1].shape[1], width) == (640, 320)
    half = small[1].reshape(height, 2, width, 2, 3).mean((1, 3))
    assert np.abs(half - small[0]).mean() < 6  # the frame after it differs by more


def test_previews(api: Api, photo: bytes) -> None:
    job = api.job(photo, **FAST, format="tiff")
    api.wait(job["id"])
    before = api.get(f"/jobs/{job['id']}/preview/before")
    assert (before.content, before.headers["content-type"]) == (photo, "image/png")
    after = api.get(f"/jobs/{job['id']}/preview/after")
    assert after.headers["content-type"] == "image/png"
    assert after.headers["content-disposition"] == "inline"
    assert read_image(after.content).width == 96


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
    assert ask(nonsense=1) == "nonsense is not known here; /docs lists what is"
    assert "pixels" in ask(width=60_000, height=60_000)
    assert api.post("/jobs", json={"upload": uid, "options": FAST}).status_code == 201


def test_what_would_be_done_to_each_file(api: Api) -> None:
    files = [
        {"width": 500, "height": 374},
        {"width": 500, "height": 374, "jpeg_step": 80.0, "damage": None},
        {"width": 500, "height": 374, "damage": {"noise": 0.5, "compression": 0, "blur": 0}},
        {"width": 300_000, "height": 300_000},
    ]
    plans = api.post("/plan", json={"kind": "image", "files": files}).json()["files"]
    assert plans[0] == {"models": ["photo-x2"], "width": 1000, "height": 748, "problem": None}
    assert plans[1] == plans[2] == plans[0] | {"models": ["real-x2"]}
    assert "pixels" in plans[3]["problem"]
    wish = {"kind": "video", "options": {"width": 640}, "files": files[:1]}
    (clip,) = api.post("/plan", json=wish).json()["files"]
    assert (clip["width"], clip["height"], clip["models"]) == (640, 479, ["photo-fast-x2"])


def test_what_cannot_be_done_is_refused_before_anything_is_sent(api: Api, clip: bytes) -> None:
    def ask(kind: str, **options: object) -> str:
        answer = api.post("/plan", json={"kind": kind, "options": options})
        return error_of(answer, 422, answer.json()["error"]["code"])

    assert "h264 does not go into .webm files" in ask("video", format="webm", codec="h264")
    assert "format png does not suit a video" in ask("video", format="png")
    assert "did you mean photo" in ask("image", models=["foto"])
    assert "outside 0 to 51" in ask("video", format="mp4", crf=60)
    wanted = {"tasks": ["upscale", "denoise"]}
    plan = api.post("/plan", json={"kind": "video", "options": wanted})
    assert plan.json() == {"models": ["denoise-photo", "photo-fast"], "files": []}
    # And whoever does not ask is told before any work.
    uid = api.upload(clip, "clip.mp4")
    options = {"format": "webm", "codec": "h264"}
    answer = api.post("/jobs", json={"upload": uid, "options": options})
    assert "h264 does not go into .webm files" in error_of(answer, 422, "bad_request")
    assert api.post("/jobs", json={"upload": uid, "options": FAST}).status_code == 201


def test_the_plan_is_kept_with_the_job(api: Api, live: Live, photo: bytes) -> None:
    job = api.job(photo, models=["espcn"], scale=4, format="webp")
    assert job["models"] == ["espcn-x4"]
    kept = live.server.store.get(job["id"])
    assert kept is not None
    assert kept.plan is not None
    assert (kept.plan.width, kept.plan.height, kept.plan.format) == (192, 160, "webp")
    done = api.wait(job["id"])
    assert (done["models"], done["result"]["width"]) == (["espcn-x4"], 192)


@pytest.mark.parametrize("wish", [{}, {"upload": "a", "from_job": "b"}])
def test_a_job_needs_one_source(api: Api, wish: dict[str, str]) -> None:
    assert "either upload or from_job" in error_of(api.post("/jobs", json=wish), 422, "bad_request")


@pytest.mark.parametrize(
    "path",
    ["", "/result", "/source", "/events", "/preview/before", "/preview/after", "/thumbnail/after"],
)
def test_unknown_jobs(api: Api, path: str) -> None:
    error_of(api.get(f"/jobs/{'0' * 32}{path}"), 404, "not_found")
    error_of(api.get(f"/jobs/..%2f..%2fetc{path}"), *((404, "not_found")))
    error_of(api.get(f"/jobs/nonsense{path}"), 422, "bad_request")


def test_paused_jobs_wait_until_they_are_resumed(start: Callable[..., Live], photo: bytes) -> None:
    live = start(workers=0)
    with live.client() as api:
        ids = [api.job(photo, **FAST)["id"] for _ in range(3)]
        done = api.patch("/jobs", json={"action": "pause", "ids": ids[:2]}).json()
        assert sorted(done["done"]) == sorted(ids[:2])
        assert [api.get(f"/jobs/{id}").json()["status"] for id in ids] == [
            *("paused", "paused", "queued"),
        ]
        assert api.get(f"/jobs/{ids[2]}").json()["position"] == 1
        refused = api.patch("/jobs", json={"action": "resume", "ids": ids[2:]}).json()["failed"]
        assert "only paused jobs take 'resume'" in refused[0]["message"]

        def next_one() -> str | None:
            job = live.server.store.claim("w", 60)
            return None if job is None else job.id

        assert (next_one(), next_one()) == (ids[2], None)
        assert api.post(f"/jobs/{ids[1]}/cancel").json()["status"] == "cancelled"
        api.patch("/jobs", json={"action": "resume", "status": ["paused"]})
        assert next_one() == ids[0]
