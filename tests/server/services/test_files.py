"""Every odd file there is, as a person would upload it."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from crispen.jobs.previews import frame_times
from crispen.media.image import read_image
from crispen.media.video.container import probe

from ..conftest import Api, Live, error_of, png

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
    placed = []
    for folder in ("../holiday/./2019", "C:\\temp", "aux"):
        answer = api.post(
            "/jobs", json={"from_job": ids[0], "folder": folder, "options": {"models": ["espcn"]}}
        )
        placed.append(api.wait(answer.json()["id"])["id"])
    answer = api.get("/jobs.zip", params={"id": placed})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [
            "holiday/2019/a.x2.png",
            "C/temp/a.x2.png",
            "aux_/a.x2.png",  # which Windows has for devices
        ]
    assert api.get("/jobs.zip").content[:2] == b"PK"
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


def test_of_a_part_of_a_video_that_part_is_shown_beside_it(
    api: Api, clip: bytes, tmp_path: Path
) -> None:
    part = {"start": "0.5", "duration": "0.4", "crop": "60:40:20:14"}
    job = api.job(clip, "clip.mp4", scale=2, **FAST, **part)
    api.wait(job["id"])
    shown = {}
    for side in ("before", "after"):
        file = tmp_path / f"{side}.mp4"
        file.write_bytes(api.get(f"/jobs/{job['id']}/preview/{side}").content)
        header = probe(file)
        shown[side] = (header.width, header.height, frame_times(file))
    assert shown["before"][:2] == (60, 40)
    assert shown["after"][:2] == (120, 80)
    assert shown["before"][2] == shown["after"][2]
    assert len(shown["before"][2]) == 10


def test_previews(api: Api, photo: bytes) -> None:
    job = api.job(photo, **FAST, format="tiff")
    api.wait(job["id"])
    before = api.get(f"/jobs/{job['id']}/preview/before")
    assert (before.content, before.headers["content-type"]) == (photo, "image/png")
    after = api.get(f"/jobs/{job['id']}/preview/after")
    assert after.headers["content-type"] == "image/png"
    assert after.headers["content-disposition"] == "inline"
    assert read_image(after.content).width == 96
