"""Every odd file there is, as a person would upload it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from .conftest import Api, Live

FAST = {"models": ["espcn"]}


def test_every_odd_file(api: Api, live: Live, shared_data: Path) -> None:
    with (shared_data / "odd" / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    taken = {}
    for name in names:
        content = (shared_data / "odd" / name).read_bytes()
        if not content:
            continue  # refused when the upload begins, see test_uploads
        answer = api.post(
            "/jobs",
            json={
                "upload": api.upload(content, f"<i>{Path(name).name}"),
                "options": FAST | {"scale": 1.5},
            },
        )
        if answer.status_code == 201:
            taken[name] = answer.json()["id"]
            continue
        assert answer.status_code == 422, (name, answer.text)
        error = answer.json()["error"]
        assert error["code"] == "bad_input", (name, error)
        assert error["message"].startswith("<i>"), error
        assert str(live.settings.folder) not in error["message"]
        assert not name.startswith("valid/"), error
    for name, id in taken.items():
        job = api.wait(id)
        if name.startswith("valid/"):
            assert job["status"] == "done", (name, job["error"])
        if job["status"] == "failed":
            assert job["attempts"] == 1, (name, job["error"])
            assert str(live.settings.folder) not in job["error"]
        api.delete(f"/jobs/{id}")
    assert live.leftovers() == []


@pytest.mark.parametrize("name", ["clip.mp4", "photo.png", "../x", "\0", "CON", "a" * 3000])
def test_names_of_all_kinds(api: Api, live: Live, photo: bytes, name: str) -> None:
    answer = api.post("/jobs", json={"upload": api.upload(photo), "name": name, "options": FAST})
    if len(name) > 1000:
        assert answer.status_code == 422
        return
    job = api.wait(answer.json()["id"])
    assert job["status"] == "done"
    assert "/" not in job["name"]
    assert {path.name for path in live.settings.folder.rglob("*") if "jobs" in path.parts} <= {
        "jobs",
        job["id"],
        "source",
        "result.png",
    }
