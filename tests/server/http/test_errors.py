"""One body for every failure."""

from __future__ import annotations

import logging

import pytest

from crispen.server.logs import JsonLines

from ..conftest import Api, Live, error_of


def test_what_is_unexpected_is_told_by_an_id(
    api: Api, live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(client: str) -> None:
        raise RuntimeError("a secret path")

    monkeypatch.setattr(live.services.models, "views", broken)
    with caplog.at_level(logging.ERROR, "crispen.server"):
        answer = api.get("/models")
    message = error_of(answer, 500, "unexpected")
    assert "secret" not in message
    assert answer.headers["x-request-id"] in message
    (record,) = [r for r in caplog.records if r.name == "crispen.server"]
    assert record.request_id == answer.headers["x-request-id"]  # type: ignore[attr-defined]
    assert "a secret path" in JsonLines().format(record)


def test_what_is_not_possible_says_what_is(api: Api, live: Live) -> None:
    for method, path, allowed in (
        ("DELETE", "/jobs", "GET, HEAD, PATCH, POST"),
        ("POST", "/health", "GET, HEAD"),
        ("GET", "/uploads/", "OPTIONS, POST"),
        ("PUT", "/runs/a/b/samples/1.png", "GET, HEAD"),
    ):
        answer = api.request(method, path)
        error_of(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == allowed
    error_of(api.get("/nothing"), 404, "not_found")


@pytest.mark.parametrize(
    ("options", "field", "message"),
    [
        ({"start": "abc"}, "start", "start: 'abc' is not a time; write seconds"),
        ({"start": 2, "end": 1}, "end", "end 1 is not after the start 2"),
        ({"end": 2, "duration": 1}, "duration", "give end or duration, not both"),
        ({"width": 0}, "width", "width must be at least 1"),
        ({"codec": "h264", "format": "webm"}, None, ""),
        ({"width": 0, "crop": "x"}, None, "width must be at least 1; crop: 'x' is not"),
    ],
)
def test_the_value_at_fault_is_named(
    api: Api, options: dict[str, object], field: str | None, message: str
) -> None:
    answer = api.post("/plan", json={"kind": "video", "options": options})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error.get("field") == field
    assert error["message"].startswith(message)
