"""Jobs: how many, in pages, and many changed at once."""

from __future__ import annotations

from collections.abc import Callable

from ..conftest import Live, error_of


def test_no_more_jobs_than_allowed(start: Callable[..., Live], photo: bytes) -> None:
    live = start(max_jobs_per_client=2)
    with live.client() as api:
        first, _ = api.job(photo), api.job(photo)
        uid = api.upload(photo)
        answer = api.post("/jobs", json={"upload": uid})
        error_of(answer, 429, "too_many_jobs")
        assert int(answer.headers["retry-after"]) > 0
        error_of(api.post("/jobs", json={"from_job": first["id"]}), 429, "too_many_jobs")
        api.post(f"/jobs/{first['id']}/cancel")
        assert api.post("/jobs", json={"upload": uid}).status_code == 201
        error_of(api.post(f"/jobs/{first['id']}/retry"), 429, "too_many_jobs")


def test_pages_of_jobs(start: Callable[..., Live], photo: bytes) -> None:
    with start().client() as api:
        source = api.job(photo)["id"]
        for _ in range(6):
            assert api.post("/jobs", json={"from_job": source}).status_code == 201
        everything = [job["id"] for job in api.get("/jobs").json()["jobs"]]
        seen, after = [], None
        while True:
            query = {"limit": 3} | ({} if after is None else {"after": after})
            page = api.get("/jobs", params=query).json()
            seen += [job["id"] for job in page["jobs"]]
            after = page["next"]
            if len(seen) == 3:  # what comes meanwhile moves nothing
                api.post("/jobs", json={"from_job": source})
            if after is None:
                break
        assert seen == everything
        error_of(api.get("/jobs", params={"after": "x"}), 422, "bad_request")


def test_many_at_once(start: Callable[..., Live], photo: bytes) -> None:
    live = start()
    with live.client() as api:
        first = api.job(photo)["id"]
        ids = [first] + [api.post("/jobs", json={"from_job": first}).json()["id"] for _ in range(3)]
        wish = {"action": "cancel", "ids": [*ids[:2], "0" * 32]}
        said = api.patch("/jobs", json=wish).json()
        assert said["done"] == ids[:2]
        assert [(f["id"], f["code"]) for f in said["failed"]] == [("0" * 32, "not_found")]
        said = api.patch("/jobs", json={"action": "delete", "status": ["cancelled"]}).json()
        assert sorted(said["done"]) == sorted(ids[:2])
        said = api.patch("/jobs", json={"action": "cancel", "status": ["queued"]}).json()
        assert sorted(said["done"]) == sorted(ids[2:])
        said = api.patch("/jobs", json={"action": "retry", "ids": ids[2:]}).json()
        assert said["done"] == ids[2:]
        assert [job["status"] for job in api.get("/jobs").json()["jobs"]] == ["queued"] * 2
        for wrong in ({"action": "delete"}, {"action": "delete", "ids": [], "status": ["done"]}):
            error_of(api.patch("/jobs", json=wrong), 422, "bad_request")


def test_nobody_changes_jobs_of_others_at_once(start: Callable[..., Live], photo: bytes) -> None:
    live = start(separate_clients=True)
    with live.client() as mine, live.client() as theirs:
        mine.get("/jobs")
        theirs.get("/jobs")
        job = mine.job(photo)["id"]
        said = theirs.patch("/jobs", json={"action": "delete", "ids": [job]}).json()
        assert [failure["code"] for failure in said["failed"]] == ["not_found"]
        wish = {"action": "cancel", "status": ["queued", "running"]}
        assert theirs.patch("/jobs", json=wish).json() == {"done": [], "failed": []}
        assert mine.get(f"/jobs/{job}").json()["status"] == "queued"


def test_paused_jobs_wait_until_they_are_resumed(start: Callable[..., Live], photo: bytes) -> None:
    live = start(workers=0)
    with live.client() as api:
        ids = [api.job(photo, models=["espcn"])["id"] for _ in range(3)]
        done = api.patch("/jobs", json={"action": "pause", "ids": ids[:2]}).json()
        assert sorted(done["done"]) == sorted(ids[:2])
        assert [api.get(f"/jobs/{id}").json()["status"] for id in ids] == [
            *("paused", "paused", "queued"),
        ]
        assert api.get(f"/jobs/{ids[2]}").json()["position"] == 1
        refused = api.patch("/jobs", json={"action": "resume", "ids": ids[2:]}).json()["failed"]
        assert "only paused jobs take 'resume'" in refused[0]["message"]

        def next_one() -> str | None:
            job = live.services.store.claim("w", 60)
            return None if job is None else job.id

        assert (next_one(), next_one()) == (ids[2], None)
        assert api.post(f"/jobs/{ids[1]}/cancel").json()["status"] == "cancelled"
        api.patch("/jobs", json={"action": "resume", "status": ["paused"]})
        assert next_one() == ids[0]
