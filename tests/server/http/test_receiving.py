"""Bodies that hold a file."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from ..conftest import FAST, Api, Live, error_of, nothing_left, png


def test_a_form_field_that_is_not_known_is_refused(api: Api, live: Live, photo: bytes) -> None:
    for fields in ({"scale": "4"}, {"model": "espcn"}):
        answer = api.post("/enhance", files={"file": ("a.png", photo)}, data=fields)
        (name,) = fields
        assert f"'{name}'" in error_of(answer, 422, "bad_request")
    files = [("file", ("a.png", photo)), ("extra", ("b.png", photo))]
    assert "'extra'" in error_of(api.post("/enhance", files=files), 422, "bad_request")
    assert live.leftovers() == []


def test_bad_forms(api: Api, live: Live, photo: bytes) -> None:
    form = "multipart/form-data; boundary=x"

    def send(body: bytes, kind: str = form) -> tuple[int, str]:
        answer = api.post("/enhance", content=body, headers={"Content-Type": kind})
        return answer.status_code, answer.json()["error"]["code"]

    part = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.png"\r\n\r\n'
    assert send(photo, "multipart/form-data") == (400, "bad_form")
    assert send(b"no form at all") == (400, "bad_form")
    assert send(part % b"file" + photo) == (400, "cut_off")
    assert send(part % b"other" + photo + b"\r\n--x--\r\n") == (422, "bad_request")
    assert send(b"--x--\r\n") == (422, "no_file")
    assert send((part % b"file" + photo + b"\r\n") * 2 + b"--x--\r\n") == (400, "bad_form")
    assert send(b"--x\r\nX: " + b"y" * 40_000 + b"\r\n\r\n\r\n--x--\r\n") == (400, "bad_form")
    nothing_left(live)


def test_a_file_that_breaks_in_the_middle(api: Api, live: Live) -> None:
    whole = png(300, 300)
    message = error_of(
        api.post("/enhance", params=FAST, files={"file": ("<b>.png", whole[: len(whole) // 2])}),
        422,
        "failed",
    )
    assert "<b>.png" in message
    assert str(live.settings.folder) not in message
    nothing_left(live)


def test_who_goes_away_while_sending(live: Live) -> None:
    with socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2]))) as line:
        line.sendall(
            b"POST /api/v1/enhance HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nabc"
        )
        time.sleep(0.3)
    nothing_left(live)


def test_too_large(start: Callable[..., Live], photo: bytes) -> None:
    live = start(max_upload_bytes=len(photo) - 1)
    with live.client() as api:
        error_of(api.post("/enhance", content=photo), 413, "too_large")
        error_of(api.post("/enhance", files={"file": photo}), 413, "too_large")
        # Without a length it is noticed when it is there.
        error_of(api.post("/enhance", content=iter([photo, photo])), 413, "too_large")
        assert live.leftovers() == []
