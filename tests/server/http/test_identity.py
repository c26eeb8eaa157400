"""Tokens, sessions, and clients kept apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import Response
from pydantic import SecretStr

from crispen.server.http.identity import COOKIE, Identity
from crispen.server.settings import Settings

from ..conftest import API, Live, error_of

TOKEN = "correct horse battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def guarded(start: Callable[..., Live]) -> Live:
    return start(token=SecretStr(TOKEN))


def test_without_the_token_there_is_health_and_nothing_else(guarded: Live, photo: bytes) -> None:
    with guarded.client() as api:
        assert api.get("/health").status_code == 200
        assert api.get("/session").json() == {"needed": True, "signed_in": False}
        for path, item in guarded.app.openapi()["paths"].items():
            for method in item:
                where = path.replace("{id}", "0" * 32).replace("{uuid}", "0" * 32)
                if where in (f"{API}/health", f"{API}/session") or method == "options":
                    continue
                answer = api.request(method, guarded.url + where, content=photo)
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"].startswith("Bearer")
        error_of(api.get("/jobs"), 401, "token_needed")
        error_of(api.get("/jobs", headers={"Authorization": "Bearer wrong"}), 401, "token_needed")
        error_of(
            api.get("/jobs", headers={"Authorization": BEARER["Authorization"][:-1]}),
            401,
            "token_needed",
        )
    assert guarded.leftovers() == []


def test_with_the_token(guarded: Live, photo: bytes) -> None:
    with guarded.client(headers=BEARER) as api:
        job = api.job(photo)
        assert [j["id"] for j in api.get("/jobs").json()["jobs"]] == [job["id"]]
        assert api.get(f"{guarded.url}/metrics").status_code == 200


def test_a_browser_signs_in_once(guarded: Live) -> None:
    with guarded.client() as api:
        error_of(api.post("/session", json={"token": "wrong"}), 401, "wrong_token")
        answer = api.post("/session", json={"token": TOKEN})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        assert api.get("/jobs").status_code == 200
        assert api.get("/session").json() == {"needed": True, "signed_in": True}
        api.delete("/session")
        error_of(api.get("/jobs"), 401, "token_needed")


def test_sessions_end_with_their_token_and_cannot_be_made_up(tmp_path: Path) -> None:
    def identity(token: str, key: bytes = b"k") -> Identity:
        return Identity(Settings(folder=tmp_path, token=SecretStr(token)), key)

    made = Response()
    identity(TOKEN).sign_in(made, TOKEN)
    value = made.headers["set-cookie"].partition("=")[2].partition(";")[0]
    header = {"cookie": f"{COOKIE}={value}"}
    assert identity(TOKEN).look(header)[0]
    assert not identity("quite another token").look(header)[0]
    assert not identity(TOKEN, b"other").look(header)[0]
    id, ends, mark = value.split(".")
    for made_up in (f"{'0' * 32}.{ends}.{mark}", f"{id}.{int(ends) + 1}.{mark}", f"{id}.1.{mark}"):
        assert not identity(TOKEN).look({"cookie": f"{COOKIE}={made_up}"})[0]


def test_clients_are_kept_apart(start: Callable[..., Live], photo: bytes) -> None:
    live = start(separate_clients=True)
    with live.client() as mine, live.client() as theirs:
        mine.get("/settings")
        theirs.get("/settings")
        assert mine.cookies[COOKIE] != theirs.cookies[COOKIE]
        job = mine.job(photo)
        upload = mine.begin(9).headers["location"]
        assert theirs.get("/jobs").json() == {"jobs": [], "next": None}
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/cancel"),
            ("GET", "/source"),
            ("GET", "/result"),
            ("GET", "/events"),
            ("GET", "/preview/before"),
            ("GET", "/thumbnail/before"),
        ):
            error_of(theirs.request(method, f"/jobs/{job['id']}{path}"), 404, "not_found")
        error_of(theirs.post("/jobs", json={"upload": upload}), 404, "not_found")
        error_of(theirs.post("/jobs", json={"from_job": job["id"]}), 404, "not_found")
        error_of(theirs.put_bytes(upload, b"123456789"), 404, "not_found")
        assert mine.get(f"/jobs/{job['id']}").status_code == 200


def test_guessing_a_token_is_slow_and_others_do_not_notice(
    start: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = start(token=SecretStr(TOKEN), sign_ins_per_minute=4)
    with live.client() as api:
        for _ in range(2):
            error_of(api.post("/session", json={"token": "wrong"}), 401, "wrong_token")
            wrong = {"Authorization": "Bearer wrong"}
            error_of(api.get("/jobs", headers=wrong), 401, "token_needed")
        answer = api.post("/session", json={"token": TOKEN})  # the right one is not even looked at
        error_of(answer, 429, "too_many_sign_ins")
        assert int(answer.headers["retry-after"]) >= 1
        good = {"Authorization": f"Bearer {TOKEN}"}
        error_of(api.get("/jobs", headers=good), 429, "too_many_sign_ins")
        monkeypatch.setattr("crispen.server.http.middleware.address_of", lambda scope: "192.0.2.1")
        assert api.get("/jobs", headers=good).status_code == 200
        assert api.post("/session", json={"token": TOKEN}).status_code == 200


def test_right_tokens_are_no_guesses(start: Callable[..., Live]) -> None:
    live = start(token=SecretStr(TOKEN), sign_ins_per_minute=2)
    with live.client(headers={"Authorization": f"Bearer {TOKEN}"}) as api:
        assert [api.get("/jobs").status_code for _ in range(9)] == [200] * 9


def test_several_tokens(start: Callable[..., Live], photo: bytes) -> None:
    live = start(
        token=SecretStr(TOKEN),
        tokens={"camera": SecretStr("token of the camera"), "phone": SecretStr("token of a phone")},
        separate_clients=True,
    )

    def of(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    with live.client() as api:
        api.headers.update(of("token of the camera"))
        job = api.job(photo)
        assert [j["id"] for j in api.get("/jobs").json()["jobs"]] == [job["id"]]
        for other in ("token of a phone", TOKEN):
            assert api.get("/jobs", headers=of(other)).json()["jobs"] == []
        error_of(api.get("/jobs", headers=of("token of none")), 401, "token_needed")
    with live.client() as browser:
        assert browser.post("/session", json={"token": "token of a phone"}).status_code == 200
        assert browser.get("/jobs").status_code == 200
