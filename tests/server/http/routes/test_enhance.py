"""``POST /enhance``: one call for programs."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.media.image import Image, read_image, write_image
from crispen.models.dials import noise_of, quality_of

from ...conftest import FAST, Api, Live, answer_on, error_of, nothing_left


def test_as_curl_sends_it(api: Api, live: Live, photo: bytes) -> None:
    files = {"file": ("photo.jpg", photo, "image/jpeg")}
    answer = api.post("/enhance", params={"scale": 2, **FAST}, files=files)
    assert answer.status_code == 200, answer.text
    # What it is counts, not what it is called.
    assert answer.headers["content-type"] == "image/png"
    assert read_image(answer.content).width == 96
    nothing_left(live)
    assert api.get("/jobs").json()["jobs"] == []


def jpeg(pixels: Any, quality: int) -> bytes:
    target = io.BytesIO()
    write_image(Image(pixels), target, format="jpeg", quality=quality)
    return target.getvalue()


def test_a_look(api: Api, live: Live, clip: bytes) -> None:
    rng = np.random.default_rng(0)
    grey = 120 + np.linspace(0, 60, 400)[None, :, None] * np.ones((300, 1, 3))
    grainy = np.clip(grey + rng.normal(0, 20, grey.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    write_image(Image(grainy), buffer, format="png")
    found = api.post("/look", content=buffer.getvalue()).json()
    assert (found["kind"], found["width"], found["height"]) == ("image", 400, 300)
    assert (found["jpeg_step"], found["content"]) == (None, "photo")
    assert noise_of(found["damage"]["noise"]) == pytest.approx(20, rel=0.35)
    assert found["found"][0].startswith("noise ")
    bad = jpeg(grainy, 40)
    whole = api.post("/look", files={"file": ("bad.jpg", bad)}).json()
    assert whole["found"][0] == "JPEG quality about 40"
    # What a JPEG file says of its compression is exact.
    assert quality_of(whole["damage"]["compression"]) == pytest.approx(40, abs=1)
    # Of its beginning alone what the header says.
    part = api.post("/look", params={"part": True}, content=bad[: len(bad) // 4]).json()
    assert (part["width"], part["jpeg_step"]) == (400, whole["jpeg_step"])
    assert (part["damage"], part["found"]) == (None, ["JPEG quality about 40"])
    film = api.post("/look", content=clip).json()
    assert (film["kind"], film["damage"]["blur"]) == ("video", 0)
    assert 0 <= film["damage"]["compression"] <= 1
    # What is said can be asked again, as it is.
    facts = {"width": 400, "height": 300, "damage": whole["damage"]}
    assert api.post("/plan", json={"kind": "image", "files": [facts]}).status_code == 200
    # What may yet turn out to be something is not refused by its beginning.
    assert api.post("/look", params={"part": True}, content=clip[:3000]).status_code == 200
    for part in (False, True):
        answer = api.post("/look", params={"part": part}, content=b"Dear Sir or Madam," * 99)
        assert "looks like text" in error_of(answer, 422, "bad_input")
    nothing_left(live)


def test_a_piece_of_a_jpeg(api: Api, photo: bytes) -> None:
    """What was cut out of a damaged file is repaired as the file would be."""
    wish = {"scale": 2, "format": "png"}
    plain = api.post("/enhance", params={**wish, "task": "upscale"}, content=photo)
    piece = api.post("/enhance", params={**wish, "jpeg_step": 125}, content=photo)
    same = api.post("/enhance", params={**wish, "jpeg_step": 125, "as_is": True}, content=photo)
    assert piece.content != plain.content == same.content
    assert float(piece.headers["server-timing"].removeprefix("enhance;dur=")) > 0


def test_the_bytes_as_the_body(api: Api, photo: bytes) -> None:
    answer = api.post("/enhance", params={"width": 100, "format": "webp", **FAST}, content=photo)
    assert answer.headers["content-type"] == "image/webp"
    assert read_image(answer.content).width == 100


def test_it_equals_what_python_gives(api: Api, photo: bytes, tmp_path: Path) -> None:
    from crispen.enhance.enhancer import Enhancer
    from crispen.enhance.target import Target

    answer = api.post("/enhance", params={"scale": 2, **FAST}, content=photo)
    with Enhancer(["espcn"], threads=1) as enhancer:
        expected = enhancer.enhance(photo, Target(scale=2)).pixels
    assert (read_image(answer.content).pixels == expected).all()


@pytest.mark.parametrize(
    ("content", "status", "code", "said"),
    [
        (b"", 422, "empty", "empty"),
        (b"hello", 422, "bad_input", "text"),
        (b"<html><script>", 422, "bad_input", "web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), 422, "bad_input", "PNG"),
    ],
)
def test_what_is_no_picture(
    api: Api, live: Live, content: bytes, status: int, code: str, said: str
) -> None:
    assert said in error_of(api.post("/enhance", content=content), status, code)
    files = {"file": ("<script>.png", content)}
    assert said in error_of(api.post("/enhance", files=files), status, code)
    nothing_left(live)


def test_a_misspelt_word_is_told(api: Api, live: Live, photo: bytes) -> None:
    answer = api.post("/enhance", params={"scal": 2}, content=photo)
    assert error_of(answer, 422, "bad_request").startswith("scal is unknown")
    nothing_left(live)


def test_tasks_and_models_may_be_several(api: Api, photo: bytes) -> None:
    several = {"model": ["espcn", "denoise"], "scale": 2}
    message = error_of(api.post("/enhance", params=several, content=photo), 422, "bad_model")
    assert "denoise" in message


def test_a_video_is_for_the_queue(api: Api, live: Live, clip: bytes) -> None:
    assert "job" in error_of(api.post("/enhance", content=clip), 422, "bad_request")
    nothing_left(live)


def test_wishes(api: Api, photo: bytes) -> None:
    for params, said in (
        ({"scale": 0}, "scale"),
        ({"scale": "nan"}, "scale"),
        ({"scale": 2, "width": 5}, "both"),
        ({"model": "nope"}, "no model"),
        ({"model": "/etc/passwd"}, "model"),
        ({"task": "cook"}, "task"),
        ({"format": "mp4"}, "format"),
        ({"quality": 101}, "quality"),
        ({"width": 65000, "height": 65000}, "pixels"),
    ):
        answer = api.post("/enhance", params=params, content=photo)
        assert said in error_of(answer, 422, answer.json()["error"]["code"])


def test_what_cannot_be_done_is_refused_before_a_byte_of_it_came(live: Live) -> None:
    with socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2]))) as line:
        line.settimeout(30)
        line.sendall(
            b"POST /api/v1/enhance?format=mp4 HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 999999\r\n\r\n"
        )
        status, body = answer_on(line)
    assert status == 422
    assert b"format mp4 does not suit a picture" in body
    nothing_left(live)


def test_bombs(start: Callable[..., Live], shared_data: Path) -> None:
    live = start()
    with live.client() as api:
        for bomb in sorted((shared_data / "odd" / "broken").glob("bomb_*")):
            error_of(api.post("/enhance", content=bomb.read_bytes()), 422, "bad_input")
            error_of(
                api.post("/jobs", json={"upload": api.upload(bomb.read_bytes(), bomb.name)}),
                422,
                "bad_input",
            )
        assert live.leftovers() == []
