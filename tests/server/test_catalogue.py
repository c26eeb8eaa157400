"""Models, runs, settings and the page, over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from crispen.enhance.plan import REPAIR
from crispen.errors import UsageError
from crispen.media.image import read_image
from crispen.models.guide import stem_of
from crispen.models.store import SHIPPED, shipped_names
from crispen.models.tasks import TASKS
from crispen.server.settings import Settings, read_settings

from .conftest import Api, Live, error_of

ROOT = Path(__file__).parents[2]


def test_models(api: Api) -> None:
    models = {model["name"]: model for model in api.get("/models").json()["models"]}
    assert set(shipped_names()) <= set(models)
    photo = models["photo-x2"]
    assert (photo["scale"], photo["family"], photo["own"]) == (2, "photo", False)
    assert photo["bytes"] == (SHIPPED / "photo-x2.onnx").stat().st_size
    assert api.get("/models/photo-x2").json() == photo
    error_of(api.get("/models/nope"), 404, "not_found")
    error_of(api.get("/models/..%2fx"), 404, "not_found")
    error_of(api.get("/models/.hidden"), 422, "bad_request")


def test_an_own_model(api: Api, live: Live) -> None:
    content = (SHIPPED / "espcn-x2.onnx").read_bytes()
    error_of(api.post("/models", content=content), 422, "bad_model")  # its name ships
    made = api.post("/models", params={"name": "mine"}, files={"file": ("x.onnx", content)})
    assert made.status_code == 201, made.text
    assert (made.json()["name"], made.json()["own"]) == ("mine", True)
    error_of(api.post("/models", params={"name": "mine"}, content=content), 409, "name_taken")
    assert live.leftovers() == []
    assert api.delete("/models/mine").status_code == 204
    error_of(api.delete("/models/mine"), 404, "not_found")
    error_of(api.delete("/models/photo-x2"), 409, "not_possible")


@pytest.mark.parametrize("content", [b"no model", b"\x08\x07\x12\x00", b"\xff" * 500])
def test_what_is_no_model(api: Api, live: Live, content: bytes) -> None:
    files = {"file": ("../<b>.onnx", content)}
    message = error_of(api.post("/models", files=files), 422, "bad_model")
    assert str(live.settings.folder) not in message
    assert live.leftovers() == []


def test_samples(api: Api) -> None:
    before, after = (api.get(f"/models/espcn-x2/sample/{side}") for side in ("before", "after"))
    assert before.headers["content-type"] == "image/webp"
    assert read_image(before.content).width == read_image(after.content).width == 768
    assert before.content != after.content
    error_of(api.get("/models/nope/sample/after"), 404, "not_found")
    error_of(api.get("/models/espcn-x2/sample/middle"), 422, "bad_request")


def test_models_say_what_they_are_for(api: Api) -> None:
    models = {model["name"]: model for model in api.get("/models").json()["models"]}
    ranked = sorted(
        (model for model in models.values() if model["rank"] is not None),
        key=lambda model: model["rank"],
    )
    assert ranked[0]["stem"] == "real"
    assert all(model["use"] for model in ranked)
    # Whatever is done by default is among those that a person sees first.
    usual = {row.model for row in TASKS.values()} | {row.video_model for row in TASKS.values()}
    stems = {model["stem"] for model in ranked}
    assert {name for name in usual if name} | {stem_of(name) for name in REPAIR.values()} <= stems
    assert models["srcnn-x2"]["rank"] is None
    # 108 ms for the 2.07 megapixels of a 1080p frame, of which a photo twice as wide has 48.
    assert models["photo-x2"]["photo_s"] == pytest.approx(0.108 * 48 / 2.0736, rel=0.05)


def test_settings_say_what_can_be_chosen(api: Api, live: Live) -> None:
    said = api.get("/settings").json()
    assert said["limits"]["max_upload_bytes"] == live.settings.max_upload_bytes
    tasks = {task["task"]: task for task in said["tasks"]}
    assert list(tasks) == ["denoise", "relight", "sharpen", "restore", "upscale"]
    assert tasks["upscale"]["image_model"] == "photo"
    assert tasks["upscale"]["video_model"] == "photo-fast"
    assert {f["format"] for f in said["formats"] if f["kind"] == "video"} == {
        "mp4",
        "mov",
        "mkv",
        "webm",
    }


def test_health(api: Api) -> None:
    assert api.get("/health").json()["status"] == "ok"


def test_runs(start: Callable[..., Live], tmp_path: Path) -> None:
    run = tmp_path / "runs" / "denoise <b>"
    (run / "samples").mkdir(parents=True)
    about = {"name": "denoise", "task": "denoise", "status": "done", "step": 20, "steps": 20}
    (run / "run.json").write_text(json.dumps(about | {"best": {"step": 20, "psnr": 31.5}}))
    (run / "log.csv").write_text("step,loss,val_psnr\n10,0.5,30.0\n20,0.25,31.5\n")
    sheet = Path(__file__).parents[2] / "docs" / "demo" / "photo.png"
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


def test_the_page(start: Callable[..., Live], tmp_path: Path) -> None:
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>page</title>")
    (page / "assets" / "index-abc123.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("no")
    live = start()
    with live.client() as api:
        for view in ("/", "/models", "/compare/12"):
            answer = api.get(live.url + view)
            assert answer.text.endswith("<title>page</title>")
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["content-type"].startswith("text/html")
        script = api.get(f"{live.url}/assets/index-abc123.js")
        assert "immutable" in script.headers["cache-control"]
        assert script.headers["content-type"].startswith("text/javascript")
        for path in ("/assets/gone.js", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/api/v2/x"):
            assert api.get(live.url + path).status_code == 404


def test_a_page_that_is_not_built(start: Callable[..., Live]) -> None:
    live = start()
    with live.client() as api:
        answer = api.get(f"{live.url}/")
        assert "make page" in answer.text
        assert answer.headers["content-type"].startswith("text/plain")


def test_settings_come_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "crispen.toml"
    file.write_text('port = 1\nworkers = 2\nmax_frames = 3\nallowed_hosts = ["a.example"]\n')
    monkeypatch.setenv("CRISPEN_WORKERS", "4")
    monkeypatch.setenv("CRISPEN_CORS_ORIGINS", "https://a.example, https://b.example")
    said = read_settings(file, port=9, host=None)
    assert (said.port, said.workers, said.max_frames) == (9, 4, 3)
    assert said.host == "127.0.0.1"
    assert said.allowed_hosts == ("a.example",)
    assert said.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prot = 1", "prot"),
        ("port = -1", "port"),
        ("port = ", "cannot be read"),
        ('token = "short"', "16 characters"),
        ('tokens = {laptop = "short"}', "16 characters"),
        ('tokens = {"a b" = "long enough a token"}', "cannot name a token"),
        ('cors_origins = ["example.org"]', "https://example.org"),
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "crispen.toml"
    file.write_text(content)
    with pytest.raises(UsageError, match=said):
        read_settings(file)


def test_a_settings_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such settings file"):
        read_settings(tmp_path / "no.toml")


def test_every_setting_is_documented() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "server_settings.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"| `{name}` | {field.description} |" in page, f"{name} is not in docs/server.md"
        if name.startswith(("max_", "min_")) and field.annotation in (int, float):
            # The unit is in the name, or what is counted is.
            assert name.rpartition("_")[2] in {
                "bytes",
                "pixels",
                "frames",
                "s",
                "client",
                "address",
                "waiting",
            }, name


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("x", False)],
)
def test_who_can_reach_it(host: str, local: bool) -> None:
    chosen = Settings(host=host)
    assert (chosen.local, chosen.separate) == (local, not local)
