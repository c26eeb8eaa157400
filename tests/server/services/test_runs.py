"""Training runs, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from ..conftest import Api, Live, error_of


def test_runs(start: Callable[..., Live], tmp_path: Path) -> None:
    run = tmp_path / "runs" / "denoise <b>"
    (run / "samples").mkdir(parents=True)
    about = {"name": "denoise", "task": "denoise", "status": "done", "step": 20, "steps": 20}
    (run / "run.json").write_text(json.dumps(about | {"best": {"step": 20, "psnr": 31.5}}))
    (run / "log.csv").write_text("step,loss,val_psnr\n10,0.5,30.0\n20,0.25,31.5\n")
    sheet = Path(__file__).parents[3] / "docs" / "demo" / "photo.png"
    (run / "samples" / "step-00000020.png").write_bytes(sheet.read_bytes())
    entries = [{"step": 20, "epoch": 1, "file": "step-00000020.png"}]
    (run / "samples" / "samples.json").write_text(json.dumps(entries))
    (tmp_path / "runs" / "secret.txt").write_text("x")
    with start(runs_folder=tmp_path / "runs").client() as api:
        listed = api.get("/runs").json()
        assert listed["folder"] == "runs"
        (one,) = listed["runs"]
        assert (one["name"], one["status"], one["best"]["psnr"]) == ("denoise", "done", 31.5)
        assert one["psnr"] == [[10, 30.0], [20, 31.5]]
        view = api.get("/runs/denoise%20%3Cb%3E").json()
        assert view["columns"]["loss"] == [0.5, 0.25]
        (sample,) = view["samples"]
        answer = api.get(str(api.base_url.copy_with(path="/"))[:-1] + sample["url"])
        assert answer.content == sheet.read_bytes()
        error_of(api.get("/runs/nope"), 404, "not_found")
        for name in ("..%2f..%2fsecret.txt", "samples.json", "other.png"):
            error_of(api.get(f"/runs/denoise%20%3Cb%3E/samples/{name}"), 404, "not_found")


def test_runs_in_folders(start: Callable[..., Live], tmp_path: Path) -> None:
    ids = ["studies/residual/residual-mse", "study/a b"]
    for id in ids:
        (tmp_path / "runs" / id / "samples").mkdir(parents=True)
        (tmp_path / "runs" / id / "run.json").write_text(json.dumps({"name": id[-3:]}))
        (tmp_path / "runs" / id / "samples" / "1.png").write_bytes(b"picture of " + id.encode())
        entries = [{"step": 1, "file": "1.png"}]
        (tmp_path / "runs" / id / "samples" / "samples.json").write_text(json.dumps(entries))
    with start(runs_folder=tmp_path / "runs").client() as api:
        assert sorted(run["id"] for run in api.get("/runs").json()["runs"]) == ids
        for id in ids:
            view = api.get(f"/runs/{quote(id)}").json()
            assert (view["id"], view["name"]) == (id, id[-3:])
            (sample,) = view["samples"]
            answer = api.get(sample["url"].removeprefix("/api/v1"))
            assert answer.content == b"picture of " + id.encode()
            events = api.get(f"/runs/{quote(id)}/events").text
            assert "event: run" in events
        for name in ("studies/residual", "study/../study/a%20b", "study/a%20b/samples"):
            error_of(api.get(f"/runs/{name.replace('..', '%2e%2e')}"), 404, "not_found")


def test_no_runs(api: Api) -> None:
    assert api.get("/runs").json() == {"folder": None, "runs": []}
