"""Server-sent events: what is told, to whom, and when it ends."""

from __future__ import annotations

from collections.abc import Callable

from ..conftest import Api, Live, events

FAST = {"models": ["espcn"]}


def test_one_job_until_it_ends(api: Api, clip: bytes) -> None:
    job = api.job(clip, "clip.mp4", **FAST)
    with api.stream("GET", f"/jobs/{job['id']}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = list(events(answer))
    assert {name for name, _ in told} == {"job"}
    assert told[-1][1]["status"] == "done"
    progress = [job["progress"] for _, job in told if job["progress"]]
    done = [now["done"] for now in progress if now["unit"] == "frames"]
    assert done == sorted(done)
    assert progress[-1]["what"] == "enhancing clip.mp4"
    assert any(now["left_s"] is not None and now["rate"] > 0 for now in progress)
    # Whoever asks later is told once.
    with api.stream("GET", f"/jobs/{job['id']}/events") as answer:
        assert [job["status"] for _, job in events(answer)] == ["done"]


def test_all_jobs_from_a_snapshot_on(api: Api, live: Live, photo: bytes) -> None:
    first = api.job(photo, **FAST)
    api.wait(first["id"])
    with api.stream("GET", "/events") as answer:
        told = events(answer)
        name, snapshot = next(told)
        assert name == "snapshot"
        assert [job["id"] for job in snapshot["jobs"]] == [first["id"]]
        with live.client() as other:
            second = other.job(photo, "b.png", **FAST)
            seen = []
            for name, job in told:
                assert (name, job["id"]) == ("job", second["id"])
                seen.append(job["status"])
                if job["status"] == "done":
                    break
            assert seen[-1] == "done"
            other.delete(f"/jobs/{first['id']}")
            assert next(told) == ("deleted", {"id": first["id"]})


def test_others_jobs_are_not_told(start: Callable[..., Live], photo: bytes) -> None:
    live = start(separate_clients=True)
    with live.client() as mine, live.client() as theirs:
        mine.get("/settings")
        theirs.job(photo)
        with mine.stream("GET", "/events") as answer:
            told = events(answer)
            assert next(told) == ("snapshot", {"jobs": []})
            with live.client(cookies=mine.cookies) as again:
                job = again.job(photo)
            assert next(told)[1]["id"] == job["id"]
