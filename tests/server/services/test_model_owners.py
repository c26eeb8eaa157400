"""Models of strangers: tried out apart, with little time and memory, and nobody else's business."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from crispen.engines.adding import add
from crispen.models.store import SHIPPED

from ..conftest import Api, Live, error_of, png
from ..test_outage import until

ESPCN = (SHIPPED / "espcn-x2.onnx").read_bytes()


@pytest.fixture(autouse=True)
def own_models(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRISPEN_MODELS", str(tmp_path / "models"))


def _picture(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "h", "w"])


def endless() -> bytes:
    """A network that goes round for ever."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Relu", ["before"], ["after"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            _picture("before"),
        ],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []), _picture("after")],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["most", "always", "x"], ["y"], body=body)],
        "endless",
        [_picture("x")],
        [_picture("y")],
        [
            numpy_helper.from_array(np.array(2**62), "most"),
            numpy_helper.from_array(np.array(True), "always"),
        ],
    )
    return _bytes(graph)


def greedy() -> bytes:
    """A network that needs 512 MB for a picture of any size."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=1),
        helper.make_node("Tile", ["mean", "times"], ["large"]),
        helper.make_node("ReduceMean", ["large"], ["small"], keepdims=1),
        helper.make_node("Add", ["x", "small"], ["y"]),
    ]
    times = numpy_helper.from_array(np.array([1, 1, 1 << 14, 1 << 13]), "times")
    return _bytes(helper.make_graph(nodes, "greedy", [_picture("x")], [_picture("y")], [times]))


def _bytes(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()


def test_one_that_never_ends_is_ended(start: Callable[..., Live]) -> None:
    with start(max_model_s=6.0).client() as api:
        began = time.monotonic()
        answer = api.post("/models", params={"name": "endless"}, content=endless())
        assert "after 6 s; use another" in error_of(answer, 422, "bad_model")
        assert time.monotonic() - began < 25
        assert "endless" not in [model["name"] for model in api.get("/models").json()["models"]]


def test_one_that_asks_for_all_memory_is_refused(start: Callable[..., Live]) -> None:
    with start(max_model_memory_bytes=512 << 20, max_model_s=60).client() as api:
        answer = api.post("/models", params={"name": "greedy"}, content=greedy())
        error_of(answer, 422, "bad_model")
        # A good one fits well.
        assert api.post("/models", params={"name": "m"}, content=ESPCN).status_code == 201


def test_one_that_needs_no_more_than_it_may_is_added(start: Callable[..., Live]) -> None:
    with start(max_model_s=60).client() as api:
        answer = api.post("/models", params={"name": "greedy"}, content=greedy())
        assert answer.status_code == 201, answer.text


def test_who_goes_away_ends_the_trial(start: Callable[..., Live]) -> None:
    live = start()
    with live.client() as api, contextlib.suppress(httpx.ReadTimeout):
        api.post("/models", params={"name": "endless"}, content=endless(), timeout=3)
    until(lambda: not live.services.helpers._trial.busy, 10)
    until(lambda: live.leftovers() == [], 10)  # the draft goes after the trial


def test_a_trial_keeps_no_preview_waiting(start: Callable[..., Live], photo: bytes) -> None:
    live = start()
    with live.client() as api, live.client() as other:
        with contextlib.suppress(httpx.ReadTimeout):
            other.post("/models", content=endless(), params={"name": "e"}, timeout=0.5)
        began = time.monotonic()
        job = api.job(png(60, 50))
        assert api.get(f"/jobs/{job['id']}/preview/before").status_code == 200
        assert time.monotonic() - began < 15


@pytest.fixture
def two(start: Callable[..., Live]):
    live = start(separate_clients=True)
    with live.client() as mine, live.client() as theirs:
        for api in (mine, theirs):
            api.get("/jobs")  # a cookie of its own
        yield mine, theirs


def _names(api: Api) -> list[str]:
    return [model["name"] for model in api.get("/models").json()["models"]]


def test_a_model_is_its_owners_only(two: tuple[Api, Api], photo: bytes) -> None:
    mine, theirs = two
    made = mine.post("/models", params={"name": "mine"}, content=ESPCN)
    assert made.status_code == 201
    assert made.json()["own"]
    assert "mine" in _names(mine)
    assert "mine" not in _names(theirs)
    tasks = theirs.get("/settings").json()["tasks"]
    assert not any("mine" in task["models"] for task in tasks)
    error_of(theirs.get("/models/mine"), 404, "not_found")
    error_of(theirs.get("/models/mine/sample/after"), 404, "not_found")
    error_of(theirs.delete("/models/mine"), 404, "not_found")
    uid = theirs.upload(photo)
    answer = theirs.post("/jobs", json={"upload": uid, "options": {"models": ["mine"]}})
    error_of(answer, 422, "bad_model")
    error_of(theirs.post("/enhance", params={"model": "mine"}, content=photo), 422, "bad_model")
    assert mine.job(photo, models=["mine"])["models"] == ["mine"]
    assert mine.delete("/models/mine").status_code == 204


def test_no_model_slips_into_what_others_use(two: tuple[Api, Api]) -> None:
    mine, theirs = two
    answer = mine.post("/models", params={"name": "photo-x8"}, content=ESPCN)
    error_of(answer, 409, "name_taken")
    assert mine.post("/models", params={"name": "own-x2"}, content=ESPCN).status_code == 201
    answer = theirs.post("/models", params={"name": "own-x4"}, content=ESPCN)
    error_of(answer, 409, "name_taken")


def test_a_model_that_was_put_there_by_hand_stays(two: tuple[Api, Api]) -> None:
    add(SHIPPED / "espcn-x2.onnx", name="ours")
    for api in two:
        assert api.get("/models/ours").json()["own"] is False
        error_of(api.delete("/models/ours"), 409, "not_possible")
