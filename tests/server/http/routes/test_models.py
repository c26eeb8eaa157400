"""Models, runs, settings and the page, over HTTP."""

from __future__ import annotations

import pytest

from crispen.enhance.choice import REPAIR
from crispen.media.image import read_image
from crispen.models.guide import stem_of
from crispen.models.store import SHIPPED, shipped_names
from crispen.models.tasks import TASKS

from ...conftest import Api, Live, error_of


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
