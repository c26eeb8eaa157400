"""Bodies are limited before they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from ..conftest import Live, error_of

TOKEN = "correct horse battery"


@pytest.mark.parametrize("path", ["/session", "/jobs"])
def test_json_is_limited_before_sign_in(start: Callable[..., Live], path: str) -> None:
    live = start(token=SecretStr(TOKEN))
    body = json.dumps({"token": "x" * (2 << 20)}).encode()

    def pieces() -> Iterator[bytes]:
        for place in range(0, len(body), 1 << 16):
            yield body[place : place + (1 << 16)]

    with live.client() as api:
        if path != "/session":
            error_of(api.post(path, content=body), 401, "token_needed")
            api.headers["Authorization"] = f"Bearer {TOKEN}"
        sent = {"Content-Type": "application/json"}
        assert "1,048,576" in error_of(api.post(path, content=body, headers=sent), 413, "too_large")
        # Without a length, as soon as it is too large.
        answer = api.post(path, content=pieces(), headers=sent)
        assert answer.status_code == 413, answer.text
