"""A server that tells another one of its jobs, which fails at first."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from crispen.server.services import webhooks
from crispen.server.services.webhook_sending import send
from crispen.server.settings import Settings

from ..conftest import Live, local
from ..receiver import KEY, SECRET, receiver, verified

SENDING = {"webhook_hosts": ("127.0.0.1",), "webhook_secret": SECRET, "webhook_private": True}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(webhooks, "WAITS_S", (0.1, 0.1, 3600.0))
    monkeypatch.setattr("crispen.server.services.lifecycle._TELL_S", 0.1)


def wait_for(what):
    until = time.monotonic() + 30
    while not what() and time.monotonic() < until:
        time.sleep(0.05)
    assert what()


def test_a_receiver_that_fails_first_is_notified_in_the_end(tmp_path, photo):
    with (
        receiver(500, 503) as other,
        Live(local(tmp_path, **SENDING)) as live,
        live.client() as api,
    ):
        made = api.post(
            "/jobs",
            json={
                "upload": api.upload(photo),
                "options": {"models": ["espcn"]},
                "webhook": other.url,
            },
        )
        assert made.status_code == 201, made.text
        job = api.wait(made.json()["id"])
        wait_for(lambda: len(other.got) == 3)
        time.sleep(0.5)
        assert len(other.got) == 3
    assert all(verified(headers, body) for headers, body in other.got)
    assert len({headers["webhook-id"] for headers, _ in other.got}) == 1
    body = json.loads(other.got[0][1])
    assert body["type"] == "job.done"
    assert (body["data"]["id"], body["data"]["error"]) == (job["id"], None)
    assert body["data"]["result"]["width"] == job["result"]["width"]


def test_a_restart_loses_no_message(tmp_path, photo, monkeypatch):
    # However long the first server takes to end, the next try is near.
    monkeypatch.setattr(webhooks, "WAITS_S", (0.1,) * 3600)
    settings = local(tmp_path, **SENDING)
    with receiver() as other:
        url = other.url
    with Live(settings) as live, live.client() as api:  # nobody is there to take it
        made = api.post(
            "/jobs",
            json={"upload": api.upload(photo), "options": {"models": ["espcn"]}, "webhook": url},
        )
        job = api.wait(made.json()["id"])
        wait_for(lambda: _tries(live) >= 1)
    with receiver(port=int(url.split(":")[2].strip("/"))) as other, Live(settings):
        wait_for(lambda: other.got)
    assert json.loads(other.got[0][1])["data"]["id"] == job["id"]


def _tries(live):
    with live.services.store.engine.connect() as connection:
        return connection.exec_driver_sql("SELECT tries FROM crispen_webhook").scalar()


@pytest.mark.parametrize(
    ("settings", "url", "text"),
    [
        ({}, "https://example.org/", "this server sends no webhooks"),
        (SENDING, "https://example.org/", "ask its operator to add the host to webhook_hosts"),
        (SENDING, "ftp://127.0.0.1/", "not an address"),
    ],
)
def test_an_address_that_is_refused_is_reported_before_any_work(
    tmp_path, photo, settings, url, text
):
    with Live(local(tmp_path, workers=0, **settings)) as live, live.client() as api:
        upload = api.upload(photo)
        made = api.post("/jobs", json={"upload": upload, "webhook": url})
        assert made.status_code == 422
        assert text in made.json()["error"]["message"]
        assert api.post("/jobs", json={"upload": upload}).status_code == 201


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"webhook_hosts": ("example.org",)}, "needs a webhook_secret"),
        ({"webhook_secret": "short"}, "whsec_ and 24 bytes"),
    ],
)
def test_settings_that_do_not_fit(tmp_path, given, text):
    with pytest.raises(ValidationError, match=text):
        Settings(folder=tmp_path, **given)


def test_the_example_in_the_documents_verifies_what_is_sent():
    page = (Path(__file__).parents[3] / "docs/server.md").read_text(encoding="utf-8")
    example = page.partition("<!-- verify -->\n```python\n")[2].partition("```")[0]
    assert 0 < len(example.strip().splitlines()) <= 10
    names: dict[str, Any] = {}
    exec(example, names)
    with receiver() as other:
        send(other.url, "msg_1", b"{}", KEY, hosts=("127.0.0.1",), private=True)
    ((headers, body),) = other.got
    assert names["verified"](headers, body, SECRET)
    assert not names["verified"](headers, b"{ }", SECRET)
    assert not names["verified"]({**headers, "webhook-timestamp": "1614265330"}, body, SECRET)
