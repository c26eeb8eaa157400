"""Old jobs and folders without a job are deleted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from ..conftest import Live, error_of


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
