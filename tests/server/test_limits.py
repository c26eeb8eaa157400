"""What the server does not keep, and what it does not take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crispen.server.api_errors import ApiError
from crispen.server.services.data_folder import DataFolder

from .conftest import Live, error_of, png


def test_old_results_go(start: Callable[..., Live], photo: bytes) -> None:
    live = start(result_ttl_s=0.2)
    with live.client() as api:
        old, waiting = api.job(photo), api.job(photo)
        api.post(f"/jobs/{old['id']}/cancel")
        time.sleep(0.3)
        assert live.services.queue.sweep() == 1
        error_of(api.get(f"/jobs/{old['id']}"), 404, "not_found")
        assert live.leftovers() == [f"jobs/{waiting['id']}", f"jobs/{waiting['id']}/source"]


def test_folders_of_no_job_go(start: Callable[..., Live]) -> None:
    live = start(upload_ttl_s=100)
    for name, age_s in (("a" * 32, 200), ("b" * 32, 0)):
        folder = live.services.folder.job(name)
        folder.mkdir()
        (folder / "source").write_bytes(b"x")
        os.utime(folder, (time.time() - age_s,) * 2)
    live.services.queue.sweep()
    assert live.leftovers() == [f"jobs/{'b' * 32}", f"jobs/{'b' * 32}/source"]


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


def test_pixels_frames_and_seconds(start: Callable[..., Live], clip: bytes) -> None:
    live = start(max_pixels=48 * 40 * 32, max_frames=30)
    with live.client() as api:
        uid = api.upload(png(480, 400))
        assert "pixels" in error_of(api.post("/jobs", json={"upload": uid}), 422, "bad_input")
        uid = api.upload(clip, "clip.mp4")
        assert "frames" in error_of(api.post("/jobs", json={"upload": uid}), 422, "bad_input")
        assert live.leftovers() == []


def test_a_cut_off_video_is_told(start: Callable[..., Live], clip: bytes) -> None:
    live = start()
    with live.client() as api:
        uid = api.upload(clip[:3000], "clip.mp4")
        message = error_of(api.post("/jobs", json={"upload": uid}), 422, "bad_input")
        assert message.startswith("clip.mp4: ")
        assert live.leftovers() == []


def test_room(tmp_path: Path) -> None:
    files = DataFolder(tmp_path, max_total_bytes=1000, min_free_bytes=0)
    files.prepare()
    (files.uploads / "x").write_bytes(bytes(600))
    files.check_room(400)
    with pytest.raises(ApiError, match="1,000 bytes"):
        files.check_room(401)
    full = DataFolder(tmp_path, max_total_bytes=1 << 60, min_free_bytes=1 << 60)
    with pytest.raises(ApiError, match="disk is full"):
        full.check_room(0)


def test_the_secret_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    files = DataFolder(tmp_path, max_total_bytes=1, min_free_bytes=0)
    assert files.secret() == files.secret()
    assert len(files.secret()) == 32
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0
