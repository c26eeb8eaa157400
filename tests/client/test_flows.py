"""What is said again, and what is not, without a server."""

from __future__ import annotations

import httpx
import pytest

from crispen.client.flows import Call, Pause, called
from crispen.errors import ServerError

ASK = Call("GET", "/jobs")


def answer(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, request=httpx.Request("GET", "http://x/"))


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    flow = called(ASK, 3)
    assert next(flow) is ASK
    pause = flow.send(answer(503, **{"Retry-After": "7"}))
    assert pause == Pause(7)
    assert flow.send(None) is ASK
    with pytest.raises(StopIteration) as ended:
        flow.send(answer(200))
    assert ended.value.value.status_code == 200


def test_pauses_grow_until_it_gives_up() -> None:
    flow = called(ASK, 4)
    next(flow)
    pauses = []
    for _ in range(3):
        pause = flow.throw(httpx.ConnectError("refused"))
        assert isinstance(pause, Pause)
        pauses.append(pause.seconds)
        assert flow.send(None) is ASK
    assert 0.1 <= pauses[0] <= 0.2 <= pauses[1] <= 0.4 <= pauses[2] <= 0.8
    with pytest.raises(ServerError, match=r"does not answer \(refused\)"):
        flow.throw(httpx.ConnectError("refused"))


def test_what_is_refused_is_not_asked_again() -> None:
    flow = called(ASK, 4)
    next(flow)
    with pytest.raises(ServerError, match="404 Not Found") as raised:
        flow.send(answer(404))
    assert raised.value.status == 404
