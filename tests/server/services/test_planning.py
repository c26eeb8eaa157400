"""What would be done is said before anything is sent."""

from __future__ import annotations

from ..conftest import Api, Live, error_of

FAST = {"models": ["espcn"]}


def test_what_would_be_done_to_each_file(api: Api) -> None:
    files = [
        {"width": 500, "height": 374},
        {"width": 500, "height": 374, "jpeg_step": 80.0, "damage": None},
        {"width": 500, "height": 374, "damage": {"noise": 0.5, "compression": 0, "blur": 0}},
        {"width": 300_000, "height": 300_000},
    ]
    plans = api.post("/plan", json={"kind": "image", "files": files}).json()["files"]
    whole = {"frames": 1, "begin_s": 0.0, "box": None, "problem": None, "field": None}
    assert plans[0] == whole | {"models": ["photo-x2"], "width": 1000, "height": 748}
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
    kept = live.services.store.get(job["id"])
    assert kept is not None
    assert kept.plan is not None
    assert (kept.plan.width, kept.plan.height, kept.plan.format) == (192, 160, "webp")
    done = api.wait(job["id"])
    assert (done["models"], done["result"]["width"]) == (["espcn-x4"], 192)
